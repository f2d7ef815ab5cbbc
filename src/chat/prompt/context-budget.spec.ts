import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fullnessOf, planTrim, planSummaryParts, answerReserve } from './context-budget.ts';

const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 60 });
const contexts = fc.integer({ min: 64, max: 8192 });
const sum = (list: readonly number[]) => list.reduce((all, each) => all + each, 0);
/** The system prompt, in every prompt. */
const SYSTEM = 20;

describe('fullnessOf', () => {
  const at = (promptTokens: number, maxNewTokens?: number) =>
    fullnessOf({ promptTokens, contextTokens: 4096 }, maxNewTokens);

  it('warns at 85 %, and is full when no answer of some length fits', () => {
    expect(at(0)).toBe('free');
    expect(at(3481)).toBe('free');
    expect(at(3482)).toBe('nearly');
    expect(at(4096 - 256)).toBe('nearly');
    expect(at(4096 - 255)).toBe('full');
    expect(at(9000)).toBe('full');
  });

  it('needs no more room than the answer may take', () => {
    expect(answerReserve(4096, 10)).toBe(10);
    expect(at(4096 - 10, 10)).toBe('nearly');
    expect(at(4096 - 9, 10)).toBe('full');
  });
});

describe('planTrim', () => {
  it('leaves out no more than it must, keeps the last question, and asks few counts', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, contexts, async (exchanges, contextTokens) => {
        let asked = 0;
        const tokens = (from: number) => SYSTEM + sum(exchanges.slice(from));
        const cut = await planTrim(exchanges.length, contextTokens, (from) => {
          asked++;
          return Promise.resolve(tokens(from));
        });
        if (exchanges.length === 1) {
          expect(cut).toBeNull();
          return;
        }
        if (!cut) throw new Error('nothing was planned');
        expect(cut.from).toBeGreaterThanOrEqual(1);
        expect(cut.from).toBeLessThan(exchanges.length);
        expect(cut.promptTokens).toBe(tokens(cut.from));
        const isLast = cut.from === exchanges.length - 1;
        expect(isLast || cut.promptTokens <= contextTokens / 2).toBe(true);
        // One exchange more would have been too much.
        if (cut.from > 1) expect(tokens(cut.from - 1)).toBeGreaterThan(Math.floor(contextTokens / 2));
        expect(asked).toBeLessThanOrEqual(Math.ceil(Math.log2(exchanges.length)) + 1);
      }),
    );
  });

  it('does not have to cut again for a while', async () => {
    // A long conversation, one exchange of 100 tokens after the other, in 4096: how often the beginning changes.
    let from = 0;
    let cuts = 0;
    for (let length = 1; length <= 200; length++) {
      const promptTokens = SYSTEM + 100 * (length - from);
      if (fullnessOf({ promptTokens, contextTokens: 4096 }) !== 'full') continue;
      const cut = await planTrim(length - from, 4096, (start) =>
        Promise.resolve(SYSTEM + 100 * (length - from - start)),
      );
      from += cut?.from ?? 0;
      cuts++;
    }
    expect(cuts).toBeLessThanOrEqual(10);
  });
});

describe('planSummaryParts', () => {
  it('covers everything once, each part as long as it may be', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, contexts, async (exchanges, limit) => {
        const tokens = (from: number, to: number) => SYSTEM + sum(exchanges.slice(from, to));
        const ends = await planSummaryParts(exchanges.length, limit, (from, to) => Promise.resolve(tokens(from, to)));
        expect(ends.at(-1)).toBe(exchanges.length);
        let from = 0;
        for (const end of ends) {
          expect(end).toBeGreaterThan(from);
          if (end > from + 1) expect(tokens(from, end)).toBeLessThanOrEqual(limit);
          if (end < exchanges.length) expect(tokens(from, end + 1)).toBeGreaterThan(limit);
          from = end;
        }
      }),
    );
  });
});
