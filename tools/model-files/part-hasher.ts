/** @file What `manifest.json` says of a file's bytes, computed as they pass. */
import { createHash } from 'node:crypto';
import type { ManifestFile } from '../../protocol/manifest.ts';
import { PART_BYTES } from '../../protocol/sizes.ts';

/** Hashes a file given in pieces of any size: as a whole, and each part of PART_BYTES. */
export class PartHasher {
  private readonly whole = createHash('sha256');
  private part = createHash('sha256');
  private bytesInPart = 0;
  private readonly parts: string[] = [];
  private bytes = 0;

  /** Bytes hashed so far. */
  get size(): number {
    return this.bytes;
  }

  /** @param bytes the file's next bytes. */
  update(bytes: Uint8Array): void {
    this.whole.update(bytes);
    for (let at = 0; at < bytes.length;) {
      const piece = bytes.subarray(at, at + PART_BYTES - this.bytesInPart);
      this.part.update(piece);
      this.bytesInPart += piece.length;
      at += piece.length;
      if (this.bytesInPart === PART_BYTES) this.endPart();
    }
    this.bytes += bytes.length;
  }

  private endPart(): void {
    this.parts.push(this.part.digest('hex'));
    this.part = createHash('sha256');
    this.bytesInPart = 0;
  }

  /**
   * Ends the file; nothing can be hashed afterwards.
   * @returns its size in bytes and its SHA-256 hashes in hex. An empty file has one empty part.
   */
  finish(): Omit<ManifestFile, 'path'> {
    if (this.bytesInPart > 0 || this.parts.length === 0) this.endPart();
    return { size: this.bytes, sha256: this.whole.digest('hex'), parts: this.parts };
  }
}
