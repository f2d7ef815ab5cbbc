/**
 * The context budget: how full the context is, and what to leave out when a conversation no longer fits. Whole
 * exchanges (a question and its answer) are left out, oldest first; the last question always stays. About half the
 * context is freed at once, so that many following prompts share a prefix and are found in the KV cache.
 */
import type { ContextUse } from '../../../protocol/engine.ts';

/** The page warns from this fraction of the context on. */
const NEARLY = 0.85;

/** Tokens that are reserved for the answer. With less the conversation counts as full, even if the prompt fits. */
export const answerReserve = (contextTokens: number, maxNewTokens = Infinity): number =>
  Math.min(maxNewTokens, Math.ceil(contextTokens / 16));

export type Fullness = 'free' | 'nearly' | 'full';

type Prompt = Pick<ContextUse, 'promptTokens' | 'contextTokens'>;

export function fullnessOf({ promptTokens, contextTokens }: Prompt, maxNewTokens?: number): Fullness {
  if (promptTokens + answerReserve(contextTokens, maxNewTokens) > contextTokens) return 'full';
  return promptTokens >= NEARLY * contextTokens ? 'nearly' : 'free';
}

export interface TrimPlan {
  /** Index of the first exchange that stays in the prompt. */
  from: number;
  /** Tokens of the prompt that starts there. */
  promptTokens: number;
}

/**
 * Finds by bisection which exchanges to leave out so that at most half the context is used, or as little as possible.
 * @param exchanges number of exchanges in the prompt now; the last one is the question to answer
 * @param count tokens of the prompt that starts with this exchange, which decreases with its index. It is called about
 *   log2(exchanges) times, since each call tokenizes a whole prompt.
 * @returns null if there is nothing to leave out
 */
export async function planTrim(
  exchanges: number,
  contextTokens: number,
  count: (from: number) => Promise<number>,
): Promise<TrimPlan | null> {
  if (exchanges < 2) return null;
  const goal = Math.floor(contextTokens / 2);
  let first = 1;
  let last = exchanges - 1;
  let found: TrimPlan | null = null;
  while (first < last) {
    const from = (first + last) >> 1;
    const promptTokens = await count(from);
    if (promptTokens <= goal) {
      last = from;
      found = { from, promptTokens };
    } else first = from + 1;
  }
  return found?.from === last ? found : { from: last, promptTokens: await count(last) };
}

/**
 * Divides a conversation into consecutive parts that each fit into the context, to be summarised one after the other.
 * @param limit tokens that a part may have
 * @param count tokens of the exchanges `from` up to `to` (excluded), with the request for a summary
 * @returns the end index of each part. A single exchange that exceeds the limit is a part of its own.
 */
export async function planSummaryParts(
  exchanges: number,
  limit: number,
  count: (from: number, to: number) => Promise<number>,
): Promise<number[]> {
  const ends: number[] = [];
  for (let from = 0; from < exchanges; from = ends.at(-1) ?? exchanges) {
    let fits = from + 1;
    let over = exchanges + 1;
    // Usually all the rest fits, so that is tried first.
    let to = exchanges;
    while (fits + 1 < over) {
      if ((await count(from, to)) <= limit) fits = to;
      else over = to;
      to = (fits + over) >> 1;
    }
    ends.push(fits);
  }
  return ends;
}
