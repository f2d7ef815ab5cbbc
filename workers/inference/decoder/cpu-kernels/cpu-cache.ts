/** The KV cache that our CPU kernels write and read: room for the whole context, of which memory is taken as it is filled. */
import { all, type KvCache, type ParkedCache } from '../kv-cache.ts';

export class CpuCache implements KvCache {
  length = 0;
  keepable = all;

  /**
   * @param slots each [kvHeads, capacity, headDim]
   * @param row values of a head's token
   */
  constructor(
    private readonly slots: readonly Float32Array[],
    private readonly kvHeads: number,
    private readonly row: number,
  ) {}

  truncate(length: number): void {
    this.length = Math.min(this.length, length);
  }

  get bytes(): number {
    return Float32Array.BYTES_PER_ELEMENT * this.slots.length * this.kvHeads * this.length * this.row;
  }

  park(): Promise<ParkedCache | null> {
    const { length, bytes, slots, kvHeads } = this;
    const size = length * this.row;
    let copies: Float32Array[];
    try {
      copies = slots.map(() => new Float32Array(kvHeads * size));
    } catch (cause) {
      if (cause instanceof RangeError) return Promise.resolve(null);
      throw cause;
    }
    const heads = slots.flatMap((slot, i) =>
      Array.from({ length: kvHeads }, (_, head) => {
        const at = (head * slot.length) / kvHeads;
        return {
          held: () => slot.subarray(at, at + size),
          copy: () => copies[i]?.subarray(head * size, (head + 1) * size) ?? new Float32Array(),
        };
      }),
    );
    for (const { held, copy } of heads) copy().set(held());
    const restore = () => {
      for (const { held, copy } of heads) held().set(copy());
      this.length = length;
    };
    return Promise.resolve({ bytes, keepable: all, restore, dispose: () => (copies = []) });
  }

  dispose(): void {
    this.length = 0;
  }
}
