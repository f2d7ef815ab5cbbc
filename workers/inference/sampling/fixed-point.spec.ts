import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distanceOf, MAX_WEIGHT, NEGLIGIBLE, octavesPerUnit, timesQ32, toQ32, weightAt } from './fixed-point.ts';

const distance = fc.integer({ min: 0, max: NEGLIGIBLE - 1 });

describe('weights', () => {
  it('are what the softmax says, to the nearest whole number', () => {
    const octaves = octavesPerUnit(1);
    expect(weightAt(distanceOf(3, 3, octaves))).toBe(MAX_WEIGHT);
    for (const below of [0.1, 1, 5, 12, 20, 22]) {
      const weight = MAX_WEIGHT * Math.exp(-below);
      expect(Math.abs(weightAt(distanceOf(3 - below, 3, octaves)) - weight)).toBeLessThan(0.5 + weight * 2e-6);
    }
    expect(distanceOf(-30, 3, octaves)).toBe(NEGLIGIBLE);
    expect(weightAt(NEGLIGIBLE)).toBe(0);
  });

  it('are less the farther, and something as long as they count', () => {
    fc.assert(
      fc.property(distance, distance, (a, b) => {
        const [nearer, farther] = [weightAt(Math.min(a, b)), weightAt(Math.max(a, b))];
        expect(nearer).toBeGreaterThanOrEqual(farther);
        expect(farther).toBeGreaterThan(0);
      }),
    );
  });

  it('are shared exactly, however large their sum', () => {
    expect(timesQ32(2 ** 49 - 1, toQ32(0.5))).toBe(2 ** 48 - 1);
    expect(timesQ32(10, toQ32(1 - 2 ** -53))).toBe(9);
  });
});
