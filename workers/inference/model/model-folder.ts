/**
 * A model folder on a web server or in the browser's storage: its manifest, its small text files, and its weights as Blobs.
 * Files from a server are checked against the manifest's hashes; the store has checked those in storage.
 */
import { createSHA256 } from 'hash-wasm';
import { EngineError } from '../../../protocol/engine.ts';
import { type Manifest, type ManifestFile, parseManifest } from '../../../protocol/manifest.ts';
import { storedKey } from '../../../protocol/store.ts';
import { fileAt, folderOf, MANIFEST, readFile, writeAll } from '../../model-store/directory.ts';

/** An open model folder. */
export interface ModelFolder {
  manifest: Manifest;
  /** The content of a JSON file; undefined if the folder has no such file. */
  json(path: string): Promise<unknown>;
  /** The content of a text file; undefined if the folder has no such file. */
  text(path: string): Promise<string | undefined>;
  /** The bytes of a file. @throws EngineError `model-missing`, `model-damaged`, `network` */
  blob(path: string): Promise<Blob>;
  /** Files derived from the model, which are deleted with it; null for a folder on a server. */
  derivedFiles: DerivedFiles | null;
}

/** Derived files of a stored model. */
export interface DerivedFiles {
  /** The content of a file; null if there is none. */
  read(name: string): Promise<ArrayBuffer | null>;
  /** Writes all of `parts`, one after another. @throws if there is no space, or another tab is writing the file */
  write(name: string, parts: readonly Uint8Array<ArrayBuffer>[]): Promise<void>;
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

/** Reads a response piece by piece, so that progress is visible and only one copy is in memory. */
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

const asModelError = (cause: unknown): EngineError =>
  cause instanceof EngineError
    ? cause
    : new EngineError('model-damaged', cause instanceof Error ? cause.message : String(cause));

interface Files {
  manifest: Manifest;
  read(file: ManifestFile): Promise<Blob>;
}

/** @param base URL of the folder. */
async function onServer(base: string, onBytes: (bytes: number) => void, signal?: AbortSignal): Promise<Files> {
  const root = new URL(base.endsWith('/') ? base : `${base}/`, self.location.href);
  const manifest = parseManifest(await (await get(new URL('manifest.json', root), signal)).json());
  return { manifest, read: async (file) => readVerified(await get(new URL(file.path, root), signal), file, onBytes) };
}

/** The store has hashed every byte before the engine is asked to open the model, so its files are taken as they are. */
async function inStore(key: string, onBytes: (bytes: number) => void): Promise<Files> {
  try {
    const folder = await folderOf('models', key);
    const manifest = parseManifest(JSON.parse(await (await (await fileAt(folder, MANIFEST)).getFile()).text()));
    const read = async ({ path, size }: ManifestFile): Promise<Blob> => {
      const file = await (await fileAt(folder, path)).getFile();
      if (file.size !== size) throw new EngineError('model-damaged', `${path}: ${file.size} bytes instead of ${size}`);
      onBytes(size);
      return file;
    };
    return { manifest, read };
  } catch (cause) {
    if (cause instanceof DOMException) throw new EngineError('model-missing', `${key}: ${cause.message}`);
    throw cause;
  }
}

/** Files beside the store's records of the model, which are removed with it. */
function derivedFilesOf(key: string): DerivedFiles {
  const records = () => folderOf('records', key);
  return {
    read: async (name) => {
      const file = await readFile(await records(), name).catch(() => null);
      return file ? file.arrayBuffer() : null;
    },
    write: async (name, parts) => {
      const handle = await (await fileAt(await records(), name, true)).createSyncAccessHandle();
      try {
        handle.truncate(0);
        let at = 0;
        for (const part of parts) {
          writeAll(handle, part, at);
          at += part.length;
        }
        handle.flush();
      } finally {
        handle.close();
      }
    },
  };
}

/**
 * Opens a model folder.
 * @param model URL of a folder, or `stored:KEY` (protocol/store.ts)
 * @param onBytes is called with the size of every piece that was read, in bytes
 * @param signal aborts requests
 * @returns the folder
 * @throws EngineError `model-missing`, `model-damaged`, `network`, `aborted`
 */
export async function openModelFolder(
  model: string,
  onBytes: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<ModelFolder> {
  const key = storedKey(model);
  const { manifest, read } = await (key === null ? onServer(model, onBytes, signal) : inStore(key, onBytes)).catch(
    (cause: unknown) => {
      throw asModelError(cause);
    },
  );
  const files = new Map(manifest.files.map((file) => [file.path, file]));
  const blob = async (path: string): Promise<Blob> => {
    const file = files.get(path);
    if (!file) throw new EngineError('model-missing', `${path} is not in the model folder`);
    return read(file);
  };
  const text = async (path: string) => (files.has(path) ? (await blob(path)).text() : undefined);
  return {
    manifest,
    derivedFiles: key === null ? null : derivedFilesOf(key),
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
