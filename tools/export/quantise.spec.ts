import { describe, expect, it } from 'vitest';
import { dequantise, quantise } from './quantise.ts';

describe('q4_0', () => {
  it('takes the scale from the value of largest magnitude, with its sign, and keeps that value exactly', () => {
    const row = new Float32Array(32).fill(0.25);
    row[5] = -2;
    row[6] = 1.9;
    const { packed, scales } = quantise(row, 32);
    expect([...scales]).toEqual([0.25]);
    // The low nibble comes first: columns 4 and 5 share byte 2. 0.25 is one step above 8, and −2 is 0.
    expect(packed[2]).toBe(9 | (0 << 4));
    // 1.9 / 0.25 + 8.5 = 16.1 exceeds the largest value, 15.
    expect((packed[3] as number) & 15).toBe(15);
    expect(dequantise({ packed, scales }, 32)[5]).toBe(-2);
  });

  it('restores weights exactly that are whole steps of a scale, as in quantisation-aware checkpoints', () => {
    const steps = Float32Array.from({ length: 64 }, (_, i) => ((i % 16) - 8) * (i < 32 ? 2 ** -7 : -3 * 2 ** -9));
    expect([...dequantise(quantise(steps, 64), 64)].map((w) => w + 0)).toEqual([...steps].map((w) => w + 0));
  });

  it('rounds halves up, as ggml does', () => {
    const row = new Float32Array(32);
    row[0] = -8;
    row[1] = 0.5;
    row[2] = -0.5;
    expect([...dequantise(quantise(row, 32), 32).subarray(0, 3)]).toEqual([-8, 1, 0]);
  });

  it('keeps a block of zeros', () => {
    const { packed, scales } = quantise(new Float32Array(32), 32);
    expect([...scales]).toEqual([0]);
    expect(new Set(packed)).toEqual(new Set([0x88]));
  });

  it('fills a last block that is not full with zeros', () => {
    const rows = Float32Array.from({ length: 2 * 40 }, (_, i) => Math.sin(i));
    const { packed, scales } = quantise(rows, 40);
    expect(packed.length).toBe(2 * 2 * 16);
    expect(scales.length).toBe(4);
    expect([...packed.subarray(16 + 4, 32)]).toEqual(new Array(12).fill(0x88));
    const back = dequantise({ packed, scales }, 40);
    for (const [i, w] of rows.entries()) expect(Math.abs((back[i] as number) - w)).toBeLessThan(0.13);
  });
});
