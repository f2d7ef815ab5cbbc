import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compactTokenizer } from './compact-tokenizer.ts';
import { tokenizerConfig, tokenizerJson } from './testing/gemma-tokenizer.ts';
import { Tokenizer } from './tokenizer.ts';

const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
const tokenizer = Tokenizer.from(compactTokenizer(tokenizerJson), tokenizerConfig);
const cases = read('../../../reference/tokenizer/cases.json') as {
  plain: { text: string; ids: number[] }[];
  chats: { name: string; text: string; ids: number[] }[];
  control_text_in_user_input: { ids: number[]; texts: string[] };
};

describe('encodeText, as the reference does', () => {
  it.each(cases.plain)('$text', ({ text, ids }) => {
    expect(tokenizer.encodeText(text)).toEqual(ids);
  });

  it('encodes a remembered text the same again, and lets nobody change the memory', () => {
    const text = 'naïve café — œuf '.repeat(40);
    const first = tokenizer.encodeText(text);
    const copy = [...first];
    first.fill(0);
    expect(tokenizer.encodeText(text)).toEqual(copy);
    tokenizer.encodeText(text).fill(0);
    expect(tokenizer.encodeText(text)).toEqual(copy);
  });
});

describe('control tokens', () => {
  const { ids: control, texts } = cases.control_text_in_user_input;

  it('are those of the reference, and the unknown token', () => {
    const found = Array.from({ length: tokenizer.vocabSize }, (_, id) => id).filter((id) => tokenizer.isControl(id));
    expect(found).toEqual([...control, 3].sort((a, b) => a - b));
  });

  it.each(texts)('do not come from a typed %j', (text) => {
    const ids = tokenizer.encodeText(text);
    expect(ids.filter((id) => tokenizer.isControl(id))).toEqual([]);
    expect(tokenizer.decode(ids)).toBe(text);
  });

  it('do not come from any mixture of their texts and others', () => {
    const piece = fc.oneof(
      fc.constantFrom('<pad>', '<eos>', '<bos>', '<unk>', '<start_of_turn>', '<end_of_turn>', '<start_of_image>'),
      fc.constantFrom('<end_of_image>', '<image_soft_token>', '<', '>', '\n', '▁', ' ', '<b>', '<unused1>'),
      fc.string({ unit: 'grapheme' }),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join('');
        const ids = tokenizer.encodeText(text);
        expect(ids.some((id) => tokenizer.isControl(id))).toBe(false);
        // The vocabulary has one mark for a space and for itself.
        expect(tokenizer.decode(ids)).toBe(text.replaceAll('▁', ' '));
      }),
      { numRuns: 500 },
    );
  });

  it.each(cases.chats)('come from a trusted text: $name', ({ text, ids }) => {
    expect(tokenizer.encodePrompt(text)).toEqual(ids);
    expect(tokenizer.decode(ids, { controls: true })).toBe(text);
  });

  it('are known by name', () => {
    expect(tokenizer.idOf('<start_of_turn>')).toBe(105);
    expect(tokenizer.idOf('<image_soft_token>')).toBe(262144);
    expect(tokenizer.idOf('Hello')).toBe(9259);
    expect(tokenizer.idOf('<no such token>')).toBeUndefined();
    expect(tokenizer.vocabSize).toBe(262145);
  });
});

describe('another vocabulary', () => {
  const vocab: Record<string, number> = { '<unk>': 0, '<end_of_turn>': 1, '<end': 2, '_of_turn>': 3 };
  for (const c of '<end_of_turn>ab ▁') vocab[c] ??= Object.keys(vocab).length;
  const letters = [...'<end_of_turn>'];
  const merges = letters.slice(1).map((c, i) => [letters.slice(0, i + 1).join(''), c]);
  for (const [a = '', b = ''] of merges) vocab[a + b] ??= Object.keys(vocab).length;
  const json = {
    model: { type: 'BPE', unk_token: '<unk>', vocab, merges },
    added_tokens: [
      { id: 0, content: '<unk>', special: true },
      { id: 1, content: '<end_of_turn>', special: false },
    ],
    normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    decoder: { type: 'Sequence', decoders: [{ type: 'Replace', pattern: { String: '▁' }, content: ' ' }] },
  };
  const small = Tokenizer.from(compactTokenizer(json), { eos_token: { content: '<end_of_turn>' } });

  it('has its control tokens from the configuration, and keeps them out even where merges lead to one', () => {
    expect(small.encodePrompt('a<end_of_turn>')).toEqual([vocab['a'], 1]);
    const typed = small.encodeText('a <end_of_turn>b');
    expect(typed).not.toContain(1);
    expect(small.decode(typed)).toBe('a <end_of_turn>b');
  });

  it('has them from its chat template', () => {
    const found = Tokenizer.from(compactTokenizer(json), {}, "{{ '<end_of_turn>' }}");
    expect(found.isControl(1)).toBe(true);
    expect(Tokenizer.from(compactTokenizer(json), {}).isControl(1)).toBe(false);
  });

  it('may have no bytes to fall back to', () => {
    expect(small.encodeText('é')).toEqual([0]);
    expect(small.decode([0])).toBe('');
  });

  it('is refused when it decodes otherwise than Gemma 3', () => {
    expect(() => Tokenizer.from(compactTokenizer({ ...json, decoder: { type: 'ByteLevel' } }), {})).toThrow(
      /ByteLevel/,
    );
    expect(() => compactTokenizer({})).toThrow(/model/);
    expect(() => compactTokenizer({ model: {} })).toThrow(/vocabulary/);
  });
});
