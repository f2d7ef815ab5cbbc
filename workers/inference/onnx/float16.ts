/** Half precision for the inputs and outputs of fp16 graphs, in browsers with and without Float16Array. */

const scratch = new DataView(new ArrayBuffer(4));

/**
 * Decodes a half.
 * @param bits IEEE 754 binary16
 * @returns its value
 */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * Encodes a half, rounded to the nearest, ties to even.
 * @param value any number
 * @returns IEEE 754 binary16 bits
 */
export function toHalf(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Below 2^-14 halves are subnormal: multiples of 2^-24.
    const units = Math.abs(value) * 2 ** 24;
    const floor = Math.floor(units);
    const rest = units - floor;
    return sign | (floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0));
  }
  const rounded = magnitude + 0xfff + ((magnitude >> 13) & 1);
  return sign | ((rounded - 0x38000000) >> 13);
}

/**
 * Decodes halves.
 * @param halves IEEE 754 binary16 bits
 * @returns their values, of the same length
 */
export function halvesToFloats(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, fromHalf);
}

/**
 * Encodes halves.
 * @param floats any numbers
 * @returns IEEE 754 binary16 bits, of the same length
 */
export function floatsToHalves(floats: Float32Array): Uint16Array<ArrayBuffer> {
  return Uint16Array.from(floats, toHalf);
}
