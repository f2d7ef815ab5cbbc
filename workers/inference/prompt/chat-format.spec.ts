import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Message } from '../../../protocol/engine.ts';
import { ChatFormat } from './chat-format.ts';
import { GEMMA_CHAT_TEMPLATE } from './gemma-template.ts';
import { compactTokenizer } from './compact-tokenizer.ts';
import { tokenizerConfig, tokenizerJson } from './testing/gemma-tokenizer.ts';
import { Tokenizer } from './tokenizer.ts';

const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
const config = tokenizerConfig as { chat_template: string };
const tokenizer = Tokenizer.from(compactTokenizer(tokenizerJson), config);
const { chats, control_text_in_user_input: typed } = read('../../../reference/tokenizer/cases.json') as {
  chats: { name: string; messages: Message[]; text: string; ids: number[] }[];
  control_text_in_user_input: { texts: string[] };
};

const [BOS, TURN, END, BOI, EOI, SOFT, NEWLINE, BLANK] = [2, 105, 106, 255999, 256000, 262144, 107, 108];
const chat = new ChatFormat(tokenizer, config, { tokensPerImage: 4 });
const user = (content: Message['content']): Message => ({ role: 'user', content });
const answer = (content: string): Message => ({ role: 'assistant', content });
const system = (content: string): Message => ({ role: 'system', content });
const image = new Blob(['a picture']);
const picture = { type: 'image', image } as const;
const say = (text: string) => ({ type: 'text', text }) as const;
/** The cases name pictures without having any. */
const withPictures = (messages: Message[]): Message[] =>
  messages.map(({ role, content }) => ({
    role,
    content: typeof content === 'string' ? content : content.map((part) => (part.type === 'image' ? picture : part)),
  }));
const ids = (text: string) => tokenizer.encodePrompt(text);
const textOf = (...messages: Message[]) => chat.text(messages);

describe('the reference cases', () => {
  it.each(chats)('$name', ({ messages, text, ids: expected }) => {
    expect(chat.text(withPictures(messages))).toBe(text);
    expect(tokenizer.encodePrompt(text)).toEqual(expected);
    if (!text.includes('<start_of_image>')) expect(chat.format(messages)).toEqual({ ids: expected, pictures: [] });
  });

  it('come from the built-in template too, which is the model’s own', () => {
    expect(GEMMA_CHAT_TEMPLATE).toBe(config.chat_template);
    const plain = new ChatFormat(tokenizer, {}, { tokensPerImage: 0 });
    for (const { messages, text } of chats) expect(plain.text(withPictures(messages))).toBe(text);
  });

  it('come from a template in a file of its own', () => {
    const own = new ChatFormat(tokenizer, {}, { chatTemplate: '{{ messages[0].content }}!', tokensPerImage: 0 });
    expect(own.text([user(' Hi ')])).toBe(' Hi !');
  });
});

