/**
 * @file The store's folders in the origin private file system (OPFS). `models/KEY/` is a model folder as it is on a disk
 * or a server, with manifest.json once it is whole. `records/KEY/` holds what the store knows of the model.
 */
import { StoreError } from '../../protocol/store.ts';

const hasName = (cause: unknown, name: string): boolean => cause instanceof DOMException && cause.name === name;

/**
 * Turns failures of the browser's storage into errors that the page has sentences for.
 * @param cause anything that was thrown.
 * @returns the cause itself where it is a StoreError, else one with a code for it.
 */
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

/** Name of the manifest. It is written last, so that a folder with a manifest is a whole model. */
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

/**
 * Opens a folder of a model.
 * @param kind `models` for its files, `records` for what is known of it.
 * @param key the model's key.
 * @param create makes the folder where there is none.
 * @returns the folder.
 * @throws StoreError `storage` where the browser gives this page no storage.
 * @throws DOMException `NotFoundError` where there is no folder and none is to be made.
 */
export const folderOf = async (kind: Kind, key: string, create = false): Promise<FileSystemDirectoryHandle> =>
  (await rootFolder(kind)).getDirectoryHandle(key, { create });

/**
 * Opens a file in a folder or below.
 * @param folder any folder.
 * @param path relative to the folder, with `/`.
 * @param create makes the file, and the folders on its path, where there are none.
 * @returns the file.
 * @throws DOMException `NotFoundError` where there is no file and none is to be made.
 */
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

/**
 * Reads a file.
 * @param folder any folder.
 * @param path relative to the folder, with `/`.
 * @returns the file's present content, or null where there is no such file.
 */
export async function readFile(folder: FileSystemDirectoryHandle, path: string): Promise<File | null> {
  try {
    return await (await fileAt(folder, path)).getFile();
  } catch (cause) {
    if (hasName(cause, 'NotFoundError')) return null;
    throw cause;
  }
}

/**
 * Opens a file for synchronous access, which only one worker can have. Tries for five seconds, since a tab that is being
 * closed may hold the file for a moment longer.
 * @param handle the file.
 * @returns the access handle, which the caller closes.
 * @throws DOMException `NoModificationAllowedError` where another worker keeps the file.
 */
export async function openSync(handle: FileSystemFileHandle): Promise<FileSystemSyncAccessHandle> {
  for (let tries = 0; ; tries++)
    try {
      return await handle.createSyncAccessHandle();
    } catch (cause) {
      if (!hasName(cause, 'NoModificationAllowedError') || tries === 20) throw cause;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
}

/**
 * Writes all bytes, however many the browser takes at a time.
 * @param file an open file.
 * @param bytes what to write.
 * @param at offset in the file, in bytes.
 * @throws StoreError `quota` if the browser writes 0 bytes.
 */
export function writeAll(file: FileSystemSyncAccessHandle, bytes: Uint8Array<ArrayBuffer>, at: number): void {
  for (let done = 0; done < bytes.length;) {
    const written = file.write(bytes.subarray(done), { at: at + done });
    if (written <= 0) throw new StoreError('quota', 'a write came to nothing');
    done += written;
  }
}

/**
 * Replaces a small file's content and flushes it to the disk.
 * @param folder any folder.
 * @param path relative to the folder, with `/`. The file is made where there is none.
 * @param text the new content.
 */
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

/**
 * Lists what is stored.
 * @returns keys of all models, whole or not, and of remains of models, sorted.
 */
export async function storedKeys(): Promise<string[]> {
  const keys = new Set<string>();
  for (const kind of ['models', 'records'] as const)
    for await (const name of (await rootFolder(kind)).keys()) keys.add(name);
  return [...keys].sort();
}

/**
 * Removes a model and what is known of it. The record goes first, so that an interrupted removal leaves no model.
 * @param key the model's key; one that is not stored is ignored.
 */
export async function removeFolders(key: string): Promise<void> {
  for (const kind of ['records', 'models'] as const)
    await (await rootFolder(kind)).removeEntry(key, { recursive: true }).catch((cause: unknown) => {
      if (!hasName(cause, 'NotFoundError')) throw cause;
    });
}
