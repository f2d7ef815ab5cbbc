/** @file Serves the built site, the model as a static host would, and another engine's module where there is one. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isolationHeaders } from '../../protocol/isolation.ts';
import { serveFolder } from '../serve/files.ts';
import { type RunningServer, startServer } from '../serve/server.ts';
import type { ModelDir } from './model.ts';

const site = fileURLToPath(new URL('../../dist/', import.meta.url));
/** Path of the folder that the models are in. */
export const MODELS = '/bench-models/';
/** Path of the folder that other engines' modules are in. */
export const ENGINES = '/bench-engines/';

/** @param engines folder of other engines' modules. @throws Error where the site is not built. */
export async function startBenchServer(model: ModelDir, engines: string | null): Promise<RunningServer> {
  await stat(join(site, 'bench.html')).catch(() => {
    throw new Error('The site is not built: run `npm run build` first.');
  });
  const folder = `${MODELS}${model.name}/`;
  return startServer(
    {
      '/': serveFolder(site),
      [folder]: serveFolder(model.dir),
      [`${folder}manifest.json`]: (_request, response) => {
        response.setHeader('Content-Type', 'application/json');
        response.end(JSON.stringify(model.manifest));
      },
      ...(engines !== null && { [ENGINES]: serveFolder(engines) }),
    },
    {
      // Without the site's content-security policy: stock transformers.js imports from blob: addresses, which that refuses.
      // The browser keeps what it fetched, as it does with hashed names on a good host.
      headers: { ...isolationHeaders, 'Cache-Control': 'max-age=3600' },
    },
  );
}
