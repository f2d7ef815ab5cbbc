import { Tokenizer as Library } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bpe, bpeTables } from './bpe.ts';
import { compactTokenizer, decodeTokenizer, encodeTokenizer } from './compact-tokenizer.ts';
import { tokenizerConfig, tokenizerJson } from './testing/gemma-tokenizer.ts';
import { Tokenizer } from './tokenizer.ts';

const compacted = compactTokenizer(tokenizerJson);
const bpe = new Bpe(compacted.bpe);

/** Texts as people and models write them: words, code, other scripts, emoji, broken surrogates, repetitions. */
const written = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        'Bonjour à toutes',
        ' the quick brown fox',
        '  return x;\n',
        'こんにちは',
        '🥖👩‍🍳',
        '\ud83e',
        'ﷺ',
        '1234567890',
      ),
      fc.tuple(fc.constantFrom(' ', '\n', '\t', 'a', '=', 'é'), fc.nat(40)).map(([text, n]) => text.repeat(n)),
    ),
  )
  .map((parts) => parts.join(''));

describe('byte-pair encoding', () => {
  it('gives what the library gives, with its own model', () => {
    const library = new Library(tokenizerJson, tokenizerConfig);
    const whole = (text: string) => library.encode(text, { add_special_tokens: false }).ids;
    const plain = (text: string) => text.replaceAll(' ', '▁');
    const added = (tokenizerJson['added_tokens'] as { content: string }[]).map(({ content }) => content);
    fc.assert(
      fc.property(written, (text) => {
        // Added tokens are not the model's to find.
        fc.pre(!added.some((token) => text.includes(token)));
        expect(bpe.encode(plain(text))).toEqual(whole(text));
      }),
      { numRuns: 500 },
    );
    const long = 'Il était une fois, dans une boulangerie, un fournil. '.repeat(300);
    expect(bpe.encode(plain(long))).toEqual(whole(long));
  });

  it('knows texts and ids', () => {
    for (const id of [0, 9259, 106, 262143]) expect(bpe.idOf(bpe.textOf(id) ?? '')).toBe(id);
    expect(bpe.textOf(262144)).toBeUndefined();
    expect(bpe.idOf('')).toBeUndefined();
    expect(bpe.encode('')).toEqual([]);
  });

  const vocab = { a: 0, b: 1, ab: 2, '<unk>': 4 };
  it('takes merges as older files write them, and ids with gaps', () => {
    const small = new Bpe(bpeTables({ vocab, merges: ['a b'], unk_token: '<unk>' }));
    expect(small.encode('abaXb')).toEqual([2, 0, 4, 1]);
    expect(small.textOf(3)).toBeUndefined();
  });

  it.each([
    ['another kind of model', { type: 'Unigram', vocab, merges: [] }, /Unigram/],
    ['merges that lead nowhere', { vocab, merges: [['b', 'a']] }, /merge 0/],
    ['merges that are none', { vocab, merges: [7] }, /merge 0/],
    ['no merges', { vocab }, /no merges/],
    ['ids that are no numbers', { vocab: { a: 'x' }, merges: [] }, /id of a/],
    ['ids far apart', { vocab: { a: 4_000_000_000 }, merges: [] }, /far apart/],
    ['marks within words', { vocab, merges: [], continuing_subword_prefix: '##' }, /prefix/],
  ])('refuses %s', (_, model, why) => {
    expect(() => bpeTables(model)).toThrow(why);
  });
});

describe('the compact form', () => {
  const bytes = encodeTokenizer(compacted);

  it('is a third of the file, and the same tokenizer', () => {
    expect(bytes.length).toBeLessThan(14e6);
    const again = decodeTokenizer(bytes.slice().buffer);
    if (!again) throw new Error('it was not read');
    const [kept, made] = [again, compacted].map((form) => Tokenizer.from(form, tokenizerConfig));
    fc.assert(
      fc.property(written, (text) => {
        expect(kept?.encodeText(text)).toEqual(made?.encodeText(text));
      }),
    );
    expect(kept?.vocabSize).toBe(made?.vocabSize);
  });

  it.each([
    ['nothing', new ArrayBuffer(0)],
    ['a piece of it', bytes.slice(0, 1_000_000).buffer],
    ['something else', new TextEncoder().encode('{"format":1}').buffer],
  ])('is not read from %s', (_, buffer) => {
    expect(decodeTokenizer(buffer)).toBeNull();
  });
});
