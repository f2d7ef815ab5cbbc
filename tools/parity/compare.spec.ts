import { describe, expect, it } from 'vitest';
import { chunkings } from './cases.ts';
import { maxAbsDifference, meanKl } from './compare.ts';

describe('maxAbsDifference', () => {
  it('finds the largest, and lets no NaN through', () => {
    expect(maxAbsDifference(Float32Array.of(1, 2, 3), Float32Array.of(1, 2.5, 2.75))).toBe(0.5);
    expect(maxAbsDifference(Float32Array.of(1, NaN), Float32Array.of(1, 2))).toBe(Infinity);
    expect(maxAbsDifference(Float32Array.of(NaN, 1), Float32Array.of(NaN, 1))).toBe(Infinity);
    expect(maxAbsDifference(Float32Array.of(1), Float32Array.of(1, 2))).toBe(Infinity);
  });
});

describe('meanKl', () => {
  it('is what the definition says', () => {
    const p = Float32Array.of(Math.log(0.5), Math.log(0.5));
    const q = Float32Array.of(Math.log(0.9) + 3, Math.log(0.1) + 3);
    expect(meanKl(p, q, 2)).toBeCloseTo(0.5 * Math.log(0.5 / 0.9) + 0.5 * Math.log(0.5 / 0.1), 6);
    expect(meanKl(p, p, 2)).toBeCloseTo(0, 12);
  });
});

describe('chunkings', () => {
  it('always ends at the end and never cuts through a picture', () => {
    for (const length of [1, 5, 33, 513])
      for (const ends of chunkings(length, length > 30 ? [{ start: 3, length: 16 }] : [])) {
        expect(ends.at(-1)).toBe(length);
        expect([...ends].sort((a, b) => a - b)).toEqual(ends);
        if (length > 30) for (const end of ends) expect(end <= 3 || end >= 19).toBe(true);
      }
  });
});
