/**
 * The KV cache that our CPU kernels write and read: full layers have room for the whole context, of which the system gives
 * memory as it is filled; sliding layers for their window and some more, in a ring (../ring.ts).
 */
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import type { KvCache, CacheSnapshot } from '../ort/kv-cache.ts';
import { SlidingWindow } from '../../cache/sliding-window.ts';

type CacheShape = Pick<Gemma3Config['text'], 'kvHeads' | 'headDim' | 'slidingWindow' | 'layerTypes'>;

export class WasmKvCache implements KvCache {
  private window: SlidingWindow;
  private readonly fewestRows: number;

  /** @param slots each [kvHeads, rows, headDim] */
  constructor(
    private readonly slots: readonly Float32Array[],
    private readonly shape: CacheShape,
  ) {
    this.window = new SlidingWindow(shape.layerTypes.includes('sliding_attention') ? shape.slidingWindow : 0);
    this.fewestRows = Math.min(...slots.map((slot) => this.rows(slot)));
  }

  private rows(slot: Float32Array): number {
    return slot.length / (this.shape.kvHeads * this.shape.headDim);
  }

  /** So many tokens have been written. */
  advanceTo(length: number): void {
    this.window.advanceTo(length, this.fewestRows);
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

  get bytes(): number {
    return this.bytesOf(this.window.length);
  }

  private bytesOf(length: number): number {
    const rows = this.slots.reduce((sum, slot) => sum + Math.min(length, this.rows(slot)), 0);
    return Float32Array.BYTES_PER_ELEMENT * this.shape.kvHeads * rows * this.shape.headDim;
  }

  /** Of each slot's heads, the rows that hold something. */
  private held(length: number): Float32Array[] {
    const { kvHeads, headDim } = this.shape;
    return this.slots.flatMap((slot) => {
      const rows = this.rows(slot);
      const used = Math.min(length, rows) * headDim;
      return Array.from({ length: kvHeads }, (_, head) => slot.subarray(head * rows * headDim).subarray(0, used));
    });
  }

  snapshot(): Promise<CacheSnapshot | null> {
    const ring = this.window.copy();
    let copies: Float32Array[];
    try {
      copies = this.held(ring.length).map((rows) => rows.slice());
    } catch (cause) {
      if (cause instanceof RangeError) return Promise.resolve(null);
      throw cause;
    }
    const restore = () => {
      for (const [i, rows] of this.held(ring.length).entries()) rows.set(copies[i] ?? []);
      this.window = ring;
    };
    return Promise.resolve({
      bytes: this.bytesOf(ring.length),
      reusableLength: (length) => ring.reusableLength(length),
      restore,
      dispose: () => (copies = []),
    });
  }

  dispose(): void {
    this.truncate(0);
  }
}
