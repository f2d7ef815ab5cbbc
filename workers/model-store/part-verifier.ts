/** @file Decides whether downloaded bytes are those that the plan names, by the best hash that is known of them. */
import { PART_BYTES } from '../../protocol/sizes.ts';
import { StoreError } from '../../protocol/store.ts';
import { writeAll } from './directory.ts';
import { gitSha1, sha256 } from './hashing.ts';
import type { OpenFiles } from './open-files.ts';
import type { Part, PartRecord } from './parts.ts';
import type { PlannedFile } from './plan.ts';
import { WholeHash } from './whole-hash.ts';

/** Downloads one part again without writing it, and hands over its bytes. */
type DownloadAgain = (part: Part, onPart: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>) => Promise<void>;

/** Verifies the parts of one model and keeps the record of them. */
export class PartVerifier {
  private readonly hashes = new Map<PlannedFile, Promise<WholeHash>>();

  /**
   * @param record of the model's parts, open for writing.
   * @param files the model's files.
   * @param passes how often a file is read again to find its wrong part.
   */
  constructor(
    private readonly record: PartRecord,
    private readonly files: OpenFiles,
    private readonly passes: number,
  ) {}

  /**
   * Verifies a part as far as it can be, now that its bytes are in the file, and records it.
   * @param part the part; its bytes must be in the file already.
   * @param bytes the same bytes in memory.
   * @param again how a part is downloaded once more, where a file turns out to be wrong as a whole.
   * @returns false where the bytes are wrong; nothing is recorded then.
   * @throws StoreError `source-bad` where the file is wrong as a whole and stays so.
   */
  async verify(part: Part, bytes: Uint8Array<ArrayBuffer>, again: DownloadAgain): Promise<boolean> {
    const { file, index } = part;
    const hash = await sha256(bytes);
    const fitsInPart = file.size <= PART_BYTES;
    const expected = file.parts?.[index] ?? (fitsInPart ? file.sha256 : undefined);
    if (expected !== undefined && hash !== expected) return false;
    if (expected === undefined && file.gitSha1 !== undefined && (await gitSha1(bytes)) !== file.gitSha1) return false;
    if (expected !== undefined || fitsInPart || file.sha256 === undefined) {
      this.record.set(part, 'verified', hash);
      return true;
    }
    this.record.set(part, 'downloaded', hash);
    await this.verifyFile(file, again, { part, bytes });
    return true;
  }

  /**
   * Verifies files whose parts had all been downloaded, but not verified, when the store was last closed.
   * @param again how a part is downloaded once more.
   * @throws StoreError `source-bad` as `verify` does.
   */
  async verifyDownloaded(again: DownloadAgain): Promise<void> {
    for (const file of new Set(this.record.parts.map((part) => part.file))) {
      const states = this.partsOf(file).map((part) => this.record.state(part));
      if (!states.includes('missing') && states.includes('downloaded')) await this.verifyFile(file, again);
    }
  }

  private partsOf(file: PlannedFile): Part[] {
    return this.record.parts.filter((part) => part.file === file);
  }

  /** Where only the whole file's hash is known, its parts are verified together once the last is there. */
  private async verifyFile(
    file: PlannedFile,
    again: DownloadAgain,
    latest?: { part: Part; bytes: Uint8Array },
  ): Promise<void> {
    const parts = this.partsOf(file);
    const handle = await this.files.handleOf(file);
    const hashing = this.hashes.get(file) ?? WholeHash.begin(parts, this.record, handle);
    this.hashes.set(file, hashing);
    const hash = (await hashing).advance(latest);
    if (hash === null) return;
    if (hash !== file.sha256) await this.repairFile(file, handle, again);
    for (const part of parts) this.record.set(part, 'verified', this.record.hash(part));
  }

  /**
   * The whole is wrong and nothing says which part: each is downloaded again, and one that differs takes the old one's
   * place, until the whole is right.
   */
  private async repairFile(file: PlannedFile, handle: FileSystemSyncAccessHandle, again: DownloadAgain): Promise<void> {
    for (let pass = 0; pass < this.passes; pass++) {
      let changed = false;
      for (const part of this.partsOf(file)) {
        let differs = false;
        await again(part, async (bytes) => {
          const hash = await sha256(bytes);
          differs = hash !== this.record.hash(part);
          if (!differs) return;
          writeAll(handle, bytes, part.offset);
          this.record.set(part, 'downloaded', hash);
        });
        if (!differs) continue;
        changed = true;
        if ((await WholeHash.begin(this.partsOf(file), this.record, handle)).advance() === file.sha256) return;
      }
      if (!changed) break;
    }
    // No part can be told right from wrong, so the file is downloaded anew another time.
    for (const part of this.partsOf(file)) this.record.set(part, 'missing');
    throw new StoreError('source-bad', `${file.path}: its SHA-256 is not the one that was announced`);
  }
}
