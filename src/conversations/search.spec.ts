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
