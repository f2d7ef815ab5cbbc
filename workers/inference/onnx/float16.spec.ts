import { describe, expect, it } from 'vitest';
import { fromHalf, toHalf } from './float16.ts';

describe('half precision', () => {
  it('gives back every one of the 65,536 patterns', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = fromHalf(bits);
      if (Number.isNaN(value)) expect(Number.isNaN(fromHalf(toHalf(value)))).toBe(true);
      else expect(toHalf(value)).toBe(bits);
    }
  });

  it('rounds to nearest, ties to even, and overflows to infinity', () => {
    expect(toHalf(1 + 2 ** -11)).toBe(toHalf(1));
    expect(toHalf(1 + 3 * 2 ** -11)).toBe(toHalf(1 + 2 ** -9));
    expect(toHalf(65519)).toBe(toHalf(65504));
    expect(fromHalf(toHalf(65520))).toBe(Infinity);
    expect(toHalf(2 ** -25)).toBe(0);
    expect(toHalf(1.5 * 2 ** -24)).toBe(2);
  });
});
