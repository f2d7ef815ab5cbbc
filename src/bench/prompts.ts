/** Token ids that both engines are given. Their meaning does not matter for speed, and for equality less than their variety. */

const BOS = 2;
/** Below are control tokens and bytes, above what some vocabularies do not have. */
const FIRST = 300;
const LAST = 50_000;

/** `length` ordinary ids of a vocabulary, the same for the same seed. */
export function ordinaryIds(length: number, vocabSize: number, seed: number): number[] {
  const range = Math.min(vocabSize, LAST) - FIRST;
  let state = seed;
  return Array.from({ length }, () => {
    // Numerical Recipes' generator; its high bits are the good ones.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return FIRST + Math.floor((state / 2 ** 32) * range);
  });
}

export const promptIds = (length: number, vocabSize: number): number[] => [
  BOS,
  ...ordinaryIds(length - 1, vocabSize, length),
];
