import { describe, expect, it } from 'vitest';
import { describeShader } from './kernel-name.ts';
import { timesByName } from './pass-timer.ts';

describe('timesByName', () => {
  it('adds up each name, the longest first, and gives impossible times none', () => {
    const stamps = BigUint64Array.of(10n, 1_000_010n, 5n, 3_000_005n, 9n, 2n, 0n, 2_000_000n);
    expect(timesByName(stamps, ['norm', 'product', 'norm', 'norm'])).toEqual([
      { name: 'norm', time: 3, calls: 3 },
      { name: 'product', time: 3, calls: 1 },
    ]);
  });
});

describe('describeShader', () => {
  it('tells what a shader reads and writes', () => {
    const code = `@group(0) @binding(0) var<storage, read> input_a: array<f32>;
      @group(0) @binding(1) var<storage, read> scales_b: array<f32>;
      @group(0) @binding(2) var<storage, read_write> output: array<f32>;
      @group(0) @binding(3) var<uniform> uniforms: Uniforms;`;
    expect(describeShader(code)).toBe('input_a, scales_b → output');
  });
});
