/**
 * The keys and values of the tokens read so far, one pair of tensors [1, kvHeads, positions, headDim] a layer.
 * Static: one GPU buffer of full capacity, past and present at once, grows in place; forgetting tokens is free.
 * Dynamic: what any transformers.js export gives back, one token longer each time.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import type { Ort } from './ort.ts';
import { copyRows, type GpuRows, snapshotRows, tryAllocate } from '../gpu/rows.ts';
import type { CacheSlot } from './graph-io.ts';

export interface KvCache {
  /** Tokens held. */
  readonly length: number;
  /** Of the first `length` tokens, how many can be gone on from: all, unless sliding layers have let some go. */
  reusableLength(length: number): number;
  /** Keeps the first `length` tokens, which must be reusableLength. */
  truncate(length: number): void;
  /** Bytes that a copy of what is held takes. */
  readonly bytes: number;
  /** A copy of all that is held, put aside; null where there is no memory for one. */
  snapshot(): Promise<CacheSnapshot | null>;
  dispose(): void;
}

/** A cache that a graph reads and writes. */
export interface GraphCache extends KvCache {
  /** The cache's inputs for a run that reads `count` tokens. */
  past(count: number): Record<string, Tensor>;
  /** Where the next run puts its outputs; null where the runtime allocates. */
  fetches(): Record<string, Tensor | null>;
  /** Takes the outputs of a run, after which `length` tokens are held. */
  accept(outputs: InferenceSession.ReturnType, length: number): void;
}

/** A copy of a cache's tokens. */
export interface CacheSnapshot {
  readonly bytes: number;
  /** As of the cache that it was copied from. */
  reusableLength(length: number): number;
  /** The cache holds these tokens again, in place of what it holds then. The copy is spent. */
  restore(): void;
  dispose(): void;
}

/** Bytes of so many tokens in all slots. */
export const cacheBytes = (slots: Iterable<CacheSlot>, length: number): number =>
  [...slots].reduce((sum, slot) => sum + slot.kvHeads * length * slot.headDim * bytesOf(slot), 0);

/** Every row is kept. */
export const wholeLength = (length: number): number => length;

const bytesOf = (slot: CacheSlot): number => (slot.type === 'float16' ? 2 : 4);

/** A tensor's rows on the GPU. @param lying rows of a head that there is room for, and that hold something */
function rowsOf(slot: CacheSlot, tensor: Tensor, { room, used }: { room: number; used: number }): GpuRows {
  const row = slot.headDim * bytesOf(slot);
  const buffer = tensor.gpuBuffer as GPUBuffer;
  return { label: slot.past, buffer, heads: slot.kvHeads, headStride: room * row, headBytes: used * row };
}

export class StaticGpuCache implements GraphCache {
  length = 0;
  private readonly tensors = new Map<CacheSlot, Tensor>();

  constructor(
    ort: Ort,
    private readonly device: GPUDevice,
    slots: readonly CacheSlot[],
    private readonly capacity: number,
  ) {
    for (const slot of slots) {
      const dims = [1, slot.kvHeads, capacity, slot.headDim];
      const size = slot.kvHeads * capacity * slot.headDim * bytesOf(slot);
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
      const buffer = device.createBuffer({ size, usage, label: slot.past });
      const tensor = ort.Tensor.fromGpuBuffer(buffer, { dataType: slot.type, dims, dispose: () => buffer.destroy() });
      this.tensors.set(slot, tensor);
    }
  }

  past(): Record<string, Tensor> {
    return Object.fromEntries([...this.tensors].map(([slot, tensor]) => [slot.past, tensor]));
  }

  fetches(): Record<string, Tensor> {
    return Object.fromEntries([...this.tensors].map(([slot, tensor]) => [slot.present, tensor]));
  }

  accept(_outputs: InferenceSession.ReturnType, length: number): void {
    this.length = length;
  }

  reusableLength = wholeLength;

  truncate(length: number): void {
    this.length = Math.min(this.length, length);
  }

  get bytes(): number {
    return cacheBytes(this.tensors.keys(), this.length);
  }

  async snapshot(): Promise<CacheSnapshot | null> {
    const { length, bytes } = this;
    const rows = () =>
      [...this.tensors].map(([slot, tensor]) => rowsOf(slot, tensor, { room: this.capacity, used: length }));
    const copy = await snapshotRows(this.device, rows);
    if (!copy) return null;
    const restore = () => {
      copy.restore();
      this.length = length;
    };
    return { bytes, reusableLength: wholeLength, restore, dispose: copy.dispose };
  }

