/**
 * KV caches of onnxruntime sessions: a pair of tensors [1, kvHeads, positions, headDim] for each layer, fed as
 * `past_key_values` and fetched as `present`.
 * - Static: one GPU buffer of full capacity is past and present at once, so a pass writes in place and truncating is free.
 * - Dynamic: the graph returns new tensors, longer by the new tokens, as any transformers.js export does.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import type { CacheSnapshot, KvCache } from '../../backend-interface/kv-cache.ts';
import { copyRows, describeRows, type GpuRows, type RowCounts, snapshotRows, tryAllocate } from '../gpu/rows.ts';
import type { CacheSlot } from './graph-io.ts';
import type { Ort } from './ort.ts';

/** A cache that a graph reads and writes. */
export interface GraphCache extends KvCache {
  /**
   * The cache's inputs for the next run.
   * @param count number of tokens that the run processes
   */
  past(count: number): Record<string, Tensor>;
  /** Outputs of the next run, with the tensors they are written to; null where the runtime allocates. */
  fetches(): Record<string, Tensor | null>;
  /**
   * Takes the outputs of a run.
   * @param outputs the run's results
   * @param length number of cached tokens after the run
   */
  accept(outputs: InferenceSession.ReturnType, length: number): void;
}

/**
 * Size of the cache entries of a number of tokens.
 * @param slots keys and values of all layers
 * @param length number of tokens
 * @returns bytes
 */
export const cacheBytes = (slots: Iterable<CacheSlot>, length: number): number =>
  [...slots].reduce((sum, slot) => sum + slot.kvHeads * length * slot.headDim * bytesOf(slot), 0);

/**
 * `reusableLength` of caches that keep the entries of every token.
 * @param length number of tokens
 * @returns the same number
 */
export const wholeLength = (length: number): number => length;

const bytesOf = (slot: CacheSlot): number => (slot.type === 'float16' ? 2 : 4);

function describe(slot: CacheSlot, tensor: Tensor, counts: RowCounts): GpuRows {
  const shape = { label: slot.past, heads: slot.kvHeads, rowBytes: slot.headDim * bytesOf(slot) };
  return describeRows(shape, tensor.gpuBuffer as GPUBuffer, counts);
}

/** Cache in GPU buffers of full capacity, for graphs that write new entries into the past's buffers. */
export class StaticGpuCache implements GraphCache {
  length = 0;
  private readonly tensors = new Map<CacheSlot, Tensor>();

  /**
   * @param ort the runtime
   * @param device the runtime's device
   * @param slots keys and values of all layers
   * @param capacity tokens of context
   */
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

  snapshot(): Promise<CacheSnapshot | null> {
    const { length } = this;
    const counts = { allocated: this.capacity, used: length };
    return snapshotRows(this.device, () => [...this.tensors].map(([slot, tensor]) => describe(slot, tensor, counts)), {
      reusableLength: wholeLength,
      onRestore: () => {
        this.length = length;
      },
    });
  }

  dispose(): void {
    for (const tensor of this.tensors.values()) tensor.dispose();
    this.tensors.clear();
  }
}

/** Cache of the tensors that the last run returned, in memory or on the GPU. */
export class DynamicCache implements GraphCache {
  length = 0;
  private tensors = new Map<CacheSlot, Tensor>();

  /**
   * @param ort the runtime
   * @param slots keys and values of all layers
   * @param device the runtime's device, if the tensors are on the GPU
   */
  constructor(
    private readonly ort: Ort,
    private readonly slots: readonly CacheSlot[],
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
    const shorter = this.copies(length);
    this.dispose();
    this.tensors = shorter;
    this.length = length;
  }

  /** Copies the rows of the first `length` tokens. */
  private copies(length: number): Map<CacheSlot, Tensor> {
    const copies = new Map<CacheSlot, Tensor>();
    for (const [slot, old] of this.tensors)
      copies.set(
        slot,
        old.location === 'gpu-buffer' ? this.copyOnGpu(slot, old, length) : this.copyInMemory(slot, old, length),
      );
    return copies;
  }

  get bytes(): number {
    return cacheBytes(this.slots, this.length);
  }

  async snapshot(): Promise<CacheSnapshot | null> {
    const { device, length, bytes } = this;
    const create = () => this.copies(length);
    const free = (tensors: Map<CacheSlot, Tensor>) => {
      for (const tensor of tensors.values()) tensor.dispose();
    };
    const copies = device ? await tryAllocate(device, create, free) : create();
    if (!copies) return null;
    const restore = () => {
      this.dispose();
      this.tensors = copies;
      this.length = length;
    };
    return { bytes, reusableLength: wholeLength, restore, dispose: () => free(copies) };
  }

  private copyInMemory(slot: CacheSlot, old: Tensor, length: number): Tensor {
    const size = length * slot.headDim;
    const stride = this.length * slot.headDim;
    const source = old.data as Float32Array | Uint16Array;
    const Values = slot.type === 'float16' ? Uint16Array : Float32Array;
    const target = new Values(slot.kvHeads * size);
    for (let h = 0; h < slot.kvHeads; h++) target.set(source.subarray(h * stride, h * stride + size), h * size);
    return new this.ort.Tensor(slot.type, target, [1, slot.kvHeads, length, slot.headDim]);
  }

  private copyOnGpu(slot: CacheSlot, old: Tensor, length: number): Tensor {
    const { device } = this;
    if (!device) throw new Error('a cache on the GPU without its device');
    const from = describe(slot, old, { allocated: this.length, used: length });
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
