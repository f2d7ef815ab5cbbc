/**
 * When a conversation no longer fits into the model's context: how full it is, and what to leave out. Whole exchanges
 * (a question and its answer) go, the oldest first; the last question always stays. About half the context is made
 * free at once, so that the next many turns begin as this one did and are found in the KV cache.
 */
import type { ContextUse } from '../../../protocol/engine.ts';

/** From this share of the context on the page warns. */
const NEARLY = 0.85;

/** Tokens that an answer should have; with less the conversation is full, though the prompt may fit yet. */
export const answerReserve = (contextTokens: number, maxNewTokens = Infinity): number =>
  Math.min(maxNewTokens, Math.ceil(contextTokens / 16));

export type Fullness = 'free' | 'nearly' | 'full';

type Prompt = Pick<ContextUse, 'promptTokens' | 'contextTokens'>;

export function fullnessOf({ promptTokens, contextTokens }: Prompt, maxNewTokens?: number): Fullness {
  if (promptTokens + answerReserve(contextTokens, maxNewTokens) > contextTokens) return 'full';
  return promptTokens >= NEARLY * contextTokens ? 'nearly' : 'free';
}

export interface TrimPlan {
  /** The first exchange that the model still sees. */
  from: number;
  /** Tokens of the prompt that begins there. */
  promptTokens: number;
}

/**
 * Which exchanges to leave out so that at most half the context is taken, or as near to it as can be.
 * @param exchanges how many the model sees now; the last is the question that waits for its answer.
 * @param count tokens of the prompt that begins with an exchange: it never grows with its number. Asked seldom, as the
 *   whole prompt is tokenized each time: once for each halving of what there is, and once more.
 * @returns null where there is nothing that could be left out.
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
 * Parts of a conversation that can each be read at once, in order, so that it can be summed up one after the other.
 * @param count tokens of the exchanges from one up to another (excluded), with what is asked about them.
 * @returns where each part ends. A single exchange that takes more than it may is a part all the same.
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
    // Most often all the rest fits.
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
