/** Rotary position embedding (RoPE): cosines and sines of the angle that each pair of a head's values is rotated by. */
import type { Gemma3Config, LayerType, Rope } from '../../../protocol/gemma3-config.ts';

/** Types of layers in the order in which kernels number them; each has RoPE tables of its own. */
export const LAYER_TYPES: readonly LayerType[] = ['sliding_attention', 'full_attention'];

/**
 * Inverse frequencies of a layer type. They are rounded to float32 at each step, as the reference does and
 * as exports do (transformers `modeling_rope_utils.py`).
 * @param rope the layer type's RoPE parameters
 * @param headDim size of a head
 * @returns radians for each position: [headDim / 2]
 */
export const inverseFrequencies = ({ theta, factor }: Rope, headDim: number): number[] =>
  Array.from({ length: headDim / 2 }, (_, i) =>
    Math.fround(Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / headDim))) / factor),
  );

/** Computes RoPE tables of one position at a time. */
export class RopeTables {
  private readonly frequencies: number[];
  private readonly values: Float32Array<ArrayBuffer>;

  /** @param config the model's configuration, with each layer type's RoPE parameters */
  constructor({ text: { headDim, rope } }: Gemma3Config) {
    this.frequencies = LAYER_TYPES.flatMap((type) => inverseFrequencies(rope[type], headDim));
    this.values = new Float32Array(2 * this.frequencies.length);
  }

  /** Number of values for a position. */
  get length(): number {
    return this.values.length;
  }

  /**
   * Tables of a position.
   * @param position position of a token
   * @returns float32 [LAYER_TYPES, headDim / 2, cosine and sine], overwritten by the next call
   */
  at(position: number): Float32Array<ArrayBuffer> {
    for (const [i, frequency] of this.frequencies.entries()) {
      const angle = Math.fround(position * frequency);
      this.values[2 * i] = Math.cos(angle);
      this.values[2 * i + 1] = Math.sin(angle);
    }
    return this.values;
  }
}
