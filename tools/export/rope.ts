/**
 * Rotary frequencies. Every step is rounded to float32 as the reference implementation rounds it (transformers
 * `modeling_rope_utils.py` and Gemma3RotaryEmbedding), and the graphs go on in float32, too: at position 30,000 the
 * rounding of frequency × position alone moves an angle by 10⁻³, and agreeing with the reference is worth more than a
 * better cosine.
 */
import type { Rope } from '../../protocol/gemma3-config.ts';

/** Inverse frequencies, radians a position: float32 [headDim / 2]. A linear factor divides them. */
export function inverseFrequencies(headDim: number, { theta, factor }: Rope): Float32Array {
  return Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const exponent = Math.fround((2 * i) / headDim);
    return Math.fround(Math.fround(1 / Math.fround(theta ** exponent)) / factor);
  });
}
