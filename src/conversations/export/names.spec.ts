import { describe, expect, it } from 'vitest';
import { safeName, UniqueNames } from './names.ts';

describe('safe names', () => {
  it.each([
    ['a/b\\c:d*e?f"g<h>i|j.txt', 'a b c d e f g h i j.txt'],
    ['tab\tline\nend\u0085 \u202egnp.exe', 'tab line end gnp.exe'],
    ['  ..hidden.. ', 'hidden'],
    ['many   spaces.md', 'many spaces.md'],
    ['..', ''],
    ['Crème brûlée 🥖.png', 'Crème brûlée 🥖.png'],
  ])('of %j is %j', (name, safe) => expect(safeName(name)).toBe(safe));

  it.each([
    ['CON', '_CON'],
    ['con.txt', '_con.txt'],
    ['Com1.tar.gz', '_Com1.tar.gz'],
    ['lpt9', '_lpt9'],
    ['aux', '_aux'],
    ['nul.', '_nul'],
    ['prn.x', '_prn.x'],
    ['console.txt', 'console.txt'],
    ['my con', 'my con'],
    ['com10', 'com10'],
  ])('do not name a device: %j is %j', (name, safe) => expect(safeName(name)).toBe(safe));

  it('have at most 80 characters and their ending', () => {
    expect(safeName(`${'a'.repeat(100)}.jpeg`)).toBe(`${'a'.repeat(80)}.jpeg`);
    expect(safeName('🥖'.repeat(81))).toBe('🥖'.repeat(80));
    expect(safeName(`${'a'.repeat(79)} b.md`)).toBe(`${'a'.repeat(79)}.md`);
    // Not an ending: too long, or not of letters and digits.
    expect(safeName(`${'a'.repeat(79)}.markdowns`)).toBe(`${'a'.repeat(79)}.`);
    expect(safeName(`${'a'.repeat(80)}.é`)).toBe('a'.repeat(80));
  });
});

describe('unique names', () => {
  it('get a number before their ending, whatever their case', () => {
    const names = new UniqueNames();
    const all = ['a.txt', 'A.TXT', 'a.txt', 'a', 'a', 'a 2.txt'].map((name) => names.next(name));
    expect(all).toEqual(['a.txt', 'A 2.TXT', 'a 3.txt', 'a', 'a 2', 'a 2 2.txt']);
  });
});
