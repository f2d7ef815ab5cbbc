/**
 * What a score weighs in the draw, in whole numbers: the best one weighs ONE, and each octave below it half as much. Sums
 * of whole numbers are the same in whatever order they are made, so that the GPU (`gpu/sampler.wgsl`, which computes just
 * this) cuts and draws at the same places. Beyond the last octave a score weighs nothing: all of a vocabulary's together
 * would hold less than a ten-thousandth of the probability.
 */

export const ONE = 2 ** 31;
/** Of the octaves that count. */
const OCTAVES = 32;
const STEPS_AN_OCTAVE = 2 ** 22;
/** Of a score that weighs nothing; other distances have 27 bits. */
export const FAR = OCTAVES * STEPS_AN_OCTAVE;

/** As a 32-bit float; infinite where the temperature is so low that only the best one can be chosen. */
export const octavesAScore = (temperature: number): number => Math.fround(Math.LOG2E / temperature);

/** How far a score is below the best one, in whole steps. In 32-bit floats, as on the GPU. */
export function distanceOf(score: number, best: number, octaves: number): number {
  const below = Math.fround(Math.fround(best - score) * octaves);
  return below < OCTAVES ? Math.floor(below * STEPS_AN_OCTAVE) : FAR;
}

export function weightAt(distance: number): number {
  if (distance >= FAR) return 0;
  const octave = distance >>> 22;
  const within = Math.fround(Math.exp((distance & (STEPS_AN_OCTAVE - 1)) * (-Math.LN2 / STEPS_AN_OCTAVE)));
  // Rounded to the nearest.
  return (Math.floor(within * ONE) + ((1 << octave) >>> 1)) >>> octave;
}

/** A fraction below 1 as the GPU is told of it, in 2^-32. */
export const fraction = (value: number): number => Math.floor(value * 2 ** 32);

/** @param of a sum of weights @param part in 2^-32 */
export const share = (of: number, part: number): number => Number((BigInt(of) * BigInt(part)) >> 32n);

/** The least weight that min_p leaves. */
export const leastWeight = (minP: number): number => Math.ceil(minP * ONE);
