/**
 * Where models are in the browser's own file system (OPFS): `models/KEY/` is the model folder as it is on a disk or a
 * server, with manifest.json once it is whole; `records/KEY/` is what the store knows of it.
 */
import { StoreError } from '../../protocol/store.ts';

const hasName = (cause: unknown, name: string): boolean => cause instanceof DOMException && cause.name === name;

/** Storage failures as sentences can be made of them. */
export function toStoreError(cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  if (hasName(cause, 'QuotaExceededError')) return new StoreError('quota', String(cause));
  if (hasName(cause, 'AbortError')) return new StoreError('aborted');
  if (hasName(cause, 'NoModificationAllowedError')) return new StoreError('busy', String(cause));
  if (hasName(cause, 'NotFoundError')) return new StoreError('missing', String(cause));
  if (hasName(cause, 'SecurityError') || hasName(cause, 'NotAllowedError'))
    return new StoreError('storage', String(cause));
  return new StoreError('internal', cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause));
}

/** Written last: a folder that has one is a whole model. */
export const MANIFEST = 'manifest.json';

type Kind = 'models' | 'records';

async function rootFolder(kind: Kind): Promise<FileSystemDirectoryHandle> {
  const storage = navigator.storage as StorageManager | undefined;
  if (!storage?.getDirectory) throw new StoreError('storage', 'no private file system here');
  const root = await storage.getDirectory().catch((cause: unknown) => {
    throw new StoreError('storage', String(cause));
  });
  return root.getDirectoryHandle(kind, { create: true });
}

/** A model's folder of either kind. @throws DOMException NotFoundError unless `create` */
export const folderOf = async (kind: Kind, key: string, create = false): Promise<FileSystemDirectoryHandle> =>
  (await rootFolder(kind)).getDirectoryHandle(key, { create });

/** @param path with `/`. @throws DOMException NotFoundError unless `create` */
export async function fileAt(
  folder: FileSystemDirectoryHandle,
  path: string,
  create = false,
): Promise<FileSystemFileHandle> {
  const names = path.split('/');
  const name = names.pop() ?? '';
  let at = folder;
  for (const each of names) at = await at.getDirectoryHandle(each, { create });
  return at.getFileHandle(name, { create });
}

/** The file's present content, or null where there is none. */
export async function readFile(folder: FileSystemDirectoryHandle, path: string): Promise<File | null> {
  try {
    return await (await fileAt(folder, path)).getFile();
  } catch (cause) {
    if (hasName(cause, 'NotFoundError')) return null;
    throw cause;
  }
}

/** Only one can be open on a file; a tab that is just closing may still hold it for a moment. */
export async function openSync(handle: FileSystemFileHandle): Promise<FileSystemSyncAccessHandle> {
  for (let tries = 0; ; tries++)
    try {
      return await handle.createSyncAccessHandle();
    } catch (cause) {
      if (!hasName(cause, 'NoModificationAllowedError') || tries === 20) throw cause;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
}

/** Writes all of it, or says that there is no room. */
export function writeAll(file: FileSystemSyncAccessHandle, bytes: Uint8Array<ArrayBuffer>, at: number): void {
  for (let done = 0; done < bytes.length;) {
    const written = file.write(bytes.subarray(done), { at: at + done });
    if (written <= 0) throw new StoreError('quota', 'a write came to nothing');
    done += written;
  }
}

export async function writeFile(folder: FileSystemDirectoryHandle, path: string, text: string): Promise<void> {
  const file = await openSync(await fileAt(folder, path, true));
  try {
    file.truncate(0);
    writeAll(file, new TextEncoder().encode(text), 0);
    file.flush();
  } finally {
    file.close();
  }
}

/** Keys of all models, whole or not. */
export async function storedKeys(): Promise<string[]> {
  const keys = new Set<string>();
  for (const kind of ['models', 'records'] as const)
    for await (const name of (await rootFolder(kind)).keys()) keys.add(name);
  return [...keys].sort();
}

/** Removes a model and what is known of it; the record goes first, so that half a removal is no model. */
export async function removeFolders(key: string): Promise<void> {
  for (const kind of ['records', 'models'] as const)
    await (await rootFolder(kind)).removeEntry(key, { recursive: true }).catch((cause: unknown) => {
      if (!hasName(cause, 'NotFoundError')) throw cause;
    });
}
