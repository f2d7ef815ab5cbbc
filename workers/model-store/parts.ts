/**
 * Which parts of a model's files are verified. The record is a small file beside the model, changed in place: one entry of
 * ENTRY_BYTES for each part of each file, in the plan's order. It may be cut off at any moment: an entry says `verified`
 * only after the part's bytes were written.
 */
import { PART_BYTES } from '../../protocol/sizes.ts';
import { toHex } from './hashing.ts';
import type { Plan, PlannedFile } from './plan.ts';

export interface Part {
  file: PlannedFile;
  /** Of the file's parts. */
  index: number;
  /** Of all parts of the model. */
  number: number;
  offset: number;
  length: number;
}

/** The parts of each file, in order; an empty file has one empty part. */
export function partsOf(plan: Plan): Part[] {
  const parts: Part[] = [];
  for (const file of plan.files)
    for (let index = 0; index < Math.max(1, Math.ceil(file.size / PART_BYTES)); index++) {
      const offset = index * PART_BYTES;
      parts.push({ file, index, number: parts.length, offset, length: Math.min(PART_BYTES, file.size - offset) });
    }
  return parts;
}

/** `downloaded`: whole, but only the whole file's hash can verify it. */
export type PartState = 'missing' | 'downloaded' | 'verified';
const STATES: readonly PartState[] = ['missing', 'downloaded', 'verified'];

const ENTRY_BYTES = 40;
const HASH_AT = 8;

const fromHex = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));

/** Where the record is kept: a sync access handle, or nothing for who only reads. */
export interface RecordFile {
  write(bytes: Uint8Array<ArrayBuffer>, options: { at: number }): number;
}

export class PartRecord {
  private readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly view: DataView;

  /** @param stored what the file holds; anything of another length is of no use and forgotten. */
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

  state({ number }: Part): PartState {
    return STATES[this.bytes[number * ENTRY_BYTES] ?? 0] ?? 'missing';
  }

  /** Bytes of a missing part that were written from its beginning on; they are hashed again before they count. */
  partialBytes({ number, length }: Part): number {
    return Math.min(length, this.view.getUint32(number * ENTRY_BYTES + 4));
  }

  /** SHA-256 of a downloaded part. */
  hash({ number }: Part): string {
    const at = number * ENTRY_BYTES + HASH_AT;
    return toHex(this.bytes.subarray(at, at + 32));
  }

  setPartialBytes({ number }: Part, bytes: number): void {
    this.view.setUint32(number * ENTRY_BYTES + 4, bytes);
    this.write(number * ENTRY_BYTES, ENTRY_BYTES);
  }

  /** The part's bytes must be in the file already. */
  set({ number }: Part, state: PartState, hash = ''): void {
    const at = number * ENTRY_BYTES;
    this.bytes.fill(0, at, at + ENTRY_BYTES);
    this.bytes[at] = STATES.indexOf(state);
    this.bytes.set(fromHex(hash), at + HASH_AT);
    this.write(at, ENTRY_BYTES);
  }

  get complete(): boolean {
    return this.parts.every((part) => this.state(part) === 'verified');
  }

  /** Bytes of the parts that are whole. */
  get present(): number {
    return this.parts.reduce((sum, part) => (this.state(part) === 'missing' ? sum : sum + part.length), 0);
  }

  private write(at: number, length: number): void {
    this.file?.write(this.bytes.subarray(at, at + length), { at });
  }
}
