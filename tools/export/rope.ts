/**
 * Rotary position tables. Every step is rounded to float32 as the reference implementation rounds it
 * (transformers `modeling_rope_utils.py` and Gemma3RotaryEmbedding): at position 30,000 the rounding of the product
 * alone moves an angle by 10⁻³, and agreeing with the reference is worth more than a better cosine.
 */
import type { Rope } from '../../protocol/gemma3-config.ts';

export interface RopeTables {
  /** float32 [positions, headDim / 2]. */
  cos: Float32Array;
  sin: Float32Array;
}

/** Inverse frequencies, radians a position: float32 [headDim / 2]. A linear factor divides them. */
export function inverseFrequencies(headDim: number, { theta, factor }: Rope): Float32Array {
  return Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const exponent = Math.fround((2 * i) / headDim);
    return Math.fround(Math.fround(1 / Math.fround(theta ** exponent)) / factor);
  });
}

export function ropeTables(positions: number, headDim: number, rope: Rope): RopeTables {
  const inverse = inverseFrequencies(headDim, rope);
  const half = inverse.length;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let p = 0; p < positions; p++) {
    for (let i = 0; i < half; i++) {
      const angle = Math.fround(p * (inverse[i] as number));
      cos[p * half + i] = Math.cos(angle);
      sin[p * half + i] = Math.sin(angle);
    }
  }
  return { cos, sin };
}
