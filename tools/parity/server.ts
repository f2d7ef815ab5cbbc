/**
 * Serves the project's own sources (through Vite, so that the app's code runs as it is) and a folder of exports, and
 * takes the results that the browser posts.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createServer, type Plugin } from 'vite';
import { assembly } from '../assembly/plugin.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

export interface ParityServer {
  origin: string;
  /** What was posted under `/parity-results/NAME`, as float32. */
  results: Map<string, Float32Array>;
  close(): Promise<void>;
}

function parityRoutes(folder: string, results: Map<string, Float32Array>): Plugin {
  return {
    name: 'parity-routes',
    configureServer(server) {
      server.middlewares.use('/parity-files', (request, response) => {
        const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname));
        const file = join(folder, path);
        stat(file).then(
          ({ size }) => {
            response.setHeader('Content-Length', size);
            createReadStream(file).pipe(response);
          },
          () => {
            response.statusCode = 404;
            response.end();
          },
        );
      });
      server.middlewares.use('/parity-results', (request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          const bytes = Buffer.concat(chunks);
          const copy = new Uint8Array(bytes).buffer;
          results.set(decodeURIComponent((request.url ?? '').slice(1)), new Float32Array(copy));
          response.end();
        });
      });
    },
  };
}

/** @param folder what `/parity-files/` serves */
export async function startParityServer(folder: string): Promise<ParityServer> {
  const results = new Map<string, Float32Array>();
  const server = await createServer({
    root,
    configFile: false,
    logLevel: 'error',
    appType: 'mpa',
    server: { port: 0, host: '127.0.0.1', hmr: false, watch: null },
    // Nothing may be discovered late: a re-optimised dependency reloads the page in the middle of a run.
    optimizeDeps: { noDiscovery: true, include: ['protobufjs/minimal.js'] },
    plugins: [assembly, parityRoutes(folder, results)],
  });
  await server.listen();
  const address = server.httpServer?.address();
  if (!address || typeof address === 'string') throw new Error('the parity server has no port');
  return { origin: `http://127.0.0.1:${address.port}`, results, close: () => server.close() };
}
