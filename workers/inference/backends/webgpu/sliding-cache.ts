/**
 * The KV cache of our WebGPU kernels. Full-attention layers can hold the whole context; sliding-window layers hold their
 * window and some tokens more in a ring buffer (../../cache/sliding-window.ts). Memory is allocated as a text grows.
 */
import { EngineError } from '../../../../protocol/engine.ts';
import type { CacheSnapshot, KvCache } from '../../backend-interface/kv-cache.ts';
import { SlidingWindow } from '../../cache/sliding-window.ts';
import { copyRows, describeRows, type GpuRows, snapshotRows, tryAllocate } from '../gpu/rows.ts';

/** A layer's keys or values. */
export interface SlidingCacheSlot {
  /** Name of the graph input that the tensor was found by. */
  name: string;
  /** Tokens that a query sees, itself included; null for full attention. */
  window: number | null;
}

/** Sizes of a cache. */
export interface SlidingCacheShape {
  kvHeads: number;
  headDim: number;
  /** Tokens of context. */
  capacity: number;
  /** Rows of sliding-window layers beyond their window: at least as many tokens as are processed at once. */
  slack: number;
}

/** Tokens that memory is allocated for at first. */
const INITIAL_TOKENS = 2048;

/** KV cache with sliding windows, float32 on the GPU. */
export class SlidingWindowCache implements KvCache {
  /** Tokens that memory is allocated for; never so few that a ring wraps around before it has its final size. */
  private reserved: number;
  private window: SlidingWindow;
  private readonly buffers = new Map<SlidingCacheSlot, GPUBuffer>();

  /**
   * @param device where the buffers are allocated
   * @param slots keys and values of all layers
   * @param shape sizes of the cache
   */
  constructor(
    private readonly device: GPUDevice,
    slots: readonly SlidingCacheSlot[],
    private readonly shape: SlidingCacheShape,
  ) {
    this.reserved = Math.min(INITIAL_TOKENS, shape.capacity);
    this.window = new SlidingWindow(Math.max(0, ...slots.map(({ window }) => window ?? 0)));
    for (const slot of slots) this.buffers.set(slot, this.create(slot, this.reserved));
  }

  private create(slot: SlidingCacheSlot, tokens: number): GPUBuffer {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const size = this.shape.kvHeads * this.rows(slot.window, tokens) * this.rowBytes;
    return this.device.createBuffer({ label: slot.name, size, usage });
  }

  /**
   * Allocates memory for a number of tokens, at least doubling it, so that growing stays rare.
   * @param length number of tokens
   * @returns true if buffers were replaced, so that bind groups with them have to be created again
   * @throws EngineError `out-of-memory`; the cache is unchanged then
   */
  async reserve(length: number): Promise<boolean> {
    if (length <= this.reserved) return false;
    const reserved = Math.min(Math.max(length, 2 * this.reserved), this.shape.capacity);
    const grown = [...this.buffers].filter(([{ window }]) => this.rows(window) < this.rows(window, reserved));
    const create = () => new Map(grown.map(([slot]) => [slot, this.create(slot, reserved)]));
    const free = (buffers: Map<SlidingCacheSlot, GPUBuffer>) => {
      for (const buffer of buffers.values()) buffer.destroy();
    };
    const created = await tryAllocate(this.device, create, free);
    if (!created) throw new EngineError('out-of-memory', `no room for ${reserved} tokens`);
    const encoder = this.device.createCommandEncoder();
    for (const [slot, old] of grown) {
      const buffer = created.get(slot);
      if (!buffer) continue;
      const headStride = this.rows(slot.window, reserved) * this.rowBytes;
      copyRows(encoder, this.describe(slot, old, this.length), { buffer, headStride });
      this.buffers.set(slot, buffer);
    }
    this.device.queue.submit([encoder.finish()]);
    // WebGPU destroys a buffer only after the commands that were submitted with it.
    for (const [, old] of grown) old.destroy();
    this.reserved = reserved;
    return true;
  }

  /**
   * The buffer of a slot, until the next `reserve`.
   * @param name the slot's name
   * @returns float32 [kvHeads, rows, headDim]; the token at position p is in row p modulo rows
   */
  buffer(name: string): GPUBuffer {
    for (const [slot, buffer] of this.buffers) if (slot.name === name) return buffer;
    throw new Error(`the cache has no ${name}`);
  }

  /**
   * Rows of a head.
   * @param window the layer's window; null for full attention
   * @param tokens tokens that memory is allocated for
   * @returns number of rows
   */
  rows(window: number | null, tokens = this.reserved): number {
    return window === null ? tokens : Math.min(tokens, window + this.shape.slack);
  }

  private get rowBytes(): number {
    return Float32Array.BYTES_PER_ELEMENT * this.shape.headDim;
  }

  /**
   * Records that kernels have written all tokens up to a position.
   * @param length number of tokens written
   */
  advanceTo(length: number): void {
    this.window.advanceTo(length, Math.min(...[...this.buffers.keys()].map(({ window }) => this.rows(window))));
  }

  /** Number of cached tokens. */
  get length(): number {
    return this.window.length;
  }

  reusableLength(length: number): number {
    return this.window.reusableLength(length);
  }

  truncate(length: number): void {
    this.window.truncate(length);
  }

  get bytes(): number {
    return this.describeAll(this.length).reduce((sum, { heads, headBytes }) => sum + heads * headBytes, 0);
  }

  snapshot(): Promise<CacheSnapshot | null> {
    const window = this.window.copy();
    return snapshotRows(this.device, () => this.describeAll(window.length), {
      reusableLength: (length) => window.reusableLength(length),
      onRestore: () => {
        this.window = window;
      },
    });
  }

  /** The rows that `length` tokens are in. */
  private describe(slot: SlidingCacheSlot, buffer: GPUBuffer, length: number): GpuRows {
    const allocated = this.rows(slot.window);
    const shape = { label: slot.name, heads: this.shape.kvHeads, rowBytes: this.rowBytes };
    return describeRows(shape, buffer, { allocated, used: Math.min(length, allocated) });
  }

  private describeAll(length: number): GpuRows[] {
    return [...this.buffers].map(([slot, buffer]) => this.describe(slot, buffer, length));
  }

  dispose(): void {
    for (const buffer of this.buffers.values()) buffer.destroy();
    this.buffers.clear();
  }
}
