/**
 * @file SHA-256 of a whole file of several parts, where nothing else is known of it. The parts are hashed as they arrive,
 * as far as they follow each other.
 */
import { createSHA256 } from 'hash-wasm';
import type { Part, PartRecord } from './parts.ts';

const READ_CHUNK_BYTES = 4 * 1024 * 1024;

/** The hash of one file, as far as its parts are there. */
export class WholeHash {
  /** Index of the first part that is not hashed yet. */
  private next = 0;

  private constructor(
    private readonly hash: Awaited<ReturnType<typeof createSHA256>>,
    private readonly parts: readonly Part[],
    private readonly record: PartRecord,
    private readonly file: Pick<FileSystemSyncAccessHandle, 'read'>,
  ) {}

  /**
   * Begins a file.
   * @param parts all parts of the file.
   * @param record tells which of them are there.
   * @param file the file's content.
   * @returns a hash of nothing yet.
   */
  static async begin(
    parts: readonly Part[],
    record: PartRecord,
    file: Pick<FileSystemSyncAccessHandle, 'read'>,
  ): Promise<WholeHash> {
    return new WholeHash(await createSHA256(), parts, record, file);
  }

  /**
   * Hashes the parts that follow, as far as they are there.
   * @param latest the part that has just arrived, which need not be read from the disk.
   * @returns the file's SHA-256 in hex once all parts are hashed, else null. It can be asked for only once.
   */
  advance(latest?: { part: Part; bytes: Uint8Array }): string | null {
    for (; this.next < this.parts.length; this.next++) {
      const part = this.parts[this.next];
      if (!part || this.record.state(part) === 'missing') return null;
      if (part === latest?.part) this.hash.update(latest.bytes);
      else this.readBack(part);
    }
    return this.hash.digest();
  }

  private readBack(part: Part): void {
    const piece = new Uint8Array(Math.min(READ_CHUNK_BYTES, part.length));
    for (let at = 0; at < part.length;) {
      const read = this.file.read(piece.subarray(0, Math.min(piece.length, part.length - at)), {
        at: part.offset + at,
      });
      // A file that is shorter than its record says has a hash that matches nothing.
      if (read <= 0) return;
      this.hash.update(piece.subarray(0, read));
      at += read;
    }
  }
}
