/** @file Rows of the bench's table: median and spread of each measure, and how many greedy tokens are equal. */
import type { BenchRow, BenchSamples } from './bench.ts';

/**
 * The median. For an even number of values it is the mean of the two in the middle.
 * @param values in any order.
 * @returns NaN without values.
 */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** Rounds to three significant digits, or to an integer from 100 on. */
const rounded = (value: number): number => (Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3)));

type RowLabels = Pick<BenchRow, 'engine' | 'model' | 'device'>;

/**
 * Summarises the rounds of one engine.
 * @param of the labels of all rows.
 * @param rounds the samples of each round.
 * @returns a row for each measure, in the order of first appearance.
 */
export function rowsOf(of: RowLabels, rounds: readonly (readonly BenchSamples[])[]): BenchRow[] {
  const all = new Map<string, BenchSamples>();
  for (const { measure, unit, values } of rounds.flat()) {
    const known = all.get(measure);
    if (known) known.values.push(...values);
    else all.set(measure, { measure, unit, values: [...values] });
  }
  return [...all.values()].map(({ measure, unit, values }) => ({
    ...of,
    ...{ measure, unit },
    median: rounded(median(values)),
    min: rounded(Math.min(...values)),
    max: rounded(Math.max(...values)),
    n: values.length,
  }));
}

/**
 * Compares the greedy tokens of two engines after the same prompts.
 * @param of the labels of all rows.
 * @param ours token ids by prompt.
 * @param theirs token ids by prompt.
 * @returns a row for each prompt that both have, with the number of tokens before the first difference.
 */
export function equalRows(
  of: RowLabels,
  ours: Readonly<Record<string, readonly number[]>>,
  theirs: Readonly<Record<string, readonly number[]>>,
): BenchRow[] {
  return Object.entries(ours).flatMap(([prompt, tokens]) => {
    const others = theirs[prompt];
    if (!others) return [];
    const different = tokens.findIndex((token, i) => others[i] !== token);
    const equal = different < 0 ? tokens.length : different;
    const row = { measure: `greedy tokens equal, ${prompt}`, unit: `of ${tokens.length}` };
    return [{ ...of, ...row, median: equal, min: equal, max: equal, n: 1 }];
  });
}
