/** @file A file that is downloaded in pieces, over several runs if need be, as PATH.part, and hashed as it grows. */
import { createHash } from 'node:crypto';
import { mkdir, open, rename, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ManifestFile } from '../../protocol/manifest.ts';
import { PartHasher } from '../model-files/part-hasher.ts';
import { writeAll } from '../model-files/write-all.ts';

const READ_BYTES = 4 * 1024 * 1024;

/** The hashes of a file in manifests and in git, computed in one pass. */
export interface Hashed extends ManifestFile {
  /** SHA-1 of git's blob, the only hash that the hub lists for a small file. */
  gitSha1: string;
}

class Hasher {
  private readonly manifest = new PartHasher();
  private readonly git;

  /** @param expected the file's size, which git hashes before the bytes */
  constructor(expected: number) {
    this.git = createHash('sha1').update(`blob ${expected}\0`);
  }

  get size(): number {
    return this.manifest.size;
  }

  update(bytes: Uint8Array): void {
    this.manifest.update(bytes);
    this.git.update(bytes);
  }

  finish(path: string): Hashed {
    return { path, ...this.manifest.finish(), gitSha1: this.git.digest('hex') };
  }
}

/** Hashes the file's first `size` bytes, or all if it is shorter. */
async function hashInto(hasher: Hasher, handle: FileHandle, size: number, onBytes: (bytes: number) => void) {
  const buffer = new Uint8Array(Math.min(READ_BYTES, Math.max(1, size)));
  while (hasher.size < size) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, size - hasher.size), hasher.size);
    if (!bytesRead) return;
    hasher.update(buffer.subarray(0, bytesRead));
    onBytes(bytesRead);
  }
}

export function hashBytes(path: string, bytes: Uint8Array): Hashed {
  const hasher = new Hasher(bytes.length);
  hasher.update(bytes);
  return hasher.finish(path);
}

const ignore = () => undefined;

/** Hashes a file. @returns null where there is none */
export async function hashFile(
  folder: string,
  path: string,
  onBytes: (bytes: number) => void = ignore,
): Promise<Hashed | null> {
  const handle = await open(join(folder, path)).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return null;
    throw cause;
  });
  if (!handle) return null;
  try {
    const { size } = await handle.stat();
    const hasher = new Hasher(size);
    await hashInto(hasher, handle, size, onBytes);
    return hasher.finish(path);
  } finally {
    await handle.close();
  }
}

export const partialPath = (path: string): string => `${path}.part`;

export class PartialFile {
  private constructor(
    private readonly handle: FileHandle,
    private readonly hasher: Hasher,
    private readonly folder: string,
    private readonly path: string,
  ) {}

  /** Opens PATH.part and hashes what an earlier run left in it. */
  static async open(folder: string, path: string, size: number): Promise<PartialFile> {
    const full = join(folder, partialPath(path));
    await mkdir(dirname(full), { recursive: true });
    // The mode 'a' would ignore the positions of writes.
    const handle = await open(full, 'r+').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return open(full, 'wx+');
      throw cause;
    });
    const hasher = new Hasher(size);
    await hashInto(hasher, handle, size, ignore);
    await handle.truncate(hasher.size);
    return new PartialFile(handle, hasher, folder, path);
  }

  get size(): number {
    return this.hasher.size;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await writeAll(this.handle, bytes, this.size);
    this.hasher.update(bytes);
  }

  /** Closes the file. @returns the hashes of all its bytes */
  async close(): Promise<Hashed> {
    // A file without `.part` in its name must survive a power cut.
    await this.handle.sync();
    await this.handle.close();
    return this.hasher.finish(this.path);
  }

  /** Closes the file and leaves it for another run. */
  async leave(): Promise<void> {
    await this.handle.close().catch(ignore);
  }

  /** Gives the closed file its name. */
  async keep(): Promise<void> {
    const full = join(this.folder, this.path);
    await rename(partialPath(full), full);
  }
}