describe('pictures', () => {
  it('become soft tokens, blank lines around them, where the person put them', () => {
    const formatted = chat.format([user([say('Look: '), picture, say('What is this?')])]);
    expect(formatted.ids).toEqual([
      ...[BOS, TURN, ...ids('user\nLook:\n\n')],
      ...[BOI, SOFT, SOFT, SOFT, SOFT, EOI],
      ...ids('\n\nWhat is this?<end_of_turn>\n<start_of_turn>model\n'),
    ]);
    const start = formatted.ids.indexOf(SOFT ?? -1);
    expect(formatted.pictures).toEqual([{ image, start, length: 4 }]);
  });

  it('join their blank lines with the text around, as one string would', () => {
    const { ids: got, pictures } = chat.format([user([picture, picture])]);
    const soft = '<image_soft_token>'.repeat(4);
    const one = `\n\n<start_of_image>${soft}<end_of_image>\n\n`;
    expect(got).toEqual(ids(`<bos><start_of_turn>user\n${one}${one}<end_of_turn>\n<start_of_turn>model\n`));
    expect(pictures.map((p) => got.slice(p.start - 1, p.start + p.length + 1))).toEqual([
      [BOI, SOFT, SOFT, SOFT, SOFT, EOI],
      [BOI, SOFT, SOFT, SOFT, SOFT, EOI],
    ]);
  });

  it('keep their order over several turns', () => {
    const images = [new Blob(['1']), new Blob(['2']), new Blob(['3'])];
    const [a, b, c] = images.map((one) => ({ type: 'image', image: one }) as const);
    if (!a || !b || !c) throw new Error('three pictures');
    const { pictures } = chat.format([user([a, say('and'), b]), answer('Yes.'), user([say('this?'), c])]);
    expect(pictures.map((p) => p.image)).toEqual(images);
    expect(pictures.map((p) => p.start)).toEqual(pictures.map((p) => p.start).sort((x, y) => x - y));
  });

  it('are refused by a model, or a template, without them', () => {
    const blind = new ChatFormat(tokenizer, config, { tokensPerImage: 0 });
    expect(() => blind.format([user([picture])])).toThrow(/pictures-unsupported/);
    const template = '{% for m in messages %}{{ m.content }}{% endfor %}';
    const textOnly = new ChatFormat(tokenizer, { chat_template: template }, { tokensPerImage: 4 });
    expect(() => textOnly.format([user([picture])])).toThrow(/pictures-unsupported/);
    expect(() => chat.format([user('Hi'), { role: 'assistant', content: [picture] }, user('?')])).toThrow(/picture/);
  });
});

describe('a person’s text', () => {
  it.each([...typed.texts, '{{ bos_token }}', '\uE0000\uE001', '\u2005\uE0001\uE001\u2005x', '$&', '{% if %}'])(
    '%j stays text in a chat',
    (text) => {
      const { ids: got, pictures } = chat.format([system(text), user(text), answer(text), user([say(text), picture])]);
      const controls = got.filter((id) => tokenizer.isControl(id));
      const turn = [TURN, END];
      expect(controls).toEqual([BOS, ...turn, ...turn, TURN, BOI, SOFT, SOFT, SOFT, SOFT, EOI, END, TURN]);
      expect(pictures).toHaveLength(1);
      expect(tokenizer.decode(got).split(text.trim())).toHaveLength(5);
    },
  );

  it('is trimmed where the template trims, as Python does', () => {
    expect(textOf(system(' S '), user('\u001c\u0085 U \n'))).toContain('user\n S \n\nU<end');
    expect(textOf(user('\ufeffU'))).toContain('user\n\ufeffU<end');
    expect(textOf(user('\u2005 U \u2005'))).toContain('user\nU<end');
    expect(textOf(user('   '))).toContain('user\n<end_of_turn>');
  });

  it('is trimmed in time proportional to its length', () => {
    const spaces = ' '.repeat(300_000);
    const began = performance.now();
    expect(textOf(user(`a${spaces}b${spaces}`))).toContain(`a${spaces}b<end`);
    expect(performance.now() - began).toBeLessThan(1000);
  });
});

