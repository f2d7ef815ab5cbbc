/** What the bench's rows say: median and spread of all values of a measure, and how many greedy tokens are equal. */
import type { BenchRow, BenchSamples } from './bench.ts';

/** Of an even number the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** Three digits that mean something, and whole numbers in full. */
const rounded = (value: number): number => (Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3)));

type RowLabels = Pick<BenchRow, 'engine' | 'model' | 'device'>;

/** Rounds of one engine as rows, in the order in which each measure was first made. */
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

/** Tokens that two engines chose after the same prompts: how many are equal, up to and without the first difference. */
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
