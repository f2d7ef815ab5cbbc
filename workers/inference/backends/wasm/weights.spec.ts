import { describe, expect, it } from 'vitest';
import type { StoredTensor } from '../../onnx/graph.ts';
import { loadWeights } from './weights.ts';

const stored = (name: string, file: string, offset: number, length?: number): StoredTensor => ({
  ...{ name, dims: [1], dataType: 2 },
  data: { file, offset, length },
});
const file = Uint8Array.from({ length: 1000 }, (_, i) => i * 7);
const files = new Map([['a', new Blob([file])]]);

describe('loadWeights', () => {
  it('puts tensors where they belong, in pieces', async () => {
    const memory = new ArrayBuffer(2000);
    const weights = new Map<number, StoredTensor>([
      [16, stored('some', 'a', 100, 300)],
      [512, stored('to the end', 'a', 600)],
      [1500, { name: 'inside', dims: [3], dataType: 2, data: Uint8Array.of(1, 2, 3) }],
    ]);
    await loadWeights(weights, files, memory, { pieceBytes: 64 });
    const wanted = new Uint8Array(2000);
    wanted.set(file.subarray(100, 400), 16);
    wanted.set(file.subarray(600), 512);
    wanted.set([1, 2, 3], 1500);
    expect(new Uint8Array(memory)).toEqual(wanted);
  });

  it('says what is missing, and stops', async () => {
    const memory = new ArrayBuffer(2000);
    const load = (weight: ReturnType<typeof stored>, signal?: AbortSignal) =>
      loadWeights(new Map([[0, weight]]), files, memory, signal ? { signal } : {});
    await expect(load(stored('x', 'b', 0, 4))).rejects.toMatchObject({ code: 'model-missing' });
    await expect(load(stored('x', 'a', 998, 4))).rejects.toMatchObject({ code: 'model-damaged' });
    await expect(load(stored('x', 'a', 0, 4), AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
  });
});
