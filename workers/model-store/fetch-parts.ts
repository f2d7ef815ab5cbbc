/**
 * Brings the missing parts of a model from a source into its files: two at a time, written in place as they arrive,
 * hashed, and only then marked as proven. What interrupts it costs at most the parts in flight. Nothing is flushed in
 * between, which would halve the speed: after a power cut the record may say more than the disk holds, and the check
 * before each loading finds that.
 */
import { PART_BYTES } from '../../protocol/manifest.ts';
import { StoreError, type Waiting } from '../../protocol/store.ts';
import { fileAt, openSync, writeAll } from './directory.ts';
import { rest, waitFor } from './backoff-policy.ts';
import type { Part, PartRecord } from './parts.ts';
import type { PlannedFile } from './plan.ts';
import type { Progress } from './progress.ts';
import { gitSha1 } from './sources/hub.ts';
import { type ByteSource, type FailureKind, SourceFailure } from './sources/source.ts';
import { WholeHash } from './whole-hash.ts';

/** Each holds one part in memory while it arrives: 128 MiB, and as much again while two are hashed. */
const LANES = 2;
/** On slow lines what arrived of a part is written this often, ms, so that little is lost when the tab goes away. */
const WRITE_EVERY = 2000;

/** What a source that is asked only once does not have. */
export interface Unavailable {
  missing: string[];
  wrong: string[];
}

export const sha256 = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
  Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)), (b) => b.toString(16).padStart(2, '0')).join(
    '',
  );

const isTransient = (kind: FailureKind): kind is Exclude<Waiting['why'], 'other-tab'> =>
  kind === 'network' || kind === 'server-busy' || kind === 'server-error' || kind === 'web-page';

