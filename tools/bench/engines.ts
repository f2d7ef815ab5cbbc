/** @file The engines that can be measured, and the modules of those that the site does not have. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { onDemand } from '../on-demand/on-demand.ts';
import { ENGINES } from './server.ts';

export type EngineName = 'fournil' | 'transformers.js';

/** @returns URL of the engine's module (protocol/bench.ts, `OpenBenchEngine`); null for the site's own engine. */
export const moduleUrlOf = (engine: EngineName): string | null =>
  engine === 'fournil' ? null : `${ENGINES}transformers-engine.js`;

/** Bundles the other engines. @returns a new folder, in which `moduleUrlOf` finds them */
export async function buildEngines(): Promise<string> {
  const outDir = await mkdtemp(join(tmpdir(), 'fournil-bench-'));
  await build({
    configFile: false,
    root: fileURLToPath(new URL('../../', import.meta.url)),
    base: './',
    logLevel: 'error',
    publicDir: false,
    resolve: { alias: { '@huggingface/transformers': onDemand('@huggingface/transformers') } },
    build: {
      ...{ outDir, emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0, modulePreload: false },
      rollupOptions: {
        input: fileURLToPath(new URL('./page/transformers-engine.ts', import.meta.url)),
        preserveEntrySignatures: 'strict',
        output: { entryFileNames: '[name].js' },
      },
    },
  });
  return outDir;
}
