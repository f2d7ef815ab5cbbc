/** How much memory the device has, as far as a browser says. */

/** Bytes of a GiB. */
export const GIB = 1024 ** 3;

/** Assumed where the browser does not say (`navigator.deviceMemory` is Chromium's). */
const DEFAULT_GIB = 4;

/**
 * Memory of the device.
 * @returns GiB, rounded to a power of two by the browser
 */
export const memoryGib = (): number => (navigator as { deviceMemory?: number }).deviceMemory ?? DEFAULT_GIB;
