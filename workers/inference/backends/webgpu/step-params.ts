/** Parameters of one forward step (uniforms of all kernels), in the layout of kernels/step-params.wgsl. */
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import { RopeTables } from '../../math/rope.ts';

/** Keys that a workgroup of attention processes together. */
export const TILE = 32;
/** Largest number of parts that a token's past is split into. */
const MAX_PARTS = 64;

/** uint32 words before the tokens' records. */
const HEADER_WORDS = 10;

/** The tokens of a forward step. */
export interface StepTokens {
  /** Position of the first token. */
  position: number;
  /** Position after the last token that each token attends to. */
  attentionEnds: readonly number[];
}

/** How attention to a layer's cache is split into parts that run side by side. */
export interface AttentionSplit {
  /** Tokens that a query sees; 0 for full attention. */
  window: number;
  /** Rows of the layer's cache. */
  rows: number;
  /** Tokens in a part, a multiple of TILE. */
  length: number;
  /** Number of parts. */
  parts: number;
}

/** Sizes that a split follows from. */
export interface SplitLimits {
  /** Tokens that a query sees, itself included; null for full attention. */
  window: number | null;
  /** Rows of the layer's cache. */
  rows: number;
  /** Tokens that a workgroup serves. */
  queries: number;
  /** Parts that there is room for, of all tokens together. */
  partitions: number;
}

/**
 * Splits the past that tokens attend to (FlashDecoding, https://crfm.stanford.edu/2023/10/12/flashdecoding.html).
 * @param tokens the tokens of the step
 * @param limits sizes of the layer and of the kernels' buffers
 * @returns the split
 */
export function splitAttention(
  { position, attentionEnds }: StepTokens,
  { window, rows, queries, partitions }: SplitLimits,
): AttentionSplit {
  let longest = 0;
  for (let token = 0; token < attentionEnds.length; token += queries) {
    const first = window === null ? 0 : Math.max(0, position + token + 1 - window);
    longest = Math.max(longest, ...attentionEnds.slice(token, token + queries).map((end) => end - first));
  }
  const maxParts = Math.max(1, Math.min(MAX_PARTS, Math.floor(partitions / attentionEnds.length)));
  const length = Math.ceil(Math.ceil(longest / maxParts) / TILE) * TILE;
  return { window: window ?? 0, rows, length, parts: Math.ceil(longest / length) };
}

/** Writes step params. */
export class StepParams {
  private readonly rope: RopeTables;

  /** @param config the model's configuration */
  constructor(config: Gemma3Config) {
    this.rope = new RopeTables(config);
  }

  /** uint32 words of a token's record. */
  private get recordWords(): number {
    return 2 + this.rope.length;
  }

  /**
   * Size of step params.
   * @param tokens number of tokens
   * @returns bytes
   */
  bytes(tokens: number): number {
    return 4 * (HEADER_WORDS + tokens * this.recordWords);
  }

  /**
   * Packs step params.
   * @param tokens the tokens of the step
   * @param splits how attention is split, for each of LAYER_TYPES
   * @returns the struct StepParams of kernels/step-params.wgsl
   */
  write({ position, attentionEnds }: StepTokens, splits: readonly AttentionSplit[]): Uint32Array<ArrayBuffer> {
    const words = new Uint32Array(this.bytes(attentionEnds.length) / 4);
    const each = (field: keyof AttentionSplit) => splits.map((split) => split[field]);
    words.set([position, attentionEnds.length, ...(['window', 'rows', 'length', 'parts'] as const).flatMap(each)]);
    for (const [token, end] of attentionEnds.entries()) {
      const at = HEADER_WORDS + token * this.recordWords;
      words[at] = end;
      const angles = this.rope.at(position + token);
      words.set(new Uint32Array(angles.buffer), at + 2);
    }
    return words;
  }
}
