/**
 * @file Conversions between 16-bit and 32-bit floats, in bulk. They round to nearest, ties to even (IEEE 754), so that the
 * same weights give the same bytes on every machine.
 */

/**
 * Widens bfloat16, which is the upper half of a float32.
 * @param source bits of bfloat16 values.
 * @returns float32 of the same length.
 */
export function bfloat16ToFloat32(source: Uint16Array): Float32Array {
  const bits = new Uint32Array(source.length);
  for (let i = 0; i < source.length; i++) bits[i] = (source[i] as number) << 16;
  return new Float32Array(bits.buffer);
}

/**
 * Rounds to bfloat16. NaN stays NaN.
 * @param source float32.
 * @returns bits of bfloat16 values, of the same length.
 */
export function float32ToBfloat16(source: Float32Array): Uint16Array {
  const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
  const out = new Uint16Array(source.length);
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i] as number;
    out[i] = (b & 0x7fffffff) > 0x7f800000 ? 0x7fc0 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16;
  }
  return out;
}

let halfTableCache: Float32Array | null = null;

/** All 65,536 values of float16, by their bits. */
function halfTable(): Float32Array {
  if (halfTableCache) return halfTableCache;
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    table[bits] =
      exponent === 31
        ? fraction
          ? NaN
          : sign * Infinity
        : exponent === 0
          ? sign * fraction * 2 ** -24
          : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  halfTableCache = table;
  return table;
}

/**
 * Widens float16.
 * @param source bits of float16 values.
 * @returns float32 of the same length.
 */
export function float16ToFloat32(source: Uint16Array): Float32Array {
  const table = halfTable();
  const out = new Float32Array(source.length);
  for (let i = 0; i < source.length; i++) out[i] = table[source[i] as number] as number;
  return out;
}

/**
 * Rounds to float16. Values past 65,504 become infinite, as IEEE 754 asks; callers check for that where it matters.
 * @param source float32.
 * @returns bits of float16 values, of the same length.
 */
export function float32ToFloat16(source: Float32Array): Uint16Array {
  const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
  const out = new Uint16Array(source.length);
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i] as number;
    const sign = (b >>> 16) & 0x8000;
    const magnitude = b & 0x7fffffff;
    if (magnitude >= 0x47800000) out[i] = sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00);
    else if (magnitude >= 0x38800000) {
      // A normal number: the exponent's bias is changed, and a carry out of the fraction rightly raises the exponent.
      const shifted = magnitude - 0x38000000;
      out[i] = sign | ((shifted + 0xfff + ((shifted >>> 13) & 1)) >>> 13);
    } else if (magnitude < 0x33000000) out[i] = sign;
    else {
      // A subnormal number counts units of 2^-24.
      const shift = 126 - (magnitude >>> 23);
      const fraction = (magnitude & 0x7fffff) | 0x800000;
      const kept = fraction >>> shift;
      const rest = fraction & ((1 << shift) - 1);
      const half = 1 << (shift - 1);
      out[i] = sign | (kept + (rest > half || (rest === half && kept & 1) ? 1 : 0));
    }
  }
  return out;
}
