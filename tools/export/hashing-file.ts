/** A file that is hashed while it is written: what `manifest.json` says of it, without reading it again. */
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ManifestFile } from '../../protocol/manifest.ts';
import { PartHasher } from '../model-files/part-hasher.ts';
import { writeAll } from '../model-files/write-all.ts';

export class HashingFile {
  private readonly hasher = new PartHasher();

  private constructor(
    private readonly handle: FileHandle,
    private readonly path: string,
  ) {}

  /** @param path relative to `folder`, with `/`; the file must not exist. */
  static async create(folder: string, path: string): Promise<HashingFile> {
    const full = join(folder, path);
    await mkdir(dirname(full), { recursive: true });
    return new HashingFile(await open(full, 'wx'), path);
  }

  /** Bytes written so far. */
  get size(): number {
    return this.hasher.size;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await writeAll(this.handle, bytes, this.size);
    this.hasher.update(bytes);
  }

  async close(): Promise<ManifestFile> {
    await this.handle.close();
    return { path: this.path, ...this.hasher.finish() };
  }

  /** Closes without a result, after a failure. */
  async abandon(): Promise<void> {
    await this.handle.close().catch(() => undefined);
  }
}

/** Writes a small file at once. */
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
