/** @file Serves the project's own sources through Vite, so that a tool's page runs the app's code as it is. */
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';
import { assembly } from '../vite-plugins/assembly.ts';
import type { Handler } from './server.ts';

/**
 * In place of Vite's client, which would connect to a socket for hot reloading: the function that modules import from
 * it.
 */
const CLIENT = 'export const injectQuery = (url) => url;';

export interface Sources {
  handler: Handler;
  close(): Promise<void>;
}

/**
 * @param include dependencies that Vite bundles before the first request: found late, they reload the page in a run
 * @param alias folders of packages that are installed on demand, by name
 */
export async function serveSources(include: string[], alias: Record<string, string> = {}): Promise<Sources> {
  const vite = await createServer({
    root: fileURLToPath(new URL('../../', import.meta.url)),
    configFile: false,
    logLevel: 'error',
    appType: 'mpa',
    server: { middlewareMode: true, hmr: false, ws: false, watch: null },
    resolve: { alias },
    optimizeDeps: { noDiscovery: true, include },
    plugins: [assembly],
  });
  return {
    handler: (request, response, path) => {
      if (path === '@vite/client') response.setHeader('Content-Type', 'text/javascript').end(CLIENT);
      else vite.middlewares(request, response);
    },
    close: () => vite.close(),
  };
}
