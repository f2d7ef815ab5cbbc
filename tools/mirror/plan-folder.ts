/** @file Plans the mirror of a model folder with a manifest.json on any web server. */
import type { Dtype } from '../../protocol/engine.ts';
import { parseManifest } from '../../protocol/manifest.ts';
import { MirrorError } from './failure.ts';
import type { HttpClient } from './http-client.ts';
import { encodePath, type MirrorPlan, planOfManifest } from './plan.ts';

export async function planFolder(url: string, dtype: Dtype, client: HttpClient): Promise<MirrorPlan> {
  const root = url.endsWith('/') ? url : `${url}/`;
  const response = await client.fetch(`${root}manifest.json`);
  const manifest = await response
    .json()
    .then(parseManifest)
    .catch((cause: unknown) => {
      const said = cause instanceof Error ? cause.message : String(cause);
      throw new MirrorError(`${root} is no model folder: ${said}.`, { cause });
    });
  return { ...planOfManifest(manifest, dtype), urlOf: (path) => root + encodePath(path) };
}
