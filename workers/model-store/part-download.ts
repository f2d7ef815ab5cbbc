/** @file Reads consecutive parts of one file from a source, through breaks, wrong bytes and busy servers. */
import { StoreError, type Waiting } from '../../protocol/store.ts';
import { backoffDelay, delayOrOnline } from './backoff-policy.ts';
import { writeAll } from './directory.ts';
import type { Part, PartRecord } from './parts.ts';
import { type ByteSource, type FailureKind, SourceFailure } from './sources/source.ts';

/** On slow lines the bytes of an unfinished part are written this often, so that a closed tab loses little. */
const WRITE_INTERVAL_MS = 2000;

/** The source does not have the file, or not with the right bytes. */
export class UnavailableFile extends Error {
  /**
   * @param problem whether the file is missing at the source, or its bytes are wrong.
   * @param error the same for the person.
   */
  constructor(
    readonly problem: 'missing' | 'wrong',
    readonly error: StoreError,
  ) {
    super(error.message);
  }
}

const isTransient = (kind: FailureKind): kind is Exclude<Waiting['reason'], 'other-tab'> =>
  kind === 'network' || kind === 'server-busy' || kind === 'server-error' || kind === 'web-page';

/** A download's source, target and callbacks. */
export interface DownloadOptions {
  source: ByteSource;
  record: PartRecord;
  /** The file that the parts belong to. */
  handle: FileSystemSyncAccessHandle;
  /** Memory for one part, used by nobody else meanwhile. */
  buffer: Uint8Array<ArrayBuffer>;
  signal: AbortSignal;
  /** Write bytes into the file as they arrive. Otherwise `onPart` decides what is written. */
  writeThrough: boolean;
  /** Receives each part once it is complete in memory. @returns false where its bytes are wrong */
  onPart: (part: Part, bytes: Uint8Array<ArrayBuffer>) => Promise<boolean>;
  /** Bytes came from the source. */
  onBytes: (bytes: number) => void;
  /** The source cannot be reached or asks to wait. */
  onWaiting: (waiting: Waiting) => void;
}

/** One pass over consecutive parts of a file. */
export class PartDownload {
  private part: Part | undefined;
  /** Bytes of the current part that are in the buffer, and how many of these are in the file. */
  private received = 0;
  private written = 0;
  private writtenAt = performance.now();
  /** Failures in a row: answers with wrong bytes for this part, and others. */
  private wrongAnswers = 0;
  private failures = 0;

  /**
   * @param parts consecutive parts of one file, at least one.
   * @param options the source, the file, and the callbacks.
   */
  constructor(
    private readonly parts: readonly [Part, ...Part[]],
    private readonly options: DownloadOptions,
  ) {
    [this.part] = parts;
  }

  /** Bytes of the current part that the record does not count yet. */
  get partialBytes(): number {
    return this.part && this.options.record.state(this.part) === 'missing' ? this.received : 0;
  }

  /**
   * Reads all parts, waiting where the source asks for it or cannot be reached.
   * @throws UnavailableFile where asking again is of no use.
   * @throws the signal's reason; bytes that arrived stay in the file, and the record knows how many.
   */
  async run(): Promise<void> {
    this.readBack();
    try {
      while (this.part) {
        this.options.signal.throwIfAborted();
        try {
          await this.read(this.part);
        } catch (cause) {
          await this.recover(cause);
        }
      }
    } finally {
      this.writeReceived();
    }
  }

  /** The bytes of a part that was begun earlier are in the file: they are hashed with the rest. */
  private readBack(): void {
    const { record, handle, buffer, writeThrough } = this.options;
    const length = this.part && writeThrough ? record.partialBytes(this.part) : 0;
    if (this.part && length > 0)
      this.received = this.written = handle.read(buffer.subarray(0, length), { at: this.part.offset });
  }

  /** Asks for everything from the current byte to the end of the last part, and takes what comes. */
  private async read(part: Part): Promise<void> {
    if (this.received === part.length) {
      await this.completePart(part);
      return;
    }
    const { source, signal } = this.options;
    const last = this.parts[this.parts.length - 1] ?? part;
    const offset = part.offset + this.received;
    let answered = 0;
    for await (const piece of await source.read(part.file, offset, last.offset + last.length - offset, signal)) {
      answered += piece.length;
      await this.take(piece);
      if (!this.part) return;
    }
    // An answer that ends early is continued; one without any bytes means that the file is shorter than it should be.
    if (answered === 0) throw new SourceFailure('unsatisfiable', `${part.file.path}: cut short`);
  }

  private async take(piece: Uint8Array): Promise<void> {
    while (this.part && piece.length) {
      const bytes = piece.subarray(0, this.part.length - this.received);
      this.options.buffer.set(bytes, this.received);
      this.received += bytes.length;
      piece = piece.subarray(bytes.length);
      this.failures = 0;
      this.options.onBytes(bytes.length);
      if (this.received === this.part.length) await this.completePart(this.part);
      else if (performance.now() - this.writtenAt >= WRITE_INTERVAL_MS) this.writeReceived();
    }
  }

  private async completePart(part: Part): Promise<void> {
    this.writeReceived();
    const correct = await this.options.onPart(part, this.options.buffer.subarray(0, part.length));
    this.received = this.written = 0;
    if (!correct) throw new SourceFailure('unsatisfiable', `${part.file.path}: wrong bytes`);
    this.wrongAnswers = 0;
    this.part = this.parts[this.parts.indexOf(part) + 1];
  }

  private writeReceived(): void {
    const { part, received, written } = this;
    const { handle, buffer, record, writeThrough } = this.options;
    if (!part || !writeThrough || received === written) return;
    writeAll(handle, buffer.subarray(written, received), part.offset + written);
    this.written = received;
    this.writtenAt = performance.now();
    if (received < part.length) record.setPartialBytes(part, received);
  }

  private async recover(cause: unknown): Promise<void> {
    if (!(cause instanceof SourceFailure)) throw cause;
    this.writeReceived();
    const { kind, message } = cause;
    if (kind === 'unsatisfiable') {
      if (++this.wrongAnswers >= this.options.source.tries)
        throw new UnavailableFile('wrong', new StoreError('source-bad', message));
      this.received = this.written = 0;
      if (this.part && this.options.writeThrough) this.options.record.setPartialBytes(this.part, 0);
    } else if (isTransient(kind)) {
      const ms = backoffDelay(kind, ++this.failures, cause.retryAfter);
      const offline = kind === 'network' && !navigator.onLine;
      this.options.onWaiting({ reason: kind, until: offline ? null : Date.now() + ms });
      await delayOrOnline(ms, this.options.signal);
    } else
      throw new UnavailableFile('missing', new StoreError(kind === 'refused' ? 'host-refused' : 'not-found', message));
  }
}
