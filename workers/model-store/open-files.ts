/** @file The files of one model that are open for writing. */
import { fileAt, openSync } from './directory.ts';
import type { PlannedFile } from './plan.ts';

/** Opens each file once, on first use, and holds it until all are closed. */
export class OpenFiles {
  private readonly handles = new Map<PlannedFile, Promise<FileSystemSyncAccessHandle>>();

  /** @param folder the model's folder. */
  constructor(private readonly folder: FileSystemDirectoryHandle) {}

  /**
   * The file, at its full length: the space is then certain, and writing is twice as fast as into a growing file.
   * @param file one of the model's files.
   * @returns an access handle, which belongs to this object.
   * @throws DOMException `QuotaExceededError` where the browser has no space for it.
   */
  handleOf(file: PlannedFile): Promise<FileSystemSyncAccessHandle> {
    const handle = this.handles.get(file) ?? this.open(file);
    this.handles.set(file, handle);
    return handle;
  }

  private async open({ path, size }: PlannedFile): Promise<FileSystemSyncAccessHandle> {
    const handle = await openSync(await fileAt(this.folder, path, true));
    try {
      if (handle.getSize() !== size) handle.truncate(size);
      return handle;
    } catch (cause) {
      handle.close();
      throw cause;
    }
  }

  /** Writes everything through to the disk and closes it. */
  async close(): Promise<void> {
    for (const handle of await Promise.allSettled(this.handles.values()))
      if (handle.status === 'fulfilled') {
        handle.value.flush();
        handle.value.close();
      }
  }
}
