/** @file A model folder with a manifest.json on any web server: a school's, or the one this page came from. */
import { type Manifest, parseManifest } from '../../../protocol/manifest.ts';
import { type ModelSource, StoreError } from '../../../protocol/store.ts';
import { type Plan, planManifest, type PlannedFile } from '../plan.ts';
import { get, getRange } from './http.ts';
import type { ByteSource } from './source.ts';

type MirrorSource = Extract<ModelSource, { kind: 'mirror' }>;

const rootOf = (url: string): URL => {
  try {
    return new URL(url.endsWith('/') ? url : `${url}/`, self.location.href);
  } catch {
    throw new StoreError('not-found', `${url} is not an address`);
  }
};

/**
 * Plans a mirror by its manifest.
 * @param source the folder's URL, which may be relative to the page, and perhaps a dtype.
 * @param signal stops the request.
 * @returns a plan whose source has the absolute URL.
 * @throws StoreError `not-a-model`, or `not-found` where the URL is none.
 * @throws SourceFailure
 */
export async function planMirror(source: MirrorSource, signal: AbortSignal): Promise<Plan> {
  const root = rootOf(source.url);
  const response = await get(new URL('manifest.json', root).href, {}, signal);
  let manifest: Manifest;
  try {
    manifest = parseManifest(await response.json());
    return planManifest(manifest, { ...source, url: root.href });
  } catch (cause) {
    signal.throwIfAborted();
    throw new StoreError('not-a-model', cause instanceof Error ? cause.message : String(cause));
  }
}

/**
 * Reads files of a mirror.
 * @param source a planned source.
 * @returns the source of their bytes.
 */
export function mirrorBytes({ url }: MirrorSource): ByteSource {
  const root = rootOf(url);
  const source = {
    ranges: true,
    tries: 3,
    async read(file: PlannedFile, offset: number, length: number, signal: AbortSignal) {
      const address = new URL(file.path.split('/').map(encodeURIComponent).join('/'), root);
      const range = await getRange(address.href, offset, length, file.size, signal);
      if (range.whole) source.ranges = false;
      return range.bytes;
    },
  };
  return source;
}
