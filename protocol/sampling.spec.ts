import { describe, expect, it } from 'vitest';
import { LENGTH_LIMITS, SAMPLING_LIMITS, withinLimits } from './sampling.ts';

describe('withinLimits', () => {
  it('takes what the sampler can do, and nothing else', () => {
    const { temperature, top_k, top_p, min_p, repetition_penalty, seed } = SAMPLING_LIMITS;
    const cases = [
      [temperature, [0, 0.7, 100], [-0.1, NaN, Infinity, '1', null, undefined]],
      [top_k, [0, 64], [-1, 1.5, 2 ** 60]],
      [top_p, [0.01, 1], [0, 1.01]],
      [min_p, [0, 1], [-0.01, 1.01]],
      [repetition_penalty, [0.5, 1, 2], [0, -1, Infinity]],
      [seed, [-1, 0, 2 ** 53 - 1], [0.5, 2 ** 53]],
      [LENGTH_LIMITS, [1, 4096], [0, 1.5, Infinity]],
    ] as const;
    for (const [limits, right, wrong] of cases) {
      for (const value of right) expect(withinLimits(limits, value), String(value)).toBe(true);
      for (const value of wrong) expect(withinLimits(limits, value), String(value)).toBe(false);
    }
  });
});
