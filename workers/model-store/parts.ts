/**
 * @file The record of a model's parts: a small file beside the model that says which parts are verified. It is changed in
 * place, one entry for each part in the plan's order, and may be cut off at any moment: an entry says `verified` only
 * after the part's bytes were written.
 *
 * Entry, 40 bytes: state (byte 0), bytes of an unfinished part (uint32, big endian, bytes 4 to 7), SHA-256 (bytes 8 to 39).
 */
import { PART_BYTES } from '../../protocol/sizes.ts';
import { toHex } from './hashing.ts';
import type { Plan, PlannedFile } from './plan.ts';

/** A part of a file: PART_BYTES, or what is left at the file's end. */
export interface Part {
  file: PlannedFile;
  /** Index among the file's parts. */
  index: number;
  /** Index among all parts of the model. */
  number: number;
  /** Position in the file, in bytes. */
  offset: number;
  /** Length in bytes. */
  length: number;
}

/**
 * Cuts a model's files into parts.
 * @param plan the model's files.
 * @returns the parts of each file, in order. An empty file has one empty part.
 */
export function partsOf(plan: Plan): Part[] {
  const parts: Part[] = [];
  for (const file of plan.files)
    for (let index = 0; index < Math.max(1, Math.ceil(file.size / PART_BYTES)); index++) {
      const offset = index * PART_BYTES;
      parts.push({ file, index, number: parts.length, offset, length: Math.min(PART_BYTES, file.size - offset) });
    }
  return parts;
}

/** State of a part. A `downloaded` part is complete, but only the hash of its whole file can verify it. */
export type PartState = 'missing' | 'downloaded' | 'verified';
const STATES: readonly PartState[] = ['missing', 'downloaded', 'verified'];

const ENTRY_BYTES = 40;
const HASH_AT = 8;

const fromHex = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));

/** The file that a record is kept in. A FileSystemSyncAccessHandle is one. */
export interface RecordFile {
  /** Writes bytes at an offset. @returns the number of bytes that were written */
  write(bytes: Uint8Array<ArrayBuffer>, options: { at: number }): number;
}

/** States and hashes of a model's parts, in memory and on the disk. */
export class PartRecord {
  private readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly view: DataView;

  /**
   * @param parts all parts of the model, in the plan's order.
   * @param stored the file's content. A record of another length belongs to another plan and is forgotten.
   * @param file where changes are written, or null for a record that is only read.
   */
  constructor(
    readonly parts: readonly Part[],
    stored: Uint8Array,
    private readonly file: RecordFile | null = null,
  ) {
    this.bytes = new Uint8Array(parts.length * ENTRY_BYTES);
    if (stored.length === this.bytes.length) this.bytes.set(stored);
    this.view = new DataView(this.bytes.buffer);
    if (stored.length !== this.bytes.length) this.write(0, this.bytes.length);
  }

  /** State of a part. */
  state({ number }: Part): PartState {
    return STATES[this.bytes[number * ENTRY_BYTES] ?? 0] ?? 'missing';
  }

  /** Bytes of a missing part that are in the file, from its beginning. They are hashed again before they count. */
  partialBytes({ number, length }: Part): number {
    return Math.min(length, this.view.getUint32(number * ENTRY_BYTES + 4));
  }

  /** SHA-256 of a downloaded or verified part, in hex. */
  hash({ number }: Part): string {
    const at = number * ENTRY_BYTES + HASH_AT;
    return toHex(this.bytes.subarray(at, at + 32));
  }

  /** Notes how many bytes of a missing part are in the file. */
  setPartialBytes({ number }: Part, bytes: number): void {
    this.view.setUint32(number * ENTRY_BYTES + 4, bytes);
    this.write(number * ENTRY_BYTES, ENTRY_BYTES);
  }

  /** Changes a part's state. Unless it is `missing`, its bytes must be in the file already. */
  set({ number }: Part, state: PartState, hash = ''): void {
    const at = number * ENTRY_BYTES;
    this.bytes.fill(0, at, at + ENTRY_BYTES);
    this.bytes[at] = STATES.indexOf(state);
    this.bytes.set(fromHex(hash), at + HASH_AT);
    this.write(at, ENTRY_BYTES);
  }

  /** Whether every part is verified. */
  get complete(): boolean {
    return this.parts.every((part) => this.state(part) === 'verified');
  }

  /** Bytes of the parts that are downloaded or verified. */
  get present(): number {
    return this.parts.reduce((sum, part) => (this.state(part) === 'missing' ? sum : sum + part.length), 0);
  }

  private write(at: number, length: number): void {
    this.file?.write(this.bytes.subarray(at, at + length), { at });
  }
}
