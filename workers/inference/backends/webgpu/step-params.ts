/** What kernels are told of the tokens that are being read; step-params.wgsl reads it. */
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import { RopeTables } from '../rope.ts';

/** Keys that a workgroup of attention looks at together. */
export const TILE = 32;
/** Parts that a token's past is cut into at most. */
const MOST_PARTS = 64;

const HEADER_WORDS = 10;

export interface StepTokens {
  /** Of the first token. */
  position: number;
  /** Where what each token sees ends. */
  attentionEnds: readonly number[];
}

/** How attention over a kind of layer is split, and the rows of its cache. */
export interface AttentionSplit {
  /** Tokens that a query sees; 0: all. */
  window: number;
  rows: number;
  /** Tokens in a part. */
  length: number;
  parts: number;
}

/**
 * @param rows of the cache
 * @param queries tokens that a workgroup serves
 * @param slots parts of all tokens that there is room for
 */
export function splitAttention(
  { position, attentionEnds }: StepTokens,
  { window, rows, queries, slots }: { window: number | null; rows: number; queries: number; slots: number },
): AttentionSplit {
  let longest = 0;
  for (let token = 0; token < attentionEnds.length; token += queries) {
    const first = window === null ? 0 : Math.max(0, position + token + 1 - window);
    longest = Math.max(longest, ...attentionEnds.slice(token, token + queries).map((end) => end - first));
  }
  const most = Math.max(1, Math.min(MOST_PARTS, Math.floor(slots / attentionEnds.length)));
  const length = Math.ceil(Math.ceil(longest / most) / TILE) * TILE;
  return { window: window ?? 0, rows, length, parts: Math.ceil(longest / length) };
}

export class StepParams {
  private readonly rope: RopeTables;

  constructor(config: Gemma3Config) {
    this.rope = new RopeTables(config);
  }

  private get record(): number {
    return 2 + this.rope.length;
  }

  /** Bytes for so many tokens. */
  bytes(tokens: number): number {
    return 4 * (HEADER_WORDS + tokens * this.record);
  }

  /** @param splits of each of KINDS */
  write({ position, attentionEnds }: StepTokens, splits: readonly AttentionSplit[]): Uint32Array<ArrayBuffer> {
    const words = new Uint32Array(this.bytes(attentionEnds.length) / 4);
    const each = (field: keyof AttentionSplit) => splits.map((split) => split[field]);
    words.set([position, attentionEnds.length, ...(['window', 'rows', 'length', 'parts'] as const).flatMap(each)]);
    for (const [token, end] of attentionEnds.entries()) {
      const at = HEADER_WORDS + token * this.record;
      words[at] = end;
      const angles = this.rope.at(position + token);
      words.set(new Uint32Array(angles.buffer), at + 2);
    }
    return words;
  }
}
