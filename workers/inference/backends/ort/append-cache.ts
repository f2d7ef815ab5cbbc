/**
 * KV cache of a graph that returns the new tokens' rows only (cpu/append-cache.ts changes graphs so). The entries are kept
 * in growing arrays in the worker's memory, and the graph is fed no more of them than its layers attend to. Truncating is
 * free.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import type { CacheSnapshot } from '../../backend-interface/kv-cache.ts';
import { APPENDED, type CacheSlot } from './graph-io.ts';
import { cacheBytes, type GraphCache, wholeLength } from './kv-cache.ts';
import type { Ort } from './ort.ts';

type Values = Float32Array | Uint16Array;

/** Tokens that memory is allocated for at first. */
const INITIAL_TOKENS = 256;

const allocate = (slot: CacheSlot, rows: number): Values => {
  const size = slot.kvHeads * rows * slot.headDim;
  return slot.type === 'float16' ? new Uint16Array(size) : new Float32Array(size);
};

/** The runtime returns float16 values as Float16Array where the browser has it: their bits are read instead. */
const bitsOf = (slot: CacheSlot, { buffer, byteOffset, length }: Values): Values =>
  slot.type === 'float16' ? new Uint16Array(buffer, byteOffset, length) : new Float32Array(buffer, byteOffset, length);

/** Cache in the worker's memory to which each run appends the new tokens' rows. */
export class AppendCache implements GraphCache {
  length = 0;
  /** float32 or float16 bits [kvHeads, reserved, headDim] */
  private readonly values = new Map<CacheSlot, Values>();
  /** Tokens that memory is allocated for. */
  private reserved = 0;

  /**
   * @param ort the runtime
   * @param slots keys and values of all layers
   * @param capacity tokens of context
   */
  constructor(
    private readonly ort: Ort,
    private readonly slots: readonly CacheSlot[],
    private readonly capacity: number,
  ) {
    this.reserve(0);
  }

  /** Allocates memory for a number of tokens, at least doubling it, so that growing stays rare. */
  private reserve(length: number): void {
    if (length <= this.reserved && this.reserved > 0) return;
    const reserved = Math.min(Math.max(length, 2 * this.reserved, INITIAL_TOKENS), Math.max(length, this.capacity));
    for (const slot of this.slots) this.values.set(slot, this.resized(slot, reserved));
    this.reserved = reserved;
  }

  /** A copy of a slot's cached rows, with `rows` rows for each head. */
  private resized(slot: CacheSlot, rows: number): Values {
    const old = this.values.get(slot);
    const values = allocate(slot, rows);
    const size = this.length * slot.headDim;
    for (let h = 0; old && h < slot.kvHeads; h++) {
      const from = h * this.reserved * slot.headDim;
      values.set(old.subarray(from, from + size), h * rows * slot.headDim);
    }
    return values;
  }

  past(count: number): Record<string, Tensor> {
    const { ort, length } = this;
    const feeds: Record<string, Tensor> = {};
    let window: number | null = null;
    for (const slot of this.slots) {
      const rows = slot.window === null ? length : Math.min(length, slot.window - 1);
      window ??= slot.window === null ? null : rows;
      feeds[slot.past] = new ort.Tensor(slot.type, this.last(slot, rows), [1, slot.kvHeads, rows, slot.headDim]);
    }
    const int64 = (values: number[], dims: number[]) =>
      new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims);
    feeds[APPENDED.rows] = int64([-count], [1]);
    if (window !== null) {
      const positions = Array.from({ length: count }, (_, i) => length + i);
      feeds[APPENDED.windowLast] = new ort.Tensor('int32', Int32Array.of(window + count - 1), [1]);
      feeds[APPENDED.windowTotal] = new ort.Tensor('int32', Int32Array.of(window + count), []);
      feeds[APPENDED.positions] = int64(positions, [1, count]);
    }
    return feeds;
  }

  /** The rows of the last tokens of every head; with a single head they are not copied. */
  private last(slot: CacheSlot, rows: number): Values {
    const values = this.values.get(slot) ?? allocate(slot, 0);
    const { headDim } = slot;
    const rowsOfHead = (head: number) => {
      const end = (head * this.reserved + this.length) * headDim;
      return values.subarray(end - rows * headDim, end);
    };
    if (slot.kvHeads === 1) return rowsOfHead(0);
    const gathered = allocate(slot, rows);
    for (let h = 0; h < slot.kvHeads; h++) gathered.set(rowsOfHead(h), h * rows * headDim);
    return gathered;
  }

  fetches(): Record<string, null> {
    return Object.fromEntries(this.slots.map((slot) => [slot.present, null]));
  }

  accept(outputs: InferenceSession.ReturnType, length: number): void {
    this.reserve(length);
    const count = length - this.length;
    for (const slot of this.slots) {
      const output = outputs[slot.present];
      const values = this.values.get(slot);
      if (!output || !values) throw new Error(`no ${slot.present} among the outputs`);
      const rows = bitsOf(slot, output.data as Values);
      const size = count * slot.headDim;
      for (let h = 0; h < slot.kvHeads; h++)
        values.set(rows.subarray(h * size, (h + 1) * size), (h * this.reserved + this.length) * slot.headDim);
      output.dispose();
    }
    this.length = length;
  }

  reusableLength = wholeLength;

  truncate(length: number): void {
    this.length = Math.min(this.length, length);
  }

  get bytes(): number {
    return cacheBytes(this.slots, this.length);
  }

  snapshot(): Promise<CacheSnapshot | null> {
    const { length, bytes } = this;
    let copies: Map<CacheSlot, Values>;
    try {
      copies = new Map(this.slots.map((slot) => [slot, this.resized(slot, length)]));
    } catch (cause) {
      if (cause instanceof RangeError) return Promise.resolve(null);
      throw cause;
    }
    const restore = () => {
      for (const [slot, values] of copies) this.values.set(slot, values);
      this.reserved = length;
      this.length = length;
    };
    return Promise.resolve({ bytes, reusableLength: wholeLength, restore, dispose: () => copies.clear() });
  }

  dispose(): void {
    this.values.clear();
    this.reserved = 0;
    this.length = 0;
  }
}
