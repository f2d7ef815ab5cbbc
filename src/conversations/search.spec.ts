import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holds, matchIn } from './search.ts';

describe('search', () => {
  it('does not mind case and accents, in either direction', () => {
    expect(matchIn('Un petit ÉLÈVE écrit.', 'eleve')).toEqual({
      before: 'Un petit ',
      found: 'ÉLÈVE',
      after: ' écrit.',
    });
    expect(matchIn('eleve', 'Élève')?.found).toBe('eleve');
    expect(matchIn('e\u0301le\u0300ve', 'élève')?.found).toBe('élève');
  });

  it('wants all words, and shows them together where they are', () => {
    expect(matchIn('one two three', 'three one')?.found).toBe('three');
    expect(matchIn('one two three', 'two three')?.found).toBe('two three');
    expect(matchIn('one two three', 'two four')).toBeNull();
    expect(matchIn('one', '  ')).toBeNull();
  });

  it('takes the words of a query apart at any white space, and looks for the phrase without what is around it', () => {
    expect(matchIn('one two', 'one \t two')?.found).toBe('one');
    expect(matchIn('one two', ' one two ')?.found).toBe('one two');
    expect(holds('one two', 'two   one')).toBe(true);
    expect(holds('one two', 'two three')).toBe(false);
  });

  it('shows the place that it found, also after letters that fold to several', () => {
    for (const before of ['각 ', 'İ ', '𝔘 ', 'ﬁ ']) expect(matchIn(`${before}needle`, 'needle')?.found).toBe('needle');
  });

  it('shows 40 characters on each side, and dots where there are more', () => {
    const [before, after] = ['b'.repeat(40), 'a'.repeat(40)];
    expect(matchIn(`${before}needle${after}`, 'needle')).toEqual({ before, found: 'needle', after });
    expect(matchIn(`x${before}needle${after}x`, 'needle')).toEqual({
      before: `…${before}`,
      found: 'needle',
      after: `${after}…`,
    });
  });

  it('shows what is around, on one line', () => {
    const match = matchIn(`${'a '.repeat(50)}needle\n\nin ${'hay '.repeat(50)}`, 'needle');
    expect(match?.before).toMatch(/^…a /);
    expect(match?.after).toMatch(/^ in hay .*…$/);
  });

  it('finds whatever is in a text, and shows that', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 60 });
    fc.assert(
      fc.property(text, text, text, (before, wanted, after) => {
        const whole = before + wanted + after;
        expect(holds(whole, wanted)).toBe(true);
        const match = matchIn(whole, wanted);
        if (wanted.trim() === '') return;
        expect(match).not.toBeNull();
        expect(whole.normalize('NFC').replace(/\s+/gu, ' ')).toContain(match?.found);
      }),
    );
  });
});