  dispose(): void {
    for (const tensor of this.tensors.values()) tensor.dispose();
    this.tensors.clear();
  }
}

export class DynamicCache implements GraphCache {
  length = 0;
  private tensors = new Map<CacheSlot, Tensor>();

  constructor(
    private readonly ort: Ort,
    private readonly slots: readonly CacheSlot[],
    /** Given when the tensors live on the GPU. */
    private readonly device?: GPUDevice,
  ) {
    this.reset();
  }

  private reset(): void {
    this.dispose();
    for (const slot of this.slots) {
      const empty = slot.type === 'float16' ? new Uint16Array(0) : new Float32Array(0);
      this.tensors.set(slot, new this.ort.Tensor(slot.type, empty, [1, slot.kvHeads, 0, slot.headDim]));
    }
    this.length = 0;
  }

  past(): Record<string, Tensor> {
    return Object.fromEntries([...this.tensors].map(([slot, tensor]) => [slot.past, tensor]));
  }

  fetches(): Record<string, null> {
    return Object.fromEntries(this.slots.map((slot) => [slot.present, null]));
  }

  accept(outputs: InferenceSession.ReturnType, length: number): void {
    for (const [slot, old] of this.tensors) {
      const present = outputs[slot.present];
      if (!present) throw new Error(`no ${slot.present} among the outputs`);
      if (present !== old) old.dispose();
      this.tensors.set(slot, present);
    }
    this.length = length;
  }

  reusableLength = wholeLength;

  truncate(length: number): void {
    if (length >= this.length) return;
    if (length === 0) {
      this.reset();
      return;
    }
    const kept = this.copies(length);
    this.dispose();
    this.tensors = kept;
    this.length = length;
  }

  /** The first `length` tokens' rows. */
  private copies(length: number): Map<CacheSlot, Tensor> {
    const copies = new Map<CacheSlot, Tensor>();
    for (const [slot, old] of this.tensors)
      copies.set(slot, old.location === 'gpu-buffer' ? this.cutOnGpu(slot, old, length) : this.cut(slot, old, length));
    return copies;
  }

  get bytes(): number {
    return cacheBytes(this.slots, this.length);
  }

  async snapshot(): Promise<CacheSnapshot | null> {
    const { device, length, bytes } = this;
    const make = () => this.copies(length);
    const letGo = (tensors: Map<CacheSlot, Tensor>) => {
      for (const tensor of tensors.values()) tensor.dispose();
    };
    const copies = device ? await tryAllocate(device, make, letGo) : make();
    if (!copies) return null;
    const restore = () => {
      this.dispose();
      this.tensors = copies;
      this.length = length;
    };
    return { bytes, reusableLength: wholeLength, restore, dispose: () => letGo(copies) };
  }

  private cut(slot: CacheSlot, old: Tensor, length: number): Tensor {
    const kept = length * slot.headDim;
    const row = this.length * slot.headDim;
    const source = old.data as Float32Array | Uint16Array;
    const Values = slot.type === 'float16' ? Uint16Array : Float32Array;
    const target = new Values(slot.kvHeads * kept);
    for (let h = 0; h < slot.kvHeads; h++) target.set(source.subarray(h * row, h * row + kept), h * kept);
    return new this.ort.Tensor(slot.type, target, [1, slot.kvHeads, length, slot.headDim]);
  }

  private cutOnGpu(slot: CacheSlot, old: Tensor, length: number): Tensor {
    const { device } = this;
    if (!device) throw new Error('a cache on the GPU without its device');
    const from = rowsOf(slot, old, { room: this.length, used: length });
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = device.createBuffer({ size: slot.kvHeads * from.headBytes, usage, label: slot.past });
    const encoder = device.createCommandEncoder();
    copyRows(encoder, from, { buffer, headStride: from.headBytes });
    device.queue.submit([encoder.finish()]);
    const dims = [1, slot.kvHeads, length, slot.headDim];
    return this.ort.Tensor.fromGpuBuffer(buffer, { dataType: slot.type, dims, dispose: () => buffer.destroy() });
  }

  dispose(): void {
    for (const tensor of this.tensors.values()) tensor.dispose();
    this.tensors = new Map();
  }
}
