/** @file Prints the bench's results in columns. */
import type { BenchProfile, BenchRow } from '../../protocol/bench.ts';

/** @param left number of columns that are aligned left; the others hold numbers */
function columns(rows: readonly (readonly string[])[], left: number): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const cell = (text: string, i: number) => (i < left ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0));
  return rows.map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
}

/** @returns a table in which the engines' rows of each measure are next to each other. */
export function rowTable(rows: readonly BenchRow[]): string {
  const order = [...new Set(rows.map(({ measure }) => measure))];
  const sorted = order.flatMap((name) => rows.filter(({ measure }) => measure === name));
  const cells = sorted.map(({ measure, unit, engine, median, min, max, n }) => [
    ...[measure, unit, engine, String(median)],
    min === max ? '' : `${min} – ${max}`,
    String(n),
  ]);
  return columns([['measure', 'unit', 'engine', 'median', 'min – max', 'n'], ...cells], 3);
}

/** @returns a table of each kernel's share of a token's time. */
export function profileTable({ context, tokens, entries }: BenchProfile): string {
  const all = entries.reduce((sum, { time }) => sum + time, 0);
  const cells = entries.map(({ name, time, calls }) => [
    name,
    (calls / tokens).toFixed(1),
    (time / tokens).toFixed(2),
    `${((100 * time) / all).toFixed(1)} %`,
  ]);
  return columns([[`a token at ${context} of context`, 'calls', 'ms', 'share'], ...cells], 1);
}
