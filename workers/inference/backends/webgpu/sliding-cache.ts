/**
 * The keys and values that our own kernels write and read. Full layers have room for the whole context; sliding layers for
 * their window and some more, in a ring (../ring.ts). Memory is taken as a text grows.
 */
import { EngineError } from '../../../../protocol/engine.ts';
import { copyRows, type GpuRows, snapshotRows, tryAllocate } from '../gpu/rows.ts';
import type { KvCache, CacheSnapshot } from '../ort/kv-cache.ts';
import { SlidingWindow } from '../../cache/sliding-window.ts';

export interface SlidingCacheSlot {
  /** Names the tensor. */
  name: string;
  /** Tokens that a query sees, itself included; null: all. */
  window: number | null;
}

export interface SlidingCacheShape {
  kvHeads: number;
  headDim: number;
  /** Tokens of context. */
  capacity: number;
  /** Rows that sliding layers have beyond their window: at least as many tokens as are read at once. */
  slack: number;
}

/** Tokens that there is room for at first. */
const FIRST_ROOM = 2048;

export class SlidingWindowCache implements KvCache {
  /** Tokens that there is room for; never so many that a ring turns before it is as large as it gets. */
  private reserved: number;
  private window: SlidingWindow;
  private readonly buffers = new Map<SlidingCacheSlot, GPUBuffer>();

  constructor(
    private readonly device: GPUDevice,
    slots: readonly SlidingCacheSlot[],
    private readonly shape: SlidingCacheShape,
  ) {
    this.reserved = Math.min(FIRST_ROOM, shape.capacity);
    this.window = new SlidingWindow(Math.max(0, ...slots.map(({ window }) => window ?? 0)));
    for (const slot of slots) this.buffers.set(slot, this.create(slot, this.reserved));
  }

  private create(slot: SlidingCacheSlot, room: number): GPUBuffer {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const size = this.shape.kvHeads * this.rows(slot.window, room) * this.rowBytes;
    return this.device.createBuffer({ label: slot.name, size, usage });
  }

  /**
   * Sees to it that so many tokens find room, twice as many as before at least: growing stays rare.
   * @returns whether buffers are others now
   * @throws EngineError `out-of-memory`
   */
  async reserve(length: number): Promise<boolean> {
    if (length <= this.reserved) return false;
    const room = Math.min(Math.max(length, 2 * this.reserved), this.shape.capacity);
    const grown = [...this.buffers].filter(([{ window }]) => this.rows(window) < this.rows(window, room));
    const make = () => new Map(grown.map(([slot]) => [slot, this.create(slot, room)]));
    const letGo = (buffers: Map<SlidingCacheSlot, GPUBuffer>) => {
      for (const buffer of buffers.values()) buffer.destroy();
    };
    const made = await tryAllocate(this.device, make, letGo);
    if (!made) throw new EngineError('out-of-memory', `no room for ${room} tokens`);
    const encoder = this.device.createCommandEncoder();
    for (const [slot, old] of grown) {
      const buffer = made.get(slot);
      if (!buffer) continue;
      const headStride = this.rows(slot.window, room) * this.rowBytes;
      copyRows(encoder, this.rowsOf(slot, old, this.length), { buffer, headStride });
      this.buffers.set(slot, buffer);
    }
    this.device.queue.submit([encoder.finish()]);
    // Destroyed once what was submitted is done with them.
    for (const [, old] of grown) old.destroy();
    this.reserved = room;
    return true;
  }

  /** float32 [kvHeads, rows, headDim] */
  buffer(name: string): GPUBuffer {
    for (const [slot, buffer] of this.buffers) if (slot.name === name) return buffer;
    throw new Error(`the cache has no ${name}`);
  }

  /** Rows that a layer with such a window has, with room for so many tokens. */
  rows(window: number | null, room = this.reserved): number {
    return window === null ? room : Math.min(room, window + this.shape.slack);
  }

  private get rowBytes(): number {
    return 4 * this.shape.headDim;
  }

  /** So many tokens have been written. */
  advanceTo(length: number): void {
    this.window.advanceTo(length, Math.min(...[...this.buffers.keys()].map(({ window }) => this.rows(window))));
  }

  get length(): number {
    return this.window.length;
  }

  reusableLength(length: number): number {
    return this.window.reusableLength(length);
  }

  truncate(length: number): void {
    this.window.truncate(length);
  }

  /** Rows that hold something. */
  private used(slot: SlidingCacheSlot, length: number): number {
    return Math.min(length, this.rows(slot.window));
  }

  get bytes(): number {
    const rows = [...this.buffers.keys()].reduce((sum, slot) => sum + this.used(slot, this.length), 0);
    return rows * this.shape.kvHeads * this.rowBytes;
  }

  async snapshot(): Promise<CacheSnapshot | null> {
    const { bytes } = this;
    const ring = this.window.copy();
    const rows = () => [...this.buffers].map(([slot, buffer]) => this.rowsOf(slot, buffer, ring.length));
    const copy = await snapshotRows(this.device, rows);
    if (!copy) return null;
    const restore = () => {
      copy.restore();
      this.window = ring;
    };
    return { bytes, reusableLength: (kept) => ring.reusableLength(kept), restore, dispose: copy.dispose };
  }

  /** What a slot holds of so many tokens. */
  private rowsOf(slot: SlidingCacheSlot, buffer: GPUBuffer, length: number): GpuRows {
    const { kvHeads: heads } = this.shape;
    const headStride = this.rows(slot.window) * this.rowBytes;
    return { label: slot.name, buffer, heads, headStride, headBytes: this.used(slot, length) * this.rowBytes };
  }

  dispose(): void {
    for (const buffer of this.buffers.values()) buffer.destroy();
    this.buffers.clear();
  }
}