/** Takes a part that is whole in memory; false: its bytes are wrong. */
type Take = (part: Part, bytes: Uint8Array<ArrayBuffer>) => Promise<boolean>;

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

  private get done(): number {
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
  async lane(): Promise<void> {
    const longest = Math.max(0, ...this.record.parts.map(({ length }) => length));
    const buffer = new Uint8Array(Math.min(PART_BYTES, longest));
    for (;;) {
      const run = this.claim();
      if (!run.length) return;
      await this.download(run, buffer, (part, bytes) => this.take(part, bytes, buffer));
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
  private async download(run: Part[], buffer: Uint8Array<ArrayBuffer>, take: Take, writeThrough = true): Promise<void> {
    const lane = {};
    const last = run.at(-1);
    const [first] = run;
    if (!first || !last) return;
    const { file } = first;
    const end = last.offset + last.length;
    const handle = await this.handleOf(file);
    let part: Part | undefined = first;
    let received = writeThrough ? this.takeUp(first, handle, buffer) : 0;
    let written = received;
    let writtenAt = performance.now();
    let wrong = 0;
    let failures = 0;
    const keep = (part: Part) => {
      if (!writeThrough || received === written) return;
      writeAll(handle, buffer.subarray(written, received), part.offset + written);
      written = received;
      writtenAt = performance.now();
      if (received < part.length) this.record.setBegun(part, received);
    };
    const whole = async (done: Part): Promise<void> => {
      keep(done);
      const right = await take(done, buffer.subarray(0, done.length));
      received = written = 0;
      this.partial.delete(lane);
      if (!right) throw new SourceFailure('unsatisfiable', `${file.path}: wrong bytes`);
      this.claimed.delete(done);
      wrong = 0;
      part = done === last ? undefined : this.record.parts[done.number + 1];
    };
    try {
      while (part) {
        this.signal.throwIfAborted();
        try {
          if (received === part.length) {
            await whole(part);
            continue;
          }
          const at: number = part.offset + received;
          let got = 0;
          for await (let piece of await this.source.read(file, at, end - at, this.signal)) {
            while (part && piece.length) {
              const some = piece.subarray(0, part.length - received);
              buffer.set(some, received);
              received += some.length;
              got += some.length;
              piece = piece.subarray(some.length);
              failures = 0;
              this.partial.set(lane, received);
              this.progress.received(some.length, this.done);
              if (received === part.length) await whole(part);
              else if (performance.now() - writtenAt >= WRITE_EVERY) keep(part);
            }
            if (!part) break;
          }
          // The answer ended early; if it had nothing at all, the file is shorter than it should be.
          if (part && got === 0) throw new SourceFailure('unsatisfiable', `${file.path}: cut short`);
        } catch (cause) {
          if (!(cause instanceof SourceFailure)) throw cause;
          if (part) keep(part);
          if (cause.kind === 'unsatisfiable') {
            if (++wrong >= this.source.tries) {
              this.giveUp(file, 'wrong', new StoreError('source-bad', cause.message));
              return;
            }
            received = written = 0;
            if (part && writeThrough) this.record.setBegun(part, 0);
          } else if (isTransient(cause.kind)) await this.wait(cause, ++failures);
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
      if (part) keep(part);
      this.partial.delete(lane);
      for (const each of run) this.claimed.delete(each);
    }
  }

  /** A part that was begun earlier: its bytes are on the disk, and are hashed with the rest. */
  private takeUp(part: Part, handle: FileSystemSyncAccessHandle, buffer: Uint8Array<ArrayBuffer>): number {
    const begun = this.record.begun(part);
    return begun > 0 ? handle.read(buffer.subarray(0, begun), { at: part.offset }) : 0;
  }

  private async wait(failure: SourceFailure, failures: number): Promise<void> {
    if (!isTransient(failure.kind)) return;
    const ms = waitFor(failure.kind, failures, failure.retryAfter);
    const offline = failure.kind === 'network' && !navigator.onLine;
    this.progress.waiting({ why: failure.kind, until: offline ? null : Date.now() + ms });
    await rest(ms, this.signal);
  }

  /** A file that cannot be had: the end, unless the source is one that may lack something. */
  private giveUp(file: PlannedFile, list: keyof Unavailable, error: StoreError): void {
    if (this.source.tries > 1) throw error;
    this.skipped.add(file);
    if (!this.unavailable[list].includes(file.path)) this.unavailable[list].push(file.path);
  }

  /** Proves a part as far as it can be, now that its bytes are in the file. */
  private async take(part: Part, bytes: Uint8Array<ArrayBuffer>, buffer: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const { file, index } = part;
    const handle = await this.handleOf(file);
    const hash = await sha256(bytes);
    const alone = file.size <= PART_BYTES;
    const expected = file.parts?.[index] ?? (alone ? file.sha256 : undefined);
    if (expected !== undefined && hash !== expected) return false;
    if (expected === undefined && file.gitSha1 !== undefined && (await gitSha1(bytes)) !== file.gitSha1) return false;
    if (expected !== undefined || alone || file.sha256 === undefined) {
      this.record.set(part, 'proven', hash);
      return true;
    }
    this.record.set(part, 'arrived', hash);
    await this.proveWhole(file, handle, buffer, { part, bytes });
    return true;
  }

  private partsOf(file: PlannedFile): Part[] {
    return this.record.parts.filter((part) => part.file === file);
  }

  /** Where only the whole file's hash is known: once all parts are there, they are proven together. */
  async proveWhole(
    file: PlannedFile,
    handle: FileSystemSyncAccessHandle,
    buffer: Uint8Array<ArrayBuffer>,
    just?: { part: Part; bytes: Uint8Array },
  ): Promise<void> {
    const parts = this.partsOf(file);
    const hashing = this.hashes.get(file) ?? WholeHash.begin(parts, this.record, handle);
    this.hashes.set(file, hashing);
    const hash = (await hashing).advance(just);
    if (hash === null) return;
    if (hash !== file.sha256) await this.repairWhole(file, handle, buffer);
    for (const part of parts) this.record.set(part, 'proven', this.record.hash(part));
  }

  /**
   * The whole is wrong, and nobody says which part: each is fetched again, and one that differs takes the old one's
   * place, until the whole is right.
   */
  private async repairWhole(
    file: PlannedFile,
    handle: FileSystemSyncAccessHandle,
    buffer: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    for (let pass = 0; pass < this.source.tries; pass++) {
      let changed = false;
      for (const part of this.partsOf(file)) {
        let another = false;
        const compare: Take = async (_, bytes) => {
          const hash = await sha256(bytes);
          another = hash !== this.record.hash(part);
          if (!another) return true;
          writeAll(handle, bytes, part.offset);
          this.record.set(part, 'arrived', hash);
          return true;
        };
        await this.download([part], buffer, compare, false);
        if (!another) continue;
        changed = true;
        if ((await WholeHash.begin(this.partsOf(file), this.record, handle)).advance() === file.sha256) return;
      }
      if (!changed) break;
    }
    // Nothing of it can be told right from wrong: it is fetched anew another time.
    for (const part of this.partsOf(file)) this.record.set(part, 'missing');
    throw new StoreError('source-bad', `${file.path}: its SHA-256 is not the one that was announced`);
  }

  /** Files whose parts had all arrived when the store was last closed, unproven. */
  async proveArrived(): Promise<void> {
    for (const file of new Set(this.record.parts.map((part) => part.file))) {
      const states = this.partsOf(file).map((part) => this.record.state(part));
      if (states.includes('missing') || !states.includes('arrived')) continue;
      await this.proveWhole(file, await this.handleOf(file), new Uint8Array(Math.min(PART_BYTES, file.size)));
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
    await transfer.proveArrived();
    await transfer.reserve();
    const lanes = Array.from({ length: LANES }, () =>
      transfer.lane().catch((cause: unknown) => {
        stop.abort(cause);
        throw cause;
      }),
    );
    await Promise.allSettled(lanes);
    signal.throwIfAborted();
    await Promise.all(lanes);
    return transfer.unavailable;
  } finally {
    progress.report();
    await transfer.close();
  }
}
