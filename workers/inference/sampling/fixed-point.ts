/**
 * Probabilities as integers. The highest score weighs MAX_WEIGHT, and each octave below it half as much. Integer sums are
 * the same in whatever order they are made, so that the GPU (backends/webgpu/kernels/sampler.wgsl, which computes the same)
 * cuts and draws at the same places. Beyond the last octave a score weighs nothing: all such scores of a vocabulary together
 * would have less than a ten-thousandth of the probability.
 */

/** The weight of the highest score. */
export const MAX_WEIGHT = 2 ** 31;
/** Number of octaves in which scores weigh something. */
const OCTAVES = 32;
const STEPS_PER_OCTAVE = 2 ** 22;
/** The distance of a score that weighs nothing; smaller distances have 27 bits. */
export const NEGLIGIBLE = OCTAVES * STEPS_PER_OCTAVE;

/**
 * Octaves of weight for a difference of 1 between scores.
 * @param temperature the sampling temperature
 * @returns a float32; infinite at temperatures so low that only the highest score can be chosen
 */
export const octavesPerUnit = (temperature: number): number => Math.fround(Math.LOG2E / temperature);

/**
 * How far a score is below the highest, computed in float32 as on the GPU.
 * @param score a score (logit)
 * @param best the highest score
 * @param octaves as given by `octavesPerUnit`.
 * @returns 2^-22 octaves, at most NEGLIGIBLE
 */
export function distanceOf(score: number, best: number, octaves: number): number {
  const below = Math.fround(Math.fround(best - score) * octaves);
  return below < OCTAVES ? Math.floor(below * STEPS_PER_OCTAVE) : NEGLIGIBLE;
}

/**
 * The weight of a score.
 * @param distance how far it is below the highest, in 2^-22 octaves
 * @returns an integer from 0 to MAX_WEIGHT, rounded to the nearest
 */
export function weightAt(distance: number): number {
  if (distance >= NEGLIGIBLE) return 0;
  const octave = distance >>> 22;
  const inOctave = Math.fround(Math.exp((distance & (STEPS_PER_OCTAVE - 1)) * (-Math.LN2 / STEPS_PER_OCTAVE)));
  return (Math.floor(inOctave * MAX_WEIGHT) + ((1 << octave) >>> 1)) >>> octave;
}

/**
 * Converts a number to Q32 fixed point, rounded down, as it is given to the GPU.
 * @param value a number from 0 to below 1
 * @returns 2^-32ths
 */
export const toQ32 = (value: number): number => Math.floor(value * 2 ** 32);

/**
 * Multiplies an integer by a Q32 fraction, rounded down exactly.
 * @param value an integer
 * @param q32 2^-32ths
 * @returns an integer
 */
export const timesQ32 = (value: number, q32: number): number => Number((BigInt(value) * BigInt(q32)) >> 32n);

/**
 * The least weight that min_p keeps.
 * @param minP the sampling parameter, from 0 to 1
 * @returns an integer
 */
export const minWeight = (minP: number): number => Math.ceil(minP * MAX_WEIGHT);
