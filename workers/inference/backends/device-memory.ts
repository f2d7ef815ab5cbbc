/** How much memory this computer has, as far as a browser tells. */

export const GIB = 1024 ** 3;

/** Of a computer whose browser does not tell. */
const UNTOLD = 4;

/** GiB, in powers of two. */
export const memoryGib = (): number => (navigator as { deviceMemory?: number }).deviceMemory ?? UNTOLD;
