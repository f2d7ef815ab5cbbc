/**
 * Brings the missing parts of a model from a source into its files: two at a time, written in place as they arrive,
 * hashed, and only then marked as verified. What interrupts it costs at most the parts in flight. Nothing is flushed in
 * between, which would halve the speed: after a power cut the record may say more than the disk holds, and the check
 * before each loading finds that.
 */
import { PART_BYTES } from '../../protocol/sizes.ts';
import { StoreError, type Waiting } from '../../protocol/store.ts';
import { fileAt, openSync, writeAll } from './directory.ts';
import { delayOrOnline, backoffDelay } from './backoff-policy.ts';
import type { Part, PartRecord } from './parts.ts';
import type { PlannedFile } from './plan.ts';
import type { Progress } from './progress.ts';
import { gitSha1 } from './sources/hub.ts';
import { type ByteSource, type FailureKind, SourceFailure } from './sources/source.ts';
import { WholeHash } from './whole-hash.ts';

/** Each holds one part in memory while it arrives: 128 MiB, and as much again while two are hashed. */
const CONCURRENT_DOWNLOADS = 2;
/** On slow lines what arrived of a part is written this often, ms, so that little is lost when the tab goes away. */
const WRITE_INTERVAL_MS = 2000;

/** What a source that is asked only once does not have. */
export interface Unavailable {
  missing: string[];
  wrong: string[];
}

export const sha256 = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
  Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)), (b) => b.toString(16).padStart(2, '0')).join(
    '',
  );

const isTransient = (kind: FailureKind): kind is Exclude<Waiting['reason'], 'other-tab'> =>
  kind === 'network' || kind === 'server-busy' || kind === 'server-error' || kind === 'web-page';

/** Takes a part that is whole in memory; false: its bytes are wrong. */
type OnPart = (part: Part, bytes: Uint8Array<ArrayBuffer>) => Promise<boolean>;

class Transfer {
  private readonly claimed = new Set<Part>();
  private readonly skipped = new Set<PlannedFile>();
  private readonly handles = new Map<PlannedFile, Promise<FileSystemSyncAccessHandle>>();
  private readonly hashes = new Map<PlannedFile, Promise<WholeHash>>();
  /** Bytes of parts that are not whole yet, by lane. */
  private readonly partial = new Map<object, number>();
  readonly unavailable: Unavailable = { missing: [], wrong: [] };

  constructor(
    private readonly folder: FileSystemDirectoryHandle,
    private readonly record: PartRecord,
    private readonly source: ByteSource,
    private readonly progress: Progress,
    private readonly signal: AbortSignal,
  ) {}

  private get doneBytes(): number {
    return [...this.partial.values()].reduce((sum, bytes) => sum + bytes, this.record.present);
  }

  private handleOf(file: PlannedFile): Promise<FileSystemSyncAccessHandle> {
    const known = this.handles.get(file) ?? this.open(file);
    this.handles.set(file, known);
    return known;
  }

  /** At its full length from the start: room is then certain, and writing is twice as fast as into a growing file. */
  private async open({ path, size }: PlannedFile): Promise<FileSystemSyncAccessHandle> {
    const handle = await openSync(await fileAt(this.folder, path, true));
    if (handle.getSize() === size) return handle;
    try {
      handle.truncate(size);
      return handle;
    } catch (cause) {
      handle.close();
      throw cause;
    }
  }

  async close(): Promise<void> {
    for (const handle of await Promise.allSettled(this.handles.values()))
      if (handle.status === 'fulfilled') {
        handle.value.flush();
        handle.value.close();
      }
  }

  /** Room for all that is to come, before anything comes. @throws DOMException QuotaExceededError */
  async reserve(): Promise<void> {
    if (this.source.tries === 1) return;
    for (const part of this.record.parts) if (this.record.state(part) === 'missing') await this.handleOf(part.file);
  }

  /** One lane's work: part after part until there is none. */
  async downloadRemaining(): Promise<void> {
    const longest = Math.max(0, ...this.record.parts.map(({ length }) => length));
    const buffer = new Uint8Array(Math.min(PART_BYTES, longest));
    for (;;) {
      const run = this.claim();
      if (!run.length) return;
      await this.download(run, buffer, (part, bytes) => this.verifyPart(part, bytes, buffer));
    }
  }

