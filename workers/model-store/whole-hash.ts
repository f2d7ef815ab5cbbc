/**
 * A file of several parts of which only the hash of the whole is known: hashed as its parts arrive, in order, and verified
 * once all of them have.
 */
import { createSHA256 } from 'hash-wasm';
import type { Part, PartRecord } from './parts.ts';

const READ_CHUNK_BYTES = 4 * 1024 * 1024;

export class WholeHash {
  private next = 0;

  private constructor(
    private readonly hash: Awaited<ReturnType<typeof createSHA256>>,
    private readonly parts: readonly Part[],
    private readonly record: PartRecord,
    private readonly file: Pick<FileSystemSyncAccessHandle, 'read'>,
  ) {}

  /** @param parts all parts of one file. */
  static async begin(
    parts: readonly Part[],
    record: PartRecord,
    file: Pick<FileSystemSyncAccessHandle, 'read'>,
  ): Promise<WholeHash> {
    return new WholeHash(await createSHA256(), parts, record, file);
  }

  /**
   * Goes on as far as there are parts.
   * @param latest the part that has just arrived, so that it need not be read from the disk.
   * @returns the hash, once it went through the whole file.
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
      // A file that is shorter than its record says gives a hash that fits nothing.
      if (read <= 0) return;
      this.hash.update(piece.subarray(0, read));
      at += read;
    }
  }
}
