import { expect, it } from 'vitest';
import { ExtractedStrings } from './extract-base64.ts';
import { ImportError, type LeftOut } from './format.ts';
import { readLlama, sessionsOf } from './read-llama.ts';
import { PNG, png } from './testing/samples.ts';

const SAVED = 5_000;
const message = (id: string, parent: string | null, role: string, content: string, more: object = {}) => ({
  ...{ id, parent, role, content, timestamp: 1_000, ...more },
});
const hello = message('q', null, 'user', 'Hello');

async function read(messages: unknown, conv: object = { name: 'Llamas' }) {
  const { strings } = await ExtractedStrings.read(new Blob(['']));
  const { conversations, leftOut, damage } = await readLlama([{ conv, messages }], strings, SAVED);
  const [whole] = conversations;
  const [first] = whole?.messages ?? [];
  return {
    record: whole?.record,
    messages: whole?.messages ?? [],
    said: whole?.messages.map((each) => `${each.role} ${each.text}`) ?? [],
    files: first?.role === 'user' ? first.attachments : [],
    leftOut,
    damage,
  };
}

it('takes the first system prompt below the root, and no other', async () => {
  const { record, said } = await read([
    message('root', null, 'system', 'No prompt', { type: 'root' }),
    message('s', 'root', 'system', ''),
    message('t', 's', 'system', 'Be kind.'),
    message('u', 't', 'system', 'Be rude.'),
    message('q', 'u', 'user', 'Hello'),
  ]);
  expect(record?.setup).toEqual({ system: 'Be kind.', sampling: {} });
  expect(said).toEqual(['user Hello']);
});

it('takes name, times and pin, and does without them', async () => {
  const all = await read([hello, message('a', 'q', 'assistant', 'Hi', { timestamp: 400, model: 'llama' })], {
    ...{ name: 'Llamas', lastModified: 2_000, pinned: true, currNode: 'q' },
  });
  expect(all.record).toMatchObject({ title: 'Llamas', named: true, pinned: true, created: 400, updated: 2_000 });
  expect(all.messages).toMatchObject([{ created: 1_000 }, { created: 400, model: 'llama' }]);
  const bare = await read([message('q', null, 'user', 'Hello', { timestamp: null })], { currNode: 5, pinned: 1 });
  expect(bare.record).toMatchObject({ title: '', pinned: false, created: SAVED, updated: SAVED });
  expect(bare.record?.leaf).toBe(bare.messages[0]?.id);
});

it.each<[string, object, LeftOut]>([
  ['tools', message('x', 'q', 'tool', '42'), { tool: 1 }],
  ['calls of tools', message('x', 'q', 'assistant', ' ', { toolCalls: '[]' }), { tool: 1 }],
  ['no calls of tools', message('x', 'q', 'assistant', '', { toolCalls: '' }), {}],
  ['thoughts', message('x', 'q', 'assistant', '', { reasoningContent: 'Hm.' }), { thought: 1 }],
  ['thoughts of older versions', message('x', 'q', 'assistant', '', { thinking: 'Hm.' }), { thought: 1 }],
  ['no thoughts', message('x', 'q', 'assistant', '', { thinking: '' }), {}],
  [
    'files of answers',
    message('x', 'q', 'assistant', '', { extra: [{ type: 'TEXT', content: 'x', name: 'n' }] }),
    { file: 1 },
  ],
])('leaves out %s', async (_, left, leftOut) => {
  const outcome = await read([hello, left, message('a', 'x', 'assistant', 'Hi')]);
  expect(outcome.said).toEqual(['user Hello', 'assistant Hi']);
  expect(outcome.leftOut).toEqual(leftOut);
});

it('takes files by their types of today and of before', async () => {
  const url = `data:image/png;base64,${PNG}`;
  const { files, leftOut } = await read([
    message('q', null, 'user', 'Hello', {
      extra: [
        { type: 'imageFile', name: 'a.png', base64Url: url },
        { type: 'IMAGE', name: 5, base64Url: url },
        { type: 'textFile', name: 'b.txt', content: 'Words' },
        { type: 'context', name: 'c', content: 'More' },
        { type: 'PDF', name: 'd.pdf', content: 'Page', base64Data: btoa('%PDF') },
        { type: 'pdfFile', name: 'e.pdf', content: 'Page', base64Data: 'not base64' },
        { type: 'FILM', name: 'f' },
        { type: 'IMAGE', name: 'g', base64Url: 'https://example.org/a.png' },
        { type: 'IMAGE', name: 'h', base64Url: `data:image/png;base64,${btoa('<svg/>')}` },
      ],
    }),
  ]);
  expect(files.map(({ kind, name, text }) => [kind, name, text])).toEqual([
    ['picture', 'a.png', undefined],
    ['picture', '', undefined],
    ['document', 'b.txt', 'Words'],
    ['document', 'c', 'More'],
    ['document', 'd.pdf', 'Page'],
    ['document', 'e.pdf', 'Page'],
  ]);
  expect(await files[0]?.blob.arrayBuffer()).toEqual(await png().arrayBuffer());
  expect([await files[4]?.blob.text(), files[4]?.blob.type]).toEqual(['%PDF', 'application/pdf']);
  expect(await files[5]?.blob.text()).toBe('Page');
  expect(leftOut).toEqual({ file: 1, picture: 2 });
});

it.each<[string, unknown]>([
  ['conversation.messages', {}],
  ['message is no object', ['Hello']],
  ['message.role', [message('q', null, 'human', 'Hello')]],
  ['message.content', [{ ...hello, content: null }]],
  ['message.id', [{ ...hello, id: 5 }]],
  ['message.parent', [{ ...hello, parent: 5 }]],
  ['message.extra', [{ ...hello, extra: {} }]],
  ['extra is no object', [{ ...hello, extra: [5] }]],
  ['an id is there twice', [hello, hello]],
  ['no message', [message('s', null, 'system', 'Be kind.')]],
])('leaves the conversation out where there is a fault: %s', async (damage, messages) => {
  const outcome = await read(messages);
  expect(outcome.damage).toContain(damage);
  expect(outcome.leftOut).toEqual({ conversation: 1 });
});

it('reads JSON lines: sessions with their messages, whatever else is between', () => {
  const lines = [
    '{"type":"session","id":"1"}',
    ' ',
    '{"type":"message","message":5}',
    '{"type":"later"}',
    'null',
    '{"type":"session","id":"2"}',
  ];
  expect(sessionsOf(lines.join('\n'))).toEqual([
    { conv: { type: 'session', id: '1' }, messages: [5] },
    { conv: { type: 'session', id: '2' }, messages: [] },
  ]);
  for (const other of ['', 'Hello', 'null', '[]', '{"type":"message"}\n{"type":"session"}'])
    expect(sessionsOf(other)).toBeNull();
  expect(() => sessionsOf('{"type":"session"}\n{"type":')).toThrow(ImportError);
});
