/** Serves the built site, the model as a static host would, and another engine's module where there is one. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isolationHeaders } from '../../protocol/isolation.ts';
import type { ModelDir } from './model.ts';

const site = fileURLToPath(new URL('../../dist/', import.meta.url));
export const MODELS = '/bench-models/';
export const ENGINES = '/bench-engines/';

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

async function sendFile(file: string, response: ServerResponse): Promise<void> {
  const found = await stat(file).catch(() => null);
  if (!found?.isFile()) {
    response.statusCode = 404;
    response.end();
    return;
  }
  response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
  response.setHeader('Content-Length', found.size);
  createReadStream(file).pipe(response);
}

export interface BenchServer {
  origin: string;
  close(): Promise<void>;
}

/** @param engines folder of other engines' modules. @throws Error where the site is not built. */
export async function startBenchServer(model: ModelDir, engines: string | null): Promise<BenchServer> {
  await stat(join(site, 'bench.html')).catch(() => {
    throw new Error('The site is not built: run `npm run build` first.');
  });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // Without the site's content-security policy: stock transformers.js imports from blob: addresses, which that refuses.
    for (const [name, value] of Object.entries(isolationHeaders)) response.setHeader(name, value);
    // What was fetched is not asked for again, as with hashed names on a good host.
    response.setHeader('Cache-Control', 'max-age=3600');
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname));
    const inModel = `${MODELS}${model.name}/`;
    if (path === `${inModel}manifest.json`) {
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(model.manifest));
    } else if (path.startsWith(inModel)) await sendFile(join(model.dir, path.slice(inModel.length)), response);
    else if (engines !== null && path.startsWith(ENGINES))
      await sendFile(join(engines, path.slice(ENGINES.length)), response);
    else await sendFile(join(site, path), response);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (!address || typeof address === 'string') throw new Error('the bench server has no port');
  return {
    origin: `http://127.0.0.1:${address.port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