  /** Parts to be read in one go: one, or with a source that sends only whole files all that follow in the file. */
  private claim(): Part[] {
    const free = (part: Part) => this.record.state(part) === 'missing' && !this.claimed.has(part);
    const inUse = new Set(this.source.ranges ? [] : [...this.claimed].map(({ file }) => file));
    const { parts } = this.record;
    const first = parts.find((part) => free(part) && !this.skipped.has(part.file) && !inUse.has(part.file));
    if (!first) return [];
    const run = [first];
    if (!this.source.ranges)
      for (let next = parts[first.number + 1]; next?.file === first.file && free(next); next = parts[next.number + 1])
        run.push(next);
    for (const part of run) this.claimed.add(part);
    return run;
  }

  /** Reads the run's parts, whatever it takes, and hands each over once it is whole. */
  private async download(
    run: Part[],
    buffer: Uint8Array<ArrayBuffer>,
    onPart: OnPart,
    writeThrough = true,
  ): Promise<void> {
    const transfer = {};
    const last = run.at(-1);
    const [first] = run;
    if (!first || !last) return;
    const { file } = first;
    const end = last.offset + last.length;
    const handle = await this.handleOf(file);
    let part: Part | undefined = first;
    let received = writeThrough ? this.readPartial(first, handle, buffer) : 0;
    let written = received;
    let writtenAt = performance.now();
    let wrongAnswers = 0;
    let failures = 0;
    const writeReceived = (part: Part) => {
      if (!writeThrough || received === written) return;
      writeAll(handle, buffer.subarray(written, received), part.offset + written);
      written = received;
      writtenAt = performance.now();
      if (received < part.length) this.record.setPartialBytes(part, received);
    };
    const completePart = async (done: Part): Promise<void> => {
      writeReceived(done);
      const correct = await onPart(done, buffer.subarray(0, done.length));
      received = written = 0;
      this.partial.delete(transfer);
      if (!correct) throw new SourceFailure('unsatisfiable', `${file.path}: wrong bytes`);
      this.claimed.delete(done);
      wrongAnswers = 0;
      part = done === last ? undefined : this.record.parts[done.number + 1];
    };
    try {
      while (part) {
        this.signal.throwIfAborted();
        try {
          if (received === part.length) {
            await completePart(part);
            continue;
          }
          const at: number = part.offset + received;
          let receivedNow = 0;
          for await (let piece of await this.source.read(file, at, end - at, this.signal)) {
            while (part && piece.length) {
              const some = piece.subarray(0, part.length - received);
              buffer.set(some, received);
              received += some.length;
              receivedNow += some.length;
              piece = piece.subarray(some.length);
              failures = 0;
              this.partial.set(transfer, received);
              this.progress.addReceived(some.length, this.doneBytes);
              if (received === part.length) await completePart(part);
              else if (performance.now() - writtenAt >= WRITE_INTERVAL_MS) writeReceived(part);
            }
            if (!part) break;
          }
          // The answer ended early; if it had nothing at all, the file is shorter than it should be.
          if (part && receivedNow === 0) throw new SourceFailure('unsatisfiable', `${file.path}: cut short`);
        } catch (cause) {
          if (!(cause instanceof SourceFailure)) throw cause;
          if (part) writeReceived(part);
          if (cause.kind === 'unsatisfiable') {
            if (++wrongAnswers >= this.source.tries) {
              this.giveUp(file, 'wrong', new StoreError('source-bad', cause.message));
              return;
            }
            received = written = 0;
            if (part && writeThrough) this.record.setPartialBytes(part, 0);
          } else if (isTransient(cause.kind)) await this.backOff(cause, ++failures);
          else {
            this.giveUp(
              file,
              'missing',
              new StoreError(cause.kind === 'refused' ? 'host-refused' : 'not-found', cause.message),
            );
            return;
          }
        }
      }
    } finally {
      if (part) writeReceived(part);
      this.partial.delete(transfer);
      for (const each of run) this.claimed.delete(each);
    }
  }

  /** A part that was begun earlier: its bytes are on the disk, and are hashed with the rest. */
  private readPartial(part: Part, handle: FileSystemSyncAccessHandle, buffer: Uint8Array<ArrayBuffer>): number {
    const length = this.record.partialBytes(part);
    return length > 0 ? handle.read(buffer.subarray(0, length), { at: part.offset }) : 0;
  }

