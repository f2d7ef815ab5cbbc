import { describe, expect, it } from 'vitest';
import { titleFrom } from './title.ts';

const named = (text: string, ...names: string[]) => titleFrom({ text, attachments: names.map((name) => ({ name })) });

describe('the default title', () => {
  it('is the first line with text, on one line without white space around it', () => {
    expect(named(' \n\n  Tell   me\tabout cats \nand dogs')).toBe('Tell me about cats');
    expect(named('Cats', 'cat.png')).toBe('Cats');
  });

  it('is the name of the first file where there is no text, and empty where there is nothing', () => {
    expect(named(' \n', 'cat.png', 'dog.png')).toBe('cat.png');
    expect(named('')).toBe('');
    expect(titleFrom(undefined)).toBe('');
  });

  it('is cut after 60 characters, and not before', () => {
    expect(named('x'.repeat(60))).toBe('x'.repeat(60));
    expect(named('x'.repeat(61))).toBe(`${'x'.repeat(60)}…`);
  });

  it('is cut at the end of a word where one ends in the second half', () => {
    const word = (length: number) => 'x'.repeat(length);
    expect(named(`${word(31)} ${word(40)}`)).toBe(`${word(31)}…`);
    expect(named(`${word(30)} ${word(40)}`)).toBe(`${word(30)} ${word(29)}…`);
    // A word that ends exactly at the limit is whole.
    expect(named(`${word(40)} ${word(19)} more`)).toBe(`${word(40)} ${word(19)}…`);
    expect(named(`${word(20)} ${word(38)} ${word(9)}`)).toBe(`${word(20)} ${word(38)}…`);
  });
});
