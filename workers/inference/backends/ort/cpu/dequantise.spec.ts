import { describe, expect, it } from 'vitest';
import { dequantise } from './dequantise.ts';

describe('dequantise', () => {
  it('takes the lower half of a byte first, and 8 for zero', () => {
    const out = new Float32Array(4);
    dequantise(
      { columns: 4, block: 4, packed: Uint8Array.of(0x80, 0xf9), scales: Float32Array.of(0.5), zeroPoints: null },
      out,
    );
    expect([...out]).toEqual([-4, 0, 0.5, 3.5]);
  });

  it('takes zero points from the halves of bytes, each row beginning a byte', () => {
    const out = new Float32Array(2 * 6);
    const matrix = {
      columns: 6,
      block: 2,
      packed: new Uint8Array(6).fill(0x65),
      scales: Float32Array.of(1, 1, 1, 2, 2, 2),
      zeroPoints: Uint8Array.of(0x21, 0x03, 0x54, 0x06),
    };
    dequantise(matrix, out);
    expect([...out]).toEqual([4, 5, 3, 4, 2, 3, 2, 4, 0, 2, -2, 0]);
  });

  it('leaves out what fills up a last block', () => {
    const out = new Float32Array(2 * 5);
    const packed = Uint8Array.of(0x98, 0xba, 0x0c, 0x00, 0x98, 0xba, 0x0c, 0x00);
    dequantise({ columns: 5, block: 4, packed, scales: Float32Array.of(1, 1, 2, 2), zeroPoints: null }, out);
    expect([...out]).toEqual([0, 1, 2, 3, 4, 0, 2, 4, 6, 8]);
  });
});
