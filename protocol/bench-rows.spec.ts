import { describe, expect, it } from 'vitest';
import { equalRows, median, rowsOf } from './bench-rows.ts';

const of = { engine: 'a', model: 'm q4', device: 'webgpu' };

describe('median', () => {
  it('is the middle, or the mean of two middles', () => {
    expect(median([5, 1, 9])).toBe(5);
    expect(median([4, 1, 9, 6])).toBe(5);
    expect(median([])).toBeNaN();
  });
});

describe('rowsOf', () => {
  it('puts the rounds of a measure together', () => {
    const rounds = [
      [
        { measure: 'load', unit: 'ms', values: [1234.5, 900] },
        { measure: 'writes', unit: '', values: [0.12345] },
      ],
      [{ measure: 'load', unit: 'ms', values: [1000] }],
    ];
    expect(rowsOf(of, rounds)).toEqual([
      { ...of, measure: 'load', unit: 'ms', median: 1000, min: 900, max: 1235, n: 3 },
      { ...of, measure: 'writes', unit: '', median: 0.123, min: 0.123, max: 0.123, n: 1 },
    ]);
  });
});

describe('equalRows', () => {
  it('counts tokens before the first difference, where both were asked', () => {
    const theirs = { short: [1, 9, 3], long: [1, 2], first: [9, 2] };
    const rows = equalRows(of, { short: [1, 2, 3], long: [1, 2], alone: [1], first: [1, 2] }, theirs);
    expect(rows.map(({ measure, unit, median: equal }) => [measure, unit, equal])).toEqual([
      ['greedy tokens equal, short', 'of 3', 1],
      ['greedy tokens equal, long', 'of 2', 2],
      ['greedy tokens equal, first', 'of 2', 0],
    ]);
  });
});
