/**
 * The interface that the decoder drives: a backend runs tokens through the model, fills its KV cache and gives logits. The interface is
 * in terms of GPUBuffer and Float32Array, so that no backend shows another's types (onnxruntime's, for example).
 */
import type { KvCache } from './kv-cache.ts';
import type { Logits } from './logits.ts';
import type { PromptPicture } from './pictures.ts';

/** Tokens to process in one forward pass. */
export interface ForwardInput {
  /**
   * Ids of the tokens `start`…`end − 1`; or, for a single token whose id only the GPU knows yet, a buffer that begins with
   * the id (readable as int32 and as int64).
   */
  ids: readonly number[] | GPUBuffer;
  /** All pictures of the prompt, by their positions in it. */
  pictures: readonly PromptPicture[];
  /** Position of the first token, which is the number of cached tokens. */
  start: number;
  /** Position after the last token. */
  end: number;
}

/** Runs a model's decoder. */
export interface Backend {
  /** Entries of the tokens processed so far. */
  readonly cache: KvCache;
  /** True if the tokens of a picture attend to each other in both directions. */
  readonly bidirectionalImages: boolean;
  /**
   * Processes tokens in one pass, after which the cache contains them.
   * @param input the tokens
   * @param logitsToKeep number of last positions whose logits are needed (as transformers' `logits_to_keep`)
   * @returns the logits, which may include earlier positions; null if none are needed
   */
  forward(input: ForwardInput, logitsToKeep: number): Promise<Logits | null>;
  /** Frees the cache and what the backend allocated beside it. */
  dispose(): void;
}
