import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StreamDecoder } from './detokenizer.ts';
import { compactTokenizer } from './compact-tokenizer.ts';
import { tokenizerConfig, tokenizerJson } from './testing/gemma-tokenizer.ts';
import { Tokenizer } from './tokenizer.ts';

const tokenizer = Tokenizer.from(compactTokenizer(tokenizerJson), tokenizerConfig);

const byteId = (byte: number) => tokenizer.idOf(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`) ?? -1;
const bytesOf = (text: string) => [...new TextEncoder().encode(text)].map(byteId);

function stream(ids: number[]): string[] {
  const decoder = new StreamDecoder(tokenizer);
  return [...ids.map((id) => decoder.push(id)), decoder.end()];
}

describe('StreamDecoder', () => {
  it('keeps the spaces before words', () => {
    expect(stream(tokenizer.encodeText(' Hello  world'))).toEqual([' Hello', '  ', 'world', '']);
  });

  it('waits for a whole character', () => {
    expect(stream(bytesOf('é🥧'))).toEqual(['', 'é', '', '', '', '🥧', '']);
  });

  it('shows U+FFFD for a character that does not end, as soon as that is certain', () => {
    const [first = -1, second = -1] = bytesOf('🥧');
    expect(stream([first, second])).toEqual(['', '', '\ufffd']);
    expect(stream([first, second, ...tokenizer.encodeText('a')])).toEqual(['', '', '\ufffda', '']);
    expect(stream([byteId(0xff)])).toEqual(['\ufffd', '']);
  });

  it('keeps a byte order mark', () => {
    expect(stream(bytesOf('\ufeffa')).join('')).toBe('\ufeffa');
  });

  it('leaves control tokens and ids without a text out', () => {
    expect(stream([2, ...tokenizer.encodeText('Hi'), 106, 262200]).join('')).toBe('Hi');
  });

  it('gives any text back, whole characters at a time', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(' ', '\n', 'é', '👩🏽‍🍳', 'a') }),
    );
    fc.assert(
      fc.property(text, fc.boolean(), (typed, asBytes) => {
        fc.pre(!typed.includes('▁'));
        const deltas = stream(asBytes ? bytesOf(typed) : tokenizer.encodeText(typed));
        expect(deltas.join('')).toBe(typed);
        for (const delta of deltas) expect(delta).not.toMatch(/\p{Surrogate}/u);
      }),
      { numRuns: 500 },
    );
  });

  it('equals decoding everything at once, whatever the ids', () => {
    const id = fc.oneof(
      fc.integer({ min: 0, max: 262207 }),
      fc.integer({ min: 0, max: 255 }).map(byteId),
      fc.constantFrom(0, 105, 106),
    );
    fc.assert(
      fc.property(fc.array(id, { maxLength: 60 }), (ids) => {
        expect(stream(ids).join('')).toBe(tokenizer.decode(ids));
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with a decoder that sees all the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const expected = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
        expect(stream([...bytes].map(byteId)).join('')).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });
});
