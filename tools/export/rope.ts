/**
 * @file Frequencies of rotary position embeddings (RoPE). Every step is rounded to float32 as in the reference
 * implementation (transformers `modeling_rope_utils.py` and Gemma3RotaryEmbedding), and the graphs continue in float32: at
 * position 30,000 the rounding of frequency × position alone moves an angle by 10⁻³, and agreement with the reference
 * matters more than a better cosine.
 */
import type { Rope } from '../../protocol/gemma3-config.ts';

/**
 * Inverse frequencies, `theta ** (−2i / headDim) / factor`.
 * @param headDim size of a head.
 * @param rope base and linear scaling factor.
 * @returns float32 [headDim / 2], in radians per position.
 */
export function inverseFrequencies(headDim: number, { theta, factor }: Rope): Float32Array {
  return Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const exponent = Math.fround((2 * i) / headDim);
    return Math.fround(Math.fround(1 / Math.fround(theta ** exponent)) / factor);
  });
}
