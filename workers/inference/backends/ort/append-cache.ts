/**
 * The cache of a graph that gives new rows only (backends/ort/cpu/append-cache.ts): kept here, in the worker's memory, in arrays
 * that grow; the graph is shown as much of them as its layers look at. Forgetting tokens is free.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import type { Ort } from './ort.ts';
import { APPENDED, type CacheSlot } from './graph-io.ts';
import { wholeLength, cacheBytes, type GraphCache, type CacheSnapshot } from './kv-cache.ts';

type Values = Float32Array | Uint16Array;

/** Tokens that there is room for at first. */
const FIRST_ROOM = 256;

const allocate = (slot: CacheSlot, rows: number): Values => {
  const size = slot.kvHeads * rows * slot.headDim;
  return slot.type === 'float16' ? new Uint16Array(size) : new Float32Array(size);
};

/** Halves come as Float16Array where the browser has it. */
const bitsOf = (slot: CacheSlot, { buffer, byteOffset, length }: Values): Values =>
  slot.type === 'float16' ? new Uint16Array(buffer, byteOffset, length) : new Float32Array(buffer, byteOffset, length);

export class AppendCache implements GraphCache {
  length = 0;
  /** [kvHeads, room, headDim] */
  private readonly values = new Map<CacheSlot, Values>();
  private room = 0;

  constructor(
    private readonly ort: Ort,
    private readonly slots: readonly CacheSlot[],
    private readonly capacity: number,
  ) {
    this.grow(0);
  }

  /** Makes room for so many tokens; twice as much as there was, so that growing stays rare. */
  private grow(length: number): void {
    if (length <= this.room && this.room > 0) return;
    const room = Math.min(Math.max(length, 2 * this.room, FIRST_ROOM), Math.max(length, this.capacity));
    for (const slot of this.slots) this.values.set(slot, this.resized(slot, room));
    this.room = room;
  }

  /** A slot's tokens with room for others. */
  private resized(slot: CacheSlot, room: number): Values {
    const old = this.values.get(slot);
    const values = allocate(slot, room);
    const kept = this.length * slot.headDim;
    for (let h = 0; old && h < slot.kvHeads; h++) {
      const from = h * this.room * slot.headDim;
      values.set(old.subarray(from, from + kept), h * room * slot.headDim);
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

  /** The last `rows` tokens' of every head: with one head, the arrays themselves. */
  private last(slot: CacheSlot, rows: number): Values {
    const values = this.values.get(slot) ?? allocate(slot, 0);
    const { headDim } = slot;
    const of = (head: number) => {
      const end = (head * this.room + this.length) * headDim;
      return values.subarray(end - rows * headDim, end);
    };
    if (slot.kvHeads === 1) return of(0);
    const gathered = allocate(slot, rows);
    for (let h = 0; h < slot.kvHeads; h++) gathered.set(of(h), h * rows * headDim);
    return gathered;
  }

  fetches(): Record<string, null> {
    return Object.fromEntries(this.slots.map((slot) => [slot.present, null]));
  }

  accept(outputs: InferenceSession.ReturnType, length: number): void {
    this.grow(length);
    const count = length - this.length;
    for (const slot of this.slots) {
      const output = outputs[slot.present];
      const values = this.values.get(slot);
      if (!output || !values) throw new Error(`no ${slot.present} among the outputs`);
      const rows = bitsOf(slot, output.data as Values);
      const size = count * slot.headDim;
      for (let h = 0; h < slot.kvHeads; h++)
        values.set(rows.subarray(h * size, (h + 1) * size), (h * this.room + this.length) * slot.headDim);
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
      this.room = length;
      this.length = length;
    };
    return Promise.resolve({ bytes, reusableLength: wholeLength, restore, dispose: () => copies.clear() });
  }

  dispose(): void {
    this.values.clear();
    this.room = 0;
    this.length = 0;
  }
}
