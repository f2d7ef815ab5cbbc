/**
 * A model folder on a web server: its manifest, its small JSON files, and its weights as Blobs.
 * Nothing is trusted until its hash matches the manifest's.
 */
import { createSHA256 } from 'hash-wasm';
import { EngineError } from '../../../protocol/engine.ts';
import { type Manifest, type ManifestFile, parseManifest } from '../../../protocol/manifest.ts';

export interface ModelFolder {
  manifest: Manifest;
  /** A JSON file of the folder, or undefined where the folder has none by that name. */
  json(path: string): Promise<unknown>;
  text(path: string): Promise<string | undefined>;
  /** @throws EngineError `model-missing`, `model-damaged`, `network` */
  blob(path: string): Promise<Blob>;
}

async function get(url: URL, signal: AbortSignal | undefined): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, signal ? { signal } : {});
  } catch (cause) {
    if (signal?.aborted) throw new EngineError('aborted');
    throw new EngineError('network', `${url.pathname}: ${String(cause)}`);
  }
  if (!response.ok)
    throw new EngineError('model-missing', `${url.pathname}: ${response.status} ${response.statusText}`);
  return response;
}

/** Reads a response piece by piece, so that progress shows and only one copy is held. */
async function readVerified(response: Response, file: ManifestFile, onBytes: (bytes: number) => void): Promise<Blob> {
  const hash = await createSHA256();
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  if (!reader) throw new EngineError('network', `${file.path}: an empty answer`);
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw new EngineError('network', `${file.path}: ${String(cause)}`);
    });
    if (done) break;
    hash.update(value);
    pieces.push(value);
    size += value.byteLength;
    onBytes(value.byteLength);
  }
  if (size !== file.size) throw new EngineError('model-damaged', `${file.path}: ${size} bytes instead of ${file.size}`);
  if (hash.digest() !== file.sha256)
    throw new EngineError('model-damaged', `${file.path}: its SHA-256 is not the manifest's`);
  return new Blob(pieces);
}

/**
 * @param base URL of the folder, ending in `/`.
 * @param onBytes called with every piece's size as it arrives.
 */
export async function openModelFolder(
  base: string,
  onBytes: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<ModelFolder> {
  const root = new URL(base.endsWith('/') ? base : `${base}/`, self.location.href);
  let manifest: Manifest;
  try {
    manifest = parseManifest(await (await get(new URL('manifest.json', root), signal)).json());
  } catch (cause) {
    if (cause instanceof EngineError) throw cause;
    throw new EngineError('model-damaged', cause instanceof Error ? cause.message : String(cause));
  }
  const files = new Map(manifest.files.map((file) => [file.path, file]));
  const blob = async (path: string): Promise<Blob> => {
    const file = files.get(path);
    if (!file) throw new EngineError('model-missing', `${path} is not in the model folder`);
    return readVerified(await get(new URL(path, root), signal), file, onBytes);
  };
  const text = async (path: string) => (files.has(path) ? (await blob(path)).text() : undefined);
  return {
    manifest,
    blob,
    text,
    async json(path) {
      const content = await text(path);
      if (content === undefined) return undefined;
      try {
        return JSON.parse(content) as unknown;
      } catch (cause) {
        throw new EngineError('model-damaged', `${path}: ${String(cause)}`);
      }
    },
  };
}
