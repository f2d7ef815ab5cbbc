/**
 * The keys and values of the tokens read so far, one pair of tensors [1, kvHeads, positions, headDim] a layer.
 * Static: one GPU buffer of full capacity, past and present at once, grows in place; forgetting tokens is free.
 * Dynamic: what any transformers.js export gives back, one token longer each time.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import type { Ort } from '../runtime/ort.ts';
import type { CacheSlot } from './graph-io.ts';

export interface KvCache {
  /** Tokens held. */
  readonly length: number;
  /** The cache's inputs for a run that reads `count` tokens. */
  past(count: number): Record<string, Tensor>;
  /** Where the next run puts its outputs; null where the runtime allocates. */
  fetches(): Record<string, Tensor | null>;
  /** Takes the outputs of a run, after which `length` tokens are held. */
  accept(outputs: InferenceSession.ReturnType, length: number): void;
  /** Keeps the first `length` tokens. */
  truncate(length: number): void;
  dispose(): void;
}

const bytesOf = (slot: CacheSlot): number => (slot.type === 'float16' ? 2 : 4);

export class StaticGpuCache implements KvCache {
  length = 0;
  private readonly tensors = new Map<CacheSlot, Tensor>();

  constructor(ort: Ort, device: GPUDevice, slots: readonly CacheSlot[], capacity: number) {
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

  truncate(length: number): void {
    this.length = Math.min(this.length, length);
  }

  dispose(): void {
    for (const tensor of this.tensors.values()) tensor.dispose();
    this.tensors.clear();
  }
}

export class DynamicCache implements KvCache {
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

  truncate(length: number): void {
    if (length >= this.length) return;
    if (length === 0) {
      this.reset();
      return;
    }
    for (const [slot, old] of this.tensors) {
      const tensor = old.location === 'gpu-buffer' ? this.cutOnGpu(slot, old, length) : this.cut(slot, old, length);
      old.dispose();
      this.tensors.set(slot, tensor);
    }
    this.length = length;
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
    const kept = length * slot.headDim * bytesOf(slot);
    const row = this.length * slot.headDim * bytesOf(slot);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = device.createBuffer({ size: slot.kvHeads * kept, usage, label: slot.past });
    const encoder = device.createCommandEncoder();
    for (let h = 0; h < slot.kvHeads; h++)
      encoder.copyBufferToBuffer(old.gpuBuffer as GPUBuffer, h * row, buffer, h * kept, kept);
    device.queue.submit([encoder.finish()]);
    const dims = [1, slot.kvHeads, length, slot.headDim];
    return this.ort.Tensor.fromGpuBuffer(buffer, { dataType: slot.type, dims, dispose: () => buffer.destroy() });
  }

  dispose(): void {
    for (const tensor of this.tensors.values()) tensor.dispose();
    this.tensors = new Map();
  }
}
