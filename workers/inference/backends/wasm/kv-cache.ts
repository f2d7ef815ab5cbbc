/**
 * The KV cache of our WebAssembly kernels, in the memory that they work in. Full-attention layers have room for the whole
 * context, which the system backs with memory as it is filled; sliding-window layers hold their window and some tokens more
 * in a ring buffer (../../cache/sliding-window.ts).
 */
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import type { CacheSnapshot, KvCache } from '../../backend-interface/kv-cache.ts';
import { SlidingWindow } from '../../cache/sliding-window.ts';

type CacheShape = Pick<Gemma3Config['text'], 'kvHeads' | 'headDim' | 'slidingWindow' | 'layerTypes'>;

/** KV cache with sliding windows, float32 in WebAssembly memory. */
export class WasmKvCache implements KvCache {
  private window: SlidingWindow;
  private readonly fewestRows: number;

  /**
   * @param slots keys and values of all layers: float32 [kvHeads, rows, headDim], the token at position p in row p modulo rows
   * @param shape sizes from the model's configuration
   */
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

  /**
   * Records that kernels have written all tokens up to a position.
   * @param length number of tokens written
   */
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
    return this.usedRows(this.length).reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** The rows that `length` tokens are in, of each head of each slot. */
  private usedRows(length: number): Float32Array[] {
    const { kvHeads, headDim } = this.shape;
    return this.slots.flatMap((slot) => {
      const rows = this.rows(slot);
      const used = Math.min(length, rows) * headDim;
      return Array.from({ length: kvHeads }, (_, head) => slot.subarray(head * rows * headDim).subarray(0, used));
    });
  }

  snapshot(): Promise<CacheSnapshot | null> {
    const { bytes } = this;
    const window = this.window.copy();
    let copies: Float32Array[];
    try {
      copies = this.usedRows(window.length).map((rows) => rows.slice());
    } catch (cause) {
      if (cause instanceof RangeError) return Promise.resolve(null);
      throw cause;
    }
    const restore = () => {
      for (const [i, rows] of this.usedRows(window.length).entries()) rows.set(copies[i] ?? []);
      this.window = window;
    };
    return Promise.resolve({
      bytes,
      reusableLength: (length) => window.reusableLength(length),
      restore,
      dispose: () => (copies = []),
    });
  }

  dispose(): void {
    this.truncate(0);
  }
}
