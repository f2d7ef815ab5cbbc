/** What reads tokens into a cache and gives logits: an exported graph in onnxruntime, or kernels of our own. */
import type { KvCache } from '../backends/ort/kv-cache.ts';
import type { Logits } from './logits.ts';
import type { PictureSpan } from './pictures.ts';

/** A picture inside a prompt, ready for the decoder. */
export interface PromptPicture extends PictureSpan {
  /** [length, hiddenSize] */
  features: Float32Array;
  /** Names the picture's content; equal keys, equal features. */
  key: string;
}

export interface ForwardInput {
  /** Those at `start`…`end − 1`, or a buffer that begins with one id (as int32 or int64). */
  ids: readonly number[] | GPUBuffer;
  /** Of the whole prompt, by their places in it. */
  pictures: readonly PromptPicture[];
  /** Tokens that the cache holds before. */
  start: number;
  end: number;
}

export interface Backend {
  readonly cache: KvCache;
  /** True where a picture's tokens see each other. */
  readonly bidirectionalImages: boolean;
  /**
   * Reads tokens after those that the cache holds, in one go; it holds them all then.
   * @param keep how many of the last positions' logits are wanted; there may be others before them
   * @returns null where none were wanted
   */
  forward(tokens: ForwardInput, keep: number): Promise<Logits | null>;
  dispose(): void;
}
