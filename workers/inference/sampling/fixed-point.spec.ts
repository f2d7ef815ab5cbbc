import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  distanceOf,
  MAX_WEIGHT,
  minWeight,
  NEGLIGIBLE,
  octavesPerUnit,
  timesQ32,
  toQ32,
  weightAt,
} from './fixed-point.ts';

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

  it('are halved at each octave, exactly', () => {
    for (let octave = 0; octave < 32; octave++) expect(weightAt(octave * 2 ** 22)).toBe(2 ** (31 - octave));
    // In the last octave all are rounded to 1; the next is beyond it.
    expect(weightAt(NEGLIGIBLE - 1)).toBe(1);
    expect([weightAt(NEGLIGIBLE), weightAt(NEGLIGIBLE + 5)]).toEqual([0, 0]);
  });

  it('are rounded to the nearest', () => {
    for (const distance of [2 ** 26 + 12345, 2 ** 25 + 2 ** 21, 29.4 * 2 ** 22, 30.6 * 2 ** 22].map(Math.floor))
      expect(weightAt(distance)).toBe(Math.round(MAX_WEIGHT * 2 ** (-distance / 2 ** 22)));
  });

  it('depend on the temperature', () => {
    expect(octavesPerUnit(1)).toBe(Math.fround(Math.LOG2E));
    expect(octavesPerUnit(0.5)).toBe(Math.fround(2 * Math.LOG2E));
    expect(octavesPerUnit(0)).toBe(Infinity);
    expect(octavesPerUnit(1e-39)).toBe(Infinity);
    // A difference of ln 2 is one octave.
    expect(weightAt(distanceOf(0, Math.LN2, octavesPerUnit(1)))).toBeCloseTo(2 ** 30, -3);
    expect(weightAt(distanceOf(0, Math.LN2, octavesPerUnit(2))) / MAX_WEIGHT).toBeCloseTo(Math.SQRT1_2, 6);
  });

  it('are told apart by distances in whole steps', () => {
    expect(distanceOf(1, 1, 1)).toBe(0);
    expect(distanceOf(0, 1, 1)).toBe(2 ** 22);
    expect(distanceOf(1 - 2.5 * 2 ** -22, 1, 1)).toBe(2);
    expect(distanceOf(0, 31.999998, 1)).toBeLessThan(NEGLIGIBLE);
    expect(distanceOf(0, 32, 1)).toBe(NEGLIGIBLE);
    expect(distanceOf(-1e30, 1e30, 1e30)).toBe(NEGLIGIBLE);
  });
});

describe('Q32 fractions', () => {
  it('are rounded down', () => {
    expect([0, 0.5, 0.25 + 2 ** -34, 1 - 2 ** -40].map(toQ32)).toEqual([0, 2 ** 31, 2 ** 30, 2 ** 32 - 1]);
    expect(timesQ32(7, toQ32(0.5))).toBe(3);
    expect(timesQ32(0, toQ32(0.9))).toBe(0);
    expect(timesQ32(2 ** 50, 1)).toBe(2 ** 18);
  });
});

describe('minWeight', () => {
  it('is the least weight that is not below min_p', () => {
    expect([0, 0.5, 1, 2 ** -31, 1.5 * 2 ** -31].map(minWeight)).toEqual([0, 2 ** 30, MAX_WEIGHT, 1, 2]);
  });
});
