import { expect, it } from 'vitest';
import type { ConversationRecord } from '../records.ts';
import type { LeftOut } from './format.ts';
import { assetIdsIn, isChatGpt, readChatGpt } from './read-chatgpt.ts';
import { PNG } from './testing/samples.ts';

const SAVED = 5_000;
const png = { name: 'a.png', blob: new Blob([Uint8Array.from(atob(PNG), (c) => c.charCodeAt(0))]) };
const message = (role: string, content: object, more: object = {}) => ({
  author: { role },
  content,
  create_time: 2,
  ...more,
});
const text = (...parts: unknown[]) => ({ content_type: 'text', parts });

/** A conversation of these messages, each after the one before it. */
async function read(messages: (object | null)[], more: object = {}) {
  const mapping = Object.fromEntries(
    messages.map((each, i) => [`m${i}`, { parent: i > 0 ? `m${i - 1}` : null, ...(each && { message: each }) }]),
  );
  const conversation = { title: 'Gardens', create_time: 1, mapping, ...more };
  const found = await readChatGpt([conversation], (id) => (id === 'file-here' ? png : null), SAVED);
  const [whole] = found.conversations;
  return {
    record: (whole?.record ?? {}) as ConversationRecord,
    messages: whole?.messages ?? [],
    said: whole?.messages.map((each) => `${each.role} ${each.text}`) ?? [],
    leftOut: found.leftOut,
    damage: found.damage,
  };
}
const hello = message('user', text('Hello'));

it.each<[string, object, LeftOut]>([
  ['of a tool', message('tool', text('42')), { tool: 1 }],
  ['to a tool', message('assistant', text('search'), { recipient: 'browser' }), { tool: 1 }],
  ['that are thoughts', message('assistant', { content_type: 'thoughts' }), { thought: 1 }],
  ['that recall thoughts', message('assistant', { content_type: 'reasoning_recap' }), { thought: 1 }],
  ['of the system', message('system', text('Be kind.')), { system: 1 }],
  ['of the system that say nothing', message('system', text('')), {}],
  [
    'that are hidden',
    message('user', text(''), { metadata: { is_visually_hidden_from_conversation: true } }),
    { system: 1 },
  ],
  ['that are the person’s profile', message('user', { content_type: 'user_editable_context' }), { system: 1 }],
  ['that are empty answers', message('assistant', text(' ')), {}],
])('leaves out messages %s', async (_, left, leftOut) => {
  const read1 = await read([hello, left, message('assistant', text('Hi'))]);
  expect(read1.said).toEqual(['user Hello', 'assistant Hi']);
  expect(read1.leftOut).toEqual(leftOut);
});

it('takes messages to all, and those whose parts are words, speech or code', async () => {
  const { said, leftOut } = await read([
    message(
      'user',
      text('One', '', { content_type: 'audio_transcription', text: 'spoken' }, { content_type: 'audio' }),
      {
        recipient: 'all',
        metadata: { is_visually_hidden_from_conversation: false },
      },
    ),
    message('assistant', { content_type: 'code', text: 'x = 1' }),
  ]);
  expect(said).toEqual(['user One\n\nspoken', 'assistant x = 1']);
  expect(leftOut).toEqual({ file: 1 });
});

it('takes pictures of questions that the archive has, and keeps the question where they are gone', async () => {
  const pointer = (id: string) => ({ content_type: 'image_asset_pointer', asset_pointer: `file-service://${id}` });
  const { messages, leftOut } = await read([
    message('user', text(pointer('file-here'))),
    message('assistant', text('Nice.', pointer('file-here'))),
    message('user', text(pointer('file-gone'))),
  ]);
  expect(messages).toMatchObject([
    { text: '', attachments: [{ kind: 'picture', name: 'a.png', blob: { type: 'image/png' } }] },
    { text: 'Nice.' },
    { text: '', attachments: [] },
  ]);
  expect(leftOut).toEqual({ picture: 2 });
});

it('takes title, times and pin, and does without them', async () => {
  const { record, messages } = await read([message('user', text('Hello'), { create_time: 3.5 })], {
    update_time: 9.25,
    is_starred: true,
    current_node: 'm0',
  });
  expect(record).toMatchObject({ title: 'Gardens', named: true, pinned: true, created: 1000, updated: 9250 });
  expect(record.setup).toEqual({ system: '', sampling: {} });
  expect(record.leaf).toBe(messages[0]?.id);
  expect(messages[0]?.created).toBe(3500);
  const bare = await read([message('user', text('Hello'), { create_time: null })], {
    title: null,
    create_time: null,
    update_time: 0.5,
    is_starred: 'yes',
    current_node: 7,
  });
  expect(bare.record).toMatchObject({ title: '', pinned: false, created: SAVED, updated: SAVED });
  expect(bare.messages[0]?.created).toBe(SAVED);
});

it('names the model of an answer where it is told', async () => {
  const { messages } = await read([hello, message('assistant', text('Hi'), { metadata: { model_slug: 'gpt-4o' } })]);
  expect(messages[1]).toMatchObject({ model: 'gpt-4o' });
  expect((await read([hello, message('assistant', text('Hi'))])).messages[1]).toMatchObject({ model: '' });
});

it.each<[string, (object | null)[], object]>([
  ['no message', [null], {}],
  ['no message', [], { mapping: null }],
  ['node is no object', [], { mapping: { a: 5 } }],
  ['node.parent', [], { mapping: { a: { parent: 5 } } }],
  ['node.message', [], { mapping: { a: { message: 5 } } }],
  ['message.author', [{ content: text('Hello') }], {}],
  ['message.content', [{ author: { role: 'user' }, content: 5 }], {}],
  ['content.parts', [message('user', { parts: {} })], {}],
  ['part is no object', [message('user', text(5))], {}],
  ['message.metadata', [message('user', text('Hello'), { metadata: 5 })], {}],
])('leaves the conversation out where there is a fault: %s', async (damage, messages, more) => {
  const outcome = await read(messages, more);
  expect(outcome.damage).toContain(damage);
  expect(outcome.leftOut).toEqual({ conversation: 1 });
});

it('is told apart by its mapping, as an own field', () => {
  expect([{ mapping: 1 }, {}, null, 'mapping', Object.create({ mapping: 1 })].map(isChatGpt)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ]);
});

it('finds the ids of assets wherever they stand', () => {
  const ids = assetIdsIn(
    '{"asset_pointer": "file-service://file-A1"}{"asset_pointer":"sediment://file_b-2"}{"asset_pointer":"https://x"}{"asset_pointer":"sediment://file_b-2"}',
  );
  expect([...ids]).toEqual(['file-A1', 'file_b-2']);
});
