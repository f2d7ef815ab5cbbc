/** A file that is hashed while it is written: what `manifest.json` says of it, without reading it again. */
import { createHash } from 'node:crypto';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ManifestFile, PART_BYTES } from '../../protocol/manifest.ts';

export class HashingFile {
  private readonly whole = createHash('sha256');
  private part = createHash('sha256');
  private inPart = 0;
  private readonly parts: string[] = [];
  size = 0;

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

  async write(bytes: Uint8Array): Promise<void> {
    this.whole.update(bytes);
    for (let at = 0; at < bytes.length;) {
      const piece = bytes.subarray(at, at + PART_BYTES - this.inPart);
      this.part.update(piece);
      this.inPart += piece.length;
      at += piece.length;
      if (this.inPart === PART_BYTES) this.endPart();
    }
    for (let at = 0; at < bytes.length;)
      at += (await this.handle.write(bytes, at, bytes.length - at, this.size + at)).bytesWritten;
    this.size += bytes.length;
  }

  private endPart(): void {
    this.parts.push(this.part.digest('hex'));
    this.part = createHash('sha256');
    this.inPart = 0;
  }

  async close(): Promise<ManifestFile> {
    await this.handle.close();
    if (this.inPart > 0 || !this.parts.length) this.endPart();
    return { path: this.path, size: this.size, sha256: this.whole.digest('hex'), parts: this.parts };
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