describe('conversations that a template would not take', () => {
  it('have what belongs together merged', () => {
    expect(textOf(user('A'), user('B'))).toContain('user\nA\n\nB<end');
    expect(textOf(system('S'), system('T'), user('A'))).toContain('user\nS\n\nT\n\nA<end');
    expect(textOf(user('A'), answer('B'), answer('C'), user('D'))).toContain('model\nB\n\nC<end');
    expect(textOf(user([say('A')]), user('B'))).toContain('user\nA\n\nB<end');
    expect(textOf(user([say('A'), picture]), user('B'))).toContain('user\nA<start_of_image>B<end');
    expect(textOf(user('A'), user([picture, say('B')]))).toContain('user\nA<start_of_image>B<end');
    expect(textOf(system(' '), user('A'))).toBe(textOf(user('A')));
  });

  it('keep an empty answer in the middle and lose one at the end', () => {
    expect(textOf(user('A'), answer(''), user('B'))).toContain('model\n<end_of_turn>\n<start_of_turn>user\nB');
    expect(textOf(user('A'), answer(''))).toBe(textOf(user('A')));
  });

  it.each([
    ['nothing', []],
    ['a system message alone', [system('S')]],
    ['an answer first', [answer('A'), user('B')]],
    ['an answer last', [user('A'), answer('B')]],
    ['a system message later', [user('A'), system('S'), user('B')]],
    ['a content that is none', [{ role: 'user', content: undefined as unknown as string }]],
    ['a part that is none', [user([{ type: 'audio' } as unknown as typeof picture])]],
    ['a picture that is no file', [user([{ type: 'image', image: 'x' } as unknown as typeof picture])]],
    ['an unknown role', [{ role: 'tool' as 'user', content: 'x' }]],
  ] as [string, Message[]][])('are refused: %s', (_, messages) => {
    expect(() => chat.format(messages)).toThrow(/^bad-request: /);
  });

  it('are refused with the template’s own words', () => {
    const strict = new ChatFormat(tokenizer, { chat_template: "{{ raise_exception('No.') }}" }, { tokensPerImage: 0 });
    expect(() => strict.format([user('A')])).toThrow('bad-request: No.');
    expect(() => new ChatFormat(tokenizer, { chat_template: '{% if %}' }, { tokensPerImage: 0 })).toThrow(/template/);
  });
});

describe('answers whose ids are known', () => {
  const messages = [user('One?'), answer('Two.'), user('Three?')];
  // The same text, cut otherwise than the tokenizer would.
  const odd = [...'Two.'].flatMap((letter) => tokenizer.encodeText(letter));

  it('keep them, so that the prompt begins as the last one did', () => {
    const first = chat.format(messages.slice(0, 1)).ids;
    const asked: string[] = [];
    const next = chat.format(messages, { assistantIds: (text) => (asked.push(text), odd) }).ids;
    expect(asked).toEqual(['Two.']);
    expect(odd).not.toEqual(tokenizer.encodeText('Two.'));
    expect(next.slice(0, first.length + odd.length + 2)).toEqual([...first, ...odd, END, NEWLINE]);
    expect(tokenizer.decode(next)).toBe(tokenizer.decode(chat.format(messages).ids));
  });

  it('lose them when they hold control tokens', () => {
    const next = chat.format(messages, { assistantIds: () => [...odd, SOFT ?? 0] });
    expect(next).toEqual(chat.format(messages));
    expect(next.ids).not.toContain(BLANK);
  });
});

describe('an answer that is carried on', () => {
  const carriedOn = (...messages: Message[]) => chat.text(messages, { continueAnswer: true });

  it('is the end of the prompt, with the white space that it ends in', () => {
    expect(carriedOn(user('A'), answer(' One,\n'))).toMatch(/model\nOne,\n$/);
    expect(carriedOn(user('A'), answer('B'), user('A'), answer('B'))).toMatch(/model\nB$/);
    expect(carriedOn(user('A'), answer('\uE0000\uE001'))).toMatch(/model\n\uE0000\uE001$/);
  });

  it('keeps its ids', () => {
    const options = { continueAnswer: true, assistantIds: () => [tokenizer.encodeText('Two')[0] ?? 0] };
    const { ids: got } = chat.format([user('One?'), answer('Two')], options);
    expect(got).toEqual([...chat.format([user('One?')]).ids, ...options.assistantIds()]);
  });

  it('must be there', () => {
    expect(() => carriedOn(user('A'))).toThrow(/^bad-request: /);
    expect(() => carriedOn(user('A'), answer(' '))).toThrow(/^bad-request: /);
    expect(() => carriedOn()).toThrow(/^bad-request: /);
  });
});
