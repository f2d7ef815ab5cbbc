/**
 * @file Downloads the missing parts of a model from a source into its files: two at a time, written in place as they
 * arrive, hashed, and only then marked as verified. An interruption costs at most the parts in flight. Nothing is flushed
 * in between, which would halve the speed: after a power cut the record may say more than the disk holds, and the check
 * before each loading finds that.
 */
import { OpenFiles } from './open-files.ts';
import { type DownloadOptions, PartDownload, UnavailableFile } from './part-download.ts';
import { PartVerifier } from './part-verifier.ts';
import type { Part, PartRecord } from './parts.ts';
import type { PlannedFile } from './plan.ts';
import type { Progress } from './progress.ts';
import type { ByteSource } from './sources/source.ts';

/** Downloads at a time. Each keeps one part in memory while it is received, and a copy of it while it is hashed. */
const CONCURRENT_DOWNLOADS = 2;

/** Paths that a source which is asked only once (picked files) does not have, or has with wrong bytes. */
export interface Unavailable {
  missing: string[];
  wrong: string[];
}

class Transfer {
  private readonly claimed = new Set<Part>();
  private readonly skipped = new Set<PlannedFile>();
  private readonly active = new Set<PartDownload>();
  private readonly files: OpenFiles;
  private readonly verifier: PartVerifier;
  readonly unavailable: Unavailable = { missing: [], wrong: [] };

  constructor(
    folder: FileSystemDirectoryHandle,
    private readonly record: PartRecord,
    private readonly source: ByteSource,
    private readonly progress: Progress,
    private readonly signal: AbortSignal,
  ) {
    this.files = new OpenFiles(folder);
    this.verifier = new PartVerifier(record, this.files, source.tries);
  }

  private get doneBytes(): number {
    return [...this.active].reduce((sum, { partialBytes }) => sum + partialBytes, this.record.present);
  }

  close(): Promise<void> {
    return this.files.close();
  }

  /** Reserves the space for all missing files before anything is asked for. @throws DOMException QuotaExceededError */
  async reserve(): Promise<void> {
    if (this.source.tries === 1) return;
    for (const part of this.record.parts)
      if (this.record.state(part) === 'missing') await this.files.handleOf(part.file);
  }

  private newBuffer(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(Math.max(0, ...this.record.parts.map(({ length }) => length)));
  }

  /** Verifies files that an earlier run downloaded to the last part. */
  async verifyDownloaded(): Promise<void> {
    let buffer: Uint8Array<ArrayBuffer> | undefined;
    await this.verifier.verifyDownloaded((part, onPart) =>
      this.downloadAgain(part, (buffer ??= this.newBuffer()), onPart),
    );
  }

  /** Downloads part after part until none is left. */
  async downloadRemaining(): Promise<void> {
    const buffer = this.newBuffer();
    for (let parts = this.claim(); parts; parts = this.claim())
      try {
        await this.download(parts, {
          buffer,
          writeThrough: true,
          onPart: (part, bytes) =>
            this.verifier.verify(part, bytes, (wrong, onPart) => this.downloadAgain(wrong, buffer, onPart)),
        });
      } finally {
        for (const part of parts) this.claimed.delete(part);
      }
  }

  /** Parts to be read in one go: one, or with a source that sends only whole files all that follow in the file. */
  private claim(): [Part, ...Part[]] | null {
    const free = (part: Part) => this.record.state(part) === 'missing' && !this.claimed.has(part);
    const { ranges } = this.source;
    const inUse = new Set(ranges ? [] : [...this.claimed].map(({ file }) => file));
    const { parts } = this.record;
    const first = parts.find((part) => free(part) && !this.skipped.has(part.file) && !inUse.has(part.file));
    if (!first) return null;
    const claimed: [Part, ...Part[]] = [first];
    if (!ranges)
      for (let next = parts[first.number + 1]; next?.file === first.file && free(next); next = parts[next.number + 1])
        claimed.push(next);
    for (const part of claimed) this.claimed.add(part);
    return claimed;
  }

  private downloadAgain(
    part: Part,
    buffer: Uint8Array<ArrayBuffer>,
    onPart: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
  ): Promise<void> {
    return this.download([part], {
      buffer,
      writeThrough: false,
      onPart: (_, bytes) => onPart(bytes).then(() => true),
    });
  }

  /** Downloads parts of one file. Where the source may lack files, one that cannot be had is noted and skipped. */
  private async download(
    parts: [Part, ...Part[]],
    options: Pick<DownloadOptions, 'buffer' | 'writeThrough' | 'onPart'>,
  ): Promise<void> {
    const [{ file }] = parts;
    const { source, record, signal, progress } = this;
    const download = new PartDownload(parts, {
      ...options,
      ...{ source, record, signal, handle: await this.files.handleOf(file) },
      onBytes: (bytes) => {
        progress.addReceived(bytes, this.doneBytes);
      },
      onWaiting: (waiting) => {
        progress.setWaiting(waiting);
      },
    });
    this.active.add(download);
    try {
      await download.run();
    } catch (cause) {
      if (!(cause instanceof UnavailableFile)) throw cause;
      if (source.tries > 1) throw cause.error;
      this.skipped.add(file);
      const paths = this.unavailable[cause.problem];
      if (!paths.includes(file.path)) paths.push(file.path);
    } finally {
      this.active.delete(download);
    }
  }
}

/**
 * Downloads everything that the record calls missing.
 * @param folder the model's folder.
 * @param record of its parts, open for writing.
 * @param source where the bytes come from.
 * @param progress receives the number of bytes that came, and waits.
 * @param signal pauses the download; what arrived stays.
 * @returns the files that the source does not have, where it may lack some (picked files).
 * @throws StoreError `not-found`, `host-refused` or `source-bad`; what arrived is kept.
 * @throws DOMException `QuotaExceededError`, or the signal's reason.
 */
export async function fetchParts(
  folder: FileSystemDirectoryHandle,
  record: PartRecord,
  source: ByteSource,
  progress: Progress,
  signal: AbortSignal,
): Promise<Unavailable> {
  const stop = new AbortController();
  const transfer = new Transfer(folder, record, source, progress, AbortSignal.any([signal, stop.signal]));
  try {
    await transfer.verifyDownloaded();
    await transfer.reserve();
    const downloads = Array.from({ length: CONCURRENT_DOWNLOADS }, () =>
      transfer.downloadRemaining().catch((cause: unknown) => {
        stop.abort(cause);
        throw cause;
      }),
    );
    await Promise.allSettled(downloads);
    signal.throwIfAborted();
    await Promise.all(downloads);
    return transfer.unavailable;
  } finally {
    progress.report();
    await transfer.close();
  }
}
