import { describe, expect, it } from 'vitest';
import type { InferenceSession } from 'onnxruntime-web';
import type { Ort } from './ort.ts';
import type { CacheSlot } from './graph-io.ts';
import { DynamicCache } from './kv-cache.ts';

/** The little of a CPU tensor that a cache looks at. */
class CpuTensor {
  readonly location = 'cpu';
  disposed = false;
  constructor(
    readonly type: string,
    readonly data: Float32Array,
    readonly dims: number[],
  ) {}
  dispose() {
    this.disposed = true;
  }
}

const ort = { Tensor: CpuTensor } as unknown as Ort;
const slot: CacheSlot = {
  past: 'past_key_values.0.key',
  present: 'present.0.key',
  window: null,
  type: 'float32',
  kvHeads: 2,
  headDim: 2,
};

const present = (length: number) => {
  // Value = 100 × head + position, the same in both places of a head.
  const data = new Float32Array(2 * length * 2);
  for (let h = 0; h < 2; h++)
    for (let p = 0; p < length; p++) data.fill(100 * h + p, (h * length + p) * 2, (h * length + p + 1) * 2);
  return new CpuTensor('float32', data, [1, 2, length, 2]);
};
const held = (cache: DynamicCache) => cache.past()['past_key_values.0.key'] as unknown as CpuTensor;

describe('DynamicCache', () => {
  it('begins empty, takes what a run gives, and lets go of what it replaces', () => {
    const cache = new DynamicCache(ort, [slot]);
    const first = held(cache);
    expect(first.dims).toEqual([1, 2, 0, 2]);
    cache.accept({ 'present.0.key': present(3) } as unknown as InferenceSession.ReturnType, 3);
    expect(first.disposed).toBe(true);
    expect(cache.length).toBe(3);
  });

  it('keeps the first tokens of every head', () => {
    const cache = new DynamicCache(ort, [slot]);
    const whole = present(5);
    cache.accept({ 'present.0.key': whole } as unknown as InferenceSession.ReturnType, 5);
    cache.truncate(2);
    expect(whole.disposed).toBe(true);
    expect(held(cache).dims).toEqual([1, 2, 2, 2]);
    expect(Array.from(held(cache).data)).toEqual([0, 0, 1, 1, 100, 100, 101, 101]);
    cache.truncate(9);
    expect(cache.length).toBe(2);
    cache.truncate(0);
    expect(held(cache).dims).toEqual([1, 2, 0, 2]);
  });
});
