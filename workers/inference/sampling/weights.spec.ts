import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distanceOf, FAR, fraction, octavesAScore, ONE, share, weightAt } from './weights.ts';

const distance = fc.integer({ min: 0, max: FAR - 1 });

describe('weights', () => {
  it('are what the softmax says, to the nearest whole number', () => {
    const octaves = octavesAScore(1);
    expect(weightAt(distanceOf(3, 3, octaves))).toBe(ONE);
    for (const below of [0.1, 1, 5, 12, 20, 22]) {
      const weight = ONE * Math.exp(-below);
      expect(Math.abs(weightAt(distanceOf(3 - below, 3, octaves)) - weight)).toBeLessThan(0.5 + weight * 2e-6);
    }
    expect(distanceOf(-30, 3, octaves)).toBe(FAR);
    expect(weightAt(FAR)).toBe(0);
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
    expect(share(2 ** 49 - 1, fraction(0.5))).toBe(2 ** 48 - 1);
    expect(share(10, fraction(1 - 2 ** -53))).toBe(9);
  });
});
