/** Rotary embedding: how far each pair of a head's values is turned at a position. */
import type { Gemma3Config, LayerType, Rope } from '../../../protocol/gemma3-config.ts';

/** The kinds of layers, as moment.wgsl numbers them. */
export const LAYER_TYPES: readonly LayerType[] = ['sliding_attention', 'full_attention'];

/**
 * Inverse frequencies, radians a position: [headDim / 2]. They are rounded to float32 at each step, as the reference does and
 * as exports do (transformers `modeling_rope_utils.py`).
 */
export const inverseFrequencies = ({ theta, factor }: Rope, headDim: number): number[] =>
  Array.from({ length: headDim / 2 }, (_, i) =>
    Math.fround(Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / headDim))) / factor),
  );

export class RopeTables {
  private readonly frequencies: number[];
  private readonly values: Float32Array<ArrayBuffer>;

  constructor({ text: { headDim, rope } }: Gemma3Config) {
    this.frequencies = LAYER_TYPES.flatMap((type) => inverseFrequencies(rope[type], headDim));
    this.values = new Float32Array(2 * this.frequencies.length);
  }

  /** Values of a position. */
  get length(): number {
    return this.values.length;
  }

  /** [kinds of layers, headDim / 2, cosine and sine]; overwritten by the next call. */
  at(position: number): Float32Array<ArrayBuffer> {
    for (const [i, frequency] of this.frequencies.entries()) {
      const angle = Math.fround(position * frequency);
      this.values[2 * i] = Math.cos(angle);
      this.values[2 * i + 1] = Math.sin(angle);
    }
    return this.values;
  }
}