  private async backOff(failure: SourceFailure, failures: number): Promise<void> {
    if (!isTransient(failure.kind)) return;
    const ms = backoffDelay(failure.kind, failures, failure.retryAfter);
    const offline = failure.kind === 'network' && !navigator.onLine;
    this.progress.setWaiting({ reason: failure.kind, until: offline ? null : Date.now() + ms });
    await delayOrOnline(ms, this.signal);
  }

  /** A file that cannot be had: the end, unless the source is one that may lack something. */
  private giveUp(file: PlannedFile, list: keyof Unavailable, error: StoreError): void {
    if (this.source.tries > 1) throw error;
    this.skipped.add(file);
    if (!this.unavailable[list].includes(file.path)) this.unavailable[list].push(file.path);
  }

  /** Proves a part as far as it can be, now that its bytes are in the file. */
  private async verifyPart(
    part: Part,
    bytes: Uint8Array<ArrayBuffer>,
    buffer: Uint8Array<ArrayBuffer>,
  ): Promise<boolean> {
    const { file, index } = part;
    const handle = await this.handleOf(file);
    const hash = await sha256(bytes);
    const alone = file.size <= PART_BYTES;
    const expected = file.parts?.[index] ?? (alone ? file.sha256 : undefined);
    if (expected !== undefined && hash !== expected) return false;
    if (expected === undefined && file.gitSha1 !== undefined && (await gitSha1(bytes)) !== file.gitSha1) return false;
    if (expected !== undefined || alone || file.sha256 === undefined) {
      this.record.set(part, 'verified', hash);
      return true;
    }
    this.record.set(part, 'downloaded', hash);
    await this.verifyFile(file, handle, buffer, { part, bytes });
    return true;
  }

  private partsOf(file: PlannedFile): Part[] {
    return this.record.parts.filter((part) => part.file === file);
  }

  /** Where only the whole file's hash is known: once all parts are there, they are verified together. */
  async verifyFile(
    file: PlannedFile,
    handle: FileSystemSyncAccessHandle,
    buffer: Uint8Array<ArrayBuffer>,
    latest?: { part: Part; bytes: Uint8Array },
  ): Promise<void> {
    const parts = this.partsOf(file);
    const hashing = this.hashes.get(file) ?? WholeHash.begin(parts, this.record, handle);
    this.hashes.set(file, hashing);
    const hash = (await hashing).advance(latest);
    if (hash === null) return;
    if (hash !== file.sha256) await this.repairFile(file, handle, buffer);
    for (const part of parts) this.record.set(part, 'verified', this.record.hash(part));
  }

  /**
   * The whole is wrong, and nobody says which part: each is fetched again, and one that differs takes the old one's
   * place, until the whole is right.
   */
  private async repairFile(
    file: PlannedFile,
    handle: FileSystemSyncAccessHandle,
    buffer: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    for (let pass = 0; pass < this.source.tries; pass++) {
      let changed = false;
      for (const part of this.partsOf(file)) {
        let differs = false;
        const compare: OnPart = async (_, bytes) => {
          const hash = await sha256(bytes);
          differs = hash !== this.record.hash(part);
          if (!differs) return true;
          writeAll(handle, bytes, part.offset);
          this.record.set(part, 'downloaded', hash);
          return true;
        };
        await this.download([part], buffer, compare, false);
        if (!differs) continue;
        changed = true;
        if ((await WholeHash.begin(this.partsOf(file), this.record, handle)).advance() === file.sha256) return;
      }
      if (!changed) break;
    }
    // Nothing of it can be told right from wrong: it is fetched anew another time.
    for (const part of this.partsOf(file)) this.record.set(part, 'missing');
    throw new StoreError('source-bad', `${file.path}: its SHA-256 is not the one that was announced`);
  }

  /** Files whose parts had all arrived when the store was last closed, unverified. */
  async verifyDownloaded(): Promise<void> {
    for (const file of new Set(this.record.parts.map((part) => part.file))) {
      const states = this.partsOf(file).map((part) => this.record.state(part));
      if (states.includes('missing') || !states.includes('downloaded')) continue;
      await this.verifyFile(file, await this.handleOf(file), new Uint8Array(Math.min(PART_BYTES, file.size)));
    }
  }
}

/**
 * @param folder the model's folder, @param record of its parts, open for writing.
 * @returns what the source does not have, where it may lack something (picked files).
 * @throws StoreError; what arrived is kept.
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
