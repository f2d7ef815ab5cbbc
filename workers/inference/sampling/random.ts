/**
 * Random numbers that a seed repeats: sfc32 (Chris Doty-Humphrey's Small Fast Counting generator, 128 bits of state, as in
 * PractRand) with a state filled by splitmix32. It is small, well tested and, unlike Math.random, the same in every browser.
 */

/** Gives the next number, uniform in [0, 1). */
export type Random = () => number;

/**
 * Makes a random number generator.
 * @param seed a safe integer; left out, it comes from the system's source of randomness.
 * @returns a function that gives numbers in [0, 1) with 53 random bits.
 */
export function seededRandom(seed?: number): Random {
  const [low, high] = seed === undefined ? crypto.getRandomValues(new Uint32Array(2)) : halves(seed);
  let state = (low ?? 0) ^ Math.imul(high ?? 0, 0x9e3779b9);
  const splitmix32 = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let z = state ^ (state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) | 0;
  };
  let a = splitmix32();
  let b = splitmix32() ^ (high ?? 0);
  let c = splitmix32();
  let counter = 1;
  const sfc32 = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  // As in PractRand: after 12 steps close seeds give unrelated numbers.
  for (let i = 0; i < 12; i++) sfc32();
  return () => ((sfc32() >>> 5) * 2 ** 26 + (sfc32() >>> 6)) / 2 ** 53;
}

/** The low 32 bits and the bits above them, of an integer of either sign. */
const halves = (seed: number): [number, number] => [seed >>> 0, Math.floor(seed / 2 ** 32) | 0];
