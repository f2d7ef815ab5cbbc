/** What kernels are told of the tokens that are being read; moment.wgsl reads it. */
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import { Turns } from '../rope.ts';

/** Keys that a workgroup of attention looks at together. */
export const TILE = 32;
/** Parts that a token's past is cut into at most. */
const MOST_PARTS = 64;

const HEADER_WORDS = 10;

export interface Places {
  /** Of the first token. */
  position: number;
  /** Where what each token sees ends. */
  ends: readonly number[];
}

/** How attention over a kind of layer is shared out, and the rows of its cache. */
export interface Share {
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
export function shareOut(
  { position, ends }: Places,
  { window, rows, queries, slots }: { window: number | null; rows: number; queries: number; slots: number },
): Share {
  let longest = 0;
  for (let token = 0; token < ends.length; token += queries) {
    const first = window === null ? 0 : Math.max(0, position + token + 1 - window);
    longest = Math.max(longest, ...ends.slice(token, token + queries).map((end) => end - first));
  }
  const most = Math.max(1, Math.min(MOST_PARTS, Math.floor(slots / ends.length)));
  const length = Math.ceil(Math.ceil(longest / most) / TILE) * TILE;
  return { window: window ?? 0, rows, length, parts: Math.ceil(longest / length) };
}

export class Moment {
  private readonly turns: Turns;

  constructor(config: Gemma3Config) {
    this.turns = new Turns(config);
  }

  private get record(): number {
    return 2 + this.turns.length;
  }

  /** Bytes for so many tokens. */
  bytes(tokens: number): number {
    return 4 * (HEADER_WORDS + tokens * this.record);
  }

  /** @param shares of each of KINDS */
  write({ position, ends }: Places, shares: readonly Share[]): Uint32Array<ArrayBuffer> {
    const words = new Uint32Array(this.bytes(ends.length) / 4);
    const each = (field: keyof Share) => shares.map((share) => share[field]);
    words.set([position, ends.length, ...(['window', 'rows', 'length', 'parts'] as const).flatMap(each)]);
    for (const [token, end] of ends.entries()) {
      const at = HEADER_WORDS + token * this.record;
      words[at] = end;
      const turns = this.turns.at(position + token);
      words.set(new Uint32Array(turns.buffer), at + 2);
    }
    return words;
  }
}
