/** @file Files that are hashed while they are written, so that the manifest needs no second pass over them. */
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ManifestFile } from '../../protocol/manifest.ts';
import { PartHasher } from '../model-files/part-hasher.ts';
import { writeAll } from '../model-files/write-all.ts';

/** A file that is written from beginning to end. */
export class HashingFile {
  private readonly hasher = new PartHasher();

  private constructor(
    private readonly handle: FileHandle,
    private readonly path: string,
  ) {}

  /**
   * Creates a file, which must not exist, and the folders on its path.
   * @param folder the model folder.
   * @param path relative to the folder, with `/`.
   * @returns the open file.
   */
  static async create(folder: string, path: string): Promise<HashingFile> {
    const full = join(folder, path);
    await mkdir(dirname(full), { recursive: true });
    return new HashingFile(await open(full, 'wx'), path);
  }

  /** Bytes written so far. */
  get size(): number {
    return this.hasher.size;
  }

  /** Appends bytes. */
  async write(bytes: Uint8Array): Promise<void> {
    await writeAll(this.handle, bytes, this.size);
    this.hasher.update(bytes);
  }

  /** Closes the file. @returns its entry in the manifest */
  async close(): Promise<ManifestFile> {
    await this.handle.close();
    return { path: this.path, ...this.hasher.finish() };
  }

  /** Closes the file after a failure. */
  async abandon(): Promise<void> {
    await this.handle.close().catch(() => undefined);
  }
}

/**
 * Writes a small file.
 * @param folder the model folder.
 * @param path relative to the folder, with `/`; the file must not exist.
 * @param bytes its content.
 * @returns its entry in the manifest.
 */
export async function writeHashed(folder: string, path: string, bytes: Uint8Array): Promise<ManifestFile> {
  const file = await HashingFile.create(folder, path);
  try {
    await file.write(bytes);
    return await file.close();
  } catch (cause) {
    await file.abandon();
    throw cause;
  }
}
