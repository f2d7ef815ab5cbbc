import { describe, expect, it } from 'vitest';
import { seededRandom } from './random.ts';

const take = (count: number, seed?: number) => Array.from({ length: count }, seededRandom(seed));

describe('seededRandom', () => {
  it('repeats itself for a seed, and for no other', () => {
    expect(take(5, 42)).toEqual(take(5, 42));
    const seeds = [0, 1, -1, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
    expect(new Set(seeds.map((seed) => take(1, seed)[0])).size).toBe(seeds.length);
    expect(take(5)).not.toEqual(take(5));
  });

  it('stays what it is: an answer’s seed is worth keeping', () => {
    expect(take(3, 42)).toMatchInlineSnapshot(`
      [
        0.4562558052254867,
        0.5743777227769976,
        0.8310974141243506,
      ]
    `);
  });

  it('is even over [0, 1)', () => {
    const counts = new Array<number>(20).fill(0);
    const values = take(200_000, 7);
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
    for (const value of values) {
      const bin = Math.floor(value * 20);
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(600);
  });
});
