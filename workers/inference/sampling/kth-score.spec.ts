import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kthScore } from './kth-score.ts';

/** Half steps, so that there are ties. */
const scores = fc
  .array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 60 })
  .map((all) => Float32Array.from(all, (n) => n / 2));

describe('kthScore', () => {
  it('is the kth of the sorted scores, each of equal ones counted', () => {
    fc.assert(
      fc.property(scores, fc.nat(), fc.nat(5), (all, n, spare) => {
        const k = 1 + (n % all.length);
        const sorted = [...all].sort((a, b) => b - a);
        expect(kthScore(all, k, new Int32Array(k + spare).fill(7))).toBe(sorted[k - 1]);
      }),
      { numRuns: 500 },
    );
  });

  it('leaves the scores as they are', () => {
    const all = Float32Array.of(3, 1, 2);
    expect([1, 2, 3].map((k) => kthScore(all, k, new Int32Array(3)))).toEqual([3, 2, 1]);
    expect([...all]).toEqual([3, 1, 2]);
  });

  it('keeps a heap of the highest ids', () => {
    const all = Float32Array.from({ length: 100 }, (_, i) => (i * 37) % 101);
    const heap = new Int32Array(10);
    const kth = kthScore(all, 10, heap);
    const highest = [...all.keys()].sort((a, b) => (all[b] ?? 0) - (all[a] ?? 0)).slice(0, 10);
    expect([...heap].sort((a, b) => a - b)).toEqual(highest.sort((a, b) => a - b));
    expect(all[heap[0] ?? -1]).toBe(kth);
  });

  it.each([
    ['ascending', (i: number) => i],
    ['descending', (i: number) => -i],
    ['all equal', () => 1],
  ])('finds the kth of scores that are %s', (_, scoreOf) => {
    const all = Float32Array.from({ length: 50 }, (_, i) => scoreOf(i));
    const sorted = [...all].sort((a, b) => b - a);
    for (let k = 1; k <= all.length; k++) expect(kthScore(all, k, new Int32Array(k))).toBe(sorted[k - 1]);
  });
});
