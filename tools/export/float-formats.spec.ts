import { describe, expect, it } from 'vitest';
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from './float-formats.ts';

const allBits = Uint16Array.from({ length: 65536 }, (_, i) => i);
const isNan16 = (bits: number) => (bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0;

describe('float16', () => {
  it('keeps every value on the way to float32 and back', () => {
    const back = float32ToFloat16(float16ToFloat32(allBits));
    for (let bits = 0; bits < 65536; bits++) if (!isNan16(bits)) expect(back[bits]).toBe(bits);
  });

  it('rounds to nearest, ties to even, down to subnormals and up to infinity', () => {
    const round = (x: number) => float16ToFloat32(float32ToFloat16(Float32Array.of(x)))[0];
    expect(round(1 + 2 ** -11)).toBe(1);
    expect(round(1 + 3 * 2 ** -11)).toBe(1 + 2 ** -9);
    expect(round(1 + 2 ** -11 + 2 ** -20)).toBe(1 + 2 ** -10);
    expect(round(65519)).toBe(65504);
    expect(round(65520)).toBe(Infinity);
    expect(round(2 ** -25)).toBe(0);
    expect(round(2 ** -25 * 1.01)).toBe(2 ** -24);
    expect(round(3 * 2 ** -25)).toBe(2 ** -23);
    expect(round(2 ** -14 - 2 ** -26)).toBe(2 ** -14);
    expect(round(-1e-30)).toBe(-0);
    expect(round(NaN)).toBeNaN();
  });
});

describe('bfloat16', () => {
  it('is the upper half of a float32, rounded to nearest even', () => {
    expect([...bfloat16ToFloat32(Uint16Array.of(0x3f80, 0xc000, 0x7f80))]).toEqual([1, -2, Infinity]);
    expect(float32ToBfloat16(Float32Array.of(1 + 2 ** -8))[0]).toBe(0x3f80);
    expect(float32ToBfloat16(Float32Array.of(1 + 3 * 2 ** -8))[0]).toBe(0x3f82);
    expect(float32ToBfloat16(Float32Array.of(NaN))[0]).toBe(0x7fc0);
  });
});
