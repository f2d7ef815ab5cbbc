/**
 * Token ids for the measured engines. Their meaning does not matter for speed; for comparing outputs they should vary.
 */

const BOS = 2;
/** Ids below are control and byte tokens; small vocabularies end before the upper bound. */
const FIRST = 300;
const LAST = 50_000;

/** `length` ordinary ids of a vocabulary, the same for the same seed. */
export function ordinaryIds(length: number, vocabSize: number, seed: number): number[] {
  const range = Math.min(vocabSize, LAST) - FIRST;
  let state = seed;
  return Array.from({ length }, () => {
    // Linear congruential generator of Numerical Recipes; its high bits are the random ones.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return FIRST + Math.floor((state / 2 ** 32) * range);
  });
}

export const promptIds = (length: number, vocabSize: number): number[] => [
  BOS,
  ...ordinaryIds(length - 1, vocabSize, length),
];
