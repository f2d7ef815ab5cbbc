/** Every field of our own files is checked: what is wrong anywhere leaves the conversation out. */
import { expect, it } from 'vitest';
import type { ConversationRecord } from '../records.ts';
import { ImportError } from './format.ts';
import { readFile } from './read-file.ts';
import { PNG, sampleConversation } from './testing/samples.ts';
import { toJson } from './write-json.ts';

/** Anything of a parsed file; what a test changes in it is the test's matter. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Json = any;

async function conversationWith(
  change: (conversation: Json) => void,
): Promise<ConversationRecord & { messages: Json[] }> {
  const file = JSON.parse(await (await toJson([sampleConversation()])).text()) as { conversations: Json[] };
  change(file.conversations[0]);
  const { conversations } = await readFile(new File([JSON.stringify(file)], 'file'));
  const [whole] = conversations;
  if (!whole) throw new Error('no conversation');
  return { ...whole.record, messages: whole.messages };
}
async function damage(change: (conversation: Json) => void): Promise<string> {
  const cause: unknown = await conversationWith(change).catch((error: unknown) => error);
  return cause instanceof ImportError && cause.code === 'damaged' ? cause.detail : `not damaged: ${String(cause)}`;
}

const long = (length: number) => 'x'.repeat(length);

type Case = [where: string, change: (conversation: Json) => void];
const cases: Case[] = [
  ['conversation.title', (c) => (c.title = 5)],
  ['conversation.title', (c) => (c.title = long(1001))],
  ['conversation.named', (c) => (c.named = 'yes')],
  ['conversation.pinned', (c) => (c.pinned = 1)],
  ['conversation.created', (c) => (c.created = -1)],
  ['conversation.updated', (c) => delete c.updated],
  ['conversation.setup', (c) => (c.setup = [])],
  ['conversation.setup.system', (c) => (c.setup.system = null)],
  ['conversation.setup.sampling', (c) => delete c.setup.sampling],
  ['conversation.setup.sampling.temperature', (c) => (c.setup.sampling.temperature = -1)],
  ['conversation.setup.sampling.seed', (c) => (c.setup.sampling.seed = '7')],
  ['conversation.setup.maxNewTokens', (c) => (c.setup.maxNewTokens = 0)],
  ['conversation.setup.model', (c) => (c.setup.model = 'a model')],
  ['conversation.setup.model.key', (c) => (c.setup.model = { id: 'a' })],
  ['conversation.setup.model.id', (c) => (c.setup.model = { key: 'a', id: long(1001) })],
  ['conversation.memory', (c) => (c.memory = 'all')],
  ['conversation.memory.from', (c) => (c.memory.from = 5)],
  ['conversation.memory.summary', (c) => (c.memory.summary = 5)],
  ['conversation.memory.whenFull', (c) => (c.memory.whenFull = 'forget')],
  ['conversation.leaf', (c) => (c.leaf = 'nobody')],
  ['conversation.leaf', (c) => (c.leaf = null)],
  ['conversation.leaf', (c) => (c.messages = [])],
  ['conversation.messages', (c) => (c.messages = {})],
  ['message is no object', (c) => (c.messages[0] = 'Hello')],
  ['message.id', (c) => (c.messages[0].id = 5)],
  ['an id is there twice', (c) => (c.messages[6].id = c.messages[4].id)],
  ['message.parent', (c) => delete c.messages[0].parent],
  ['a message follows one that is not there', (c) => (c.messages[1].parent = 'nobody')],
  ['take turns', (c) => (c.messages[1].parent = c.messages[2].id)],
  ['take turns', (c) => (c.messages[1].parent = null)],
  ['in a circle', (c) => (c.messages[0].parent = c.messages[2].id)],
  ['message.created', (c) => (c.messages[0].created = 'today')],
  ['message.text', (c) => (c.messages[0].text = ['Hello'])],
  ['message.role', (c) => (c.messages[0].role = 'system')],
  ['message.model', (c) => (c.messages[2].model = null)],
  ['message.finish', (c) => delete c.messages[2].finish],
  ['message.finish.reason', (c) => (c.messages[2].finish.reason = 'bored')],
  ...['promptTokens', 'reusedTokens', 'generatedTokens', 'contextTokens'].map((name): Case => [
    `message.finish.usage.${name}`,
    (c) => (c.messages[2].finish.usage[name] = -1),
  ]),
  ...['timeToFirstToken', 'prefillRate', 'decodeRate'].map((name): Case => [
    `message.finish.timing.${name}`,
    (c) => Reflect.deleteProperty(c.messages[2].finish.timing, name),
  ]),
  ['message.error', (c) => (c.messages[1].error = 'lost')],
  ['message.error.code', (c) => (c.messages[1].error.code = 'lost')],
  ['message.error.detail', (c) => delete c.messages[1].error.detail],
  ['message.attachments', (c) => delete c.messages[0].attachments],
  ['message.attachments', (c) => (c.messages[0].attachments = Array(101).fill(c.messages[0].attachments[0]))],
  ['attachment is no object', (c) => (c.messages[0].attachments[0] = null)],
  ['attachment.kind', (c) => (c.messages[0].attachments[0].kind = 'film')],
  ['attachment.type', (c) => delete c.messages[0].attachments[0].type],
  ['attachment.type: no picture', (c) => (c.messages[0].attachments[0].type = 'text/html')],
  ['attachment.type: no picture', (c) => (c.messages[0].attachments[0].type = 'image/svg+xml')],
  ['attachment.base64', (c) => (c.messages[0].attachments[0].base64 = 5)],
  ['attachment.base64: unreadable, or too large', (c) => (c.messages[0].attachments[0].base64 = `${PNG} `)],
  ['attachment.name', (c) => (c.messages[0].attachments[0].name = long(1001))],
  ['attachment.text', (c) => (c.messages[0].attachments[1].text = 5)],
];
it.each(cases)('%s', async (where, change) => {
  expect(await damage(change)).toContain(where);
});

it('takes what may be left out, at its limits, and nothing that it does not know', async () => {
  const copy = await conversationWith((c) => {
    Object.assign(c, { title: long(1000), harm: 1 });
    Object.assign(c.setup, { model: null, harm: 1 });
    Object.assign(c.setup.sampling, { harm: 1 });
    delete c.memory;
    delete c.setup.maxNewTokens;
    delete c.messages[0].attachments[1].text;
    // JSON writes an infinite rate as null.
    Object.assign(c.messages[2].finish.timing, { prefillRate: null, decodeRate: null });
    c.messages[4].finish = null;
  });
  expect(copy.title).toHaveLength(1000);
  expect(copy.setup).toEqual({ model: null, system: 'Be brief.', sampling: { temperature: 0.5, seed: 7 } });
  expect(copy).not.toHaveProperty('memory');
  expect(copy).not.toHaveProperty('harm');
  expect(copy.messages[0].attachments[1]).not.toHaveProperty('text');
  expect(copy.messages[2].finish.timing).toEqual({ timeToFirstToken: 120.5, prefillRate: 0, decodeRate: 0 });
  expect(copy.messages[4].finish).toBeNull();
  expect((await conversationWith((c) => delete c.setup.model)).setup).not.toHaveProperty('model');
});

it('takes a conversation without messages, and one whose model sees all again', async () => {
  expect(await conversationWith((c) => Object.assign(c, { messages: [], leaf: null }))).toMatchObject({
    leaf: null,
    messages: [],
    memory: { summary: 'We looked at a pixel.' },
  });
  const { memory } = await conversationWith((c) => (c.memory.from = 'nobody'));
  expect(memory).toEqual({ summary: 'We looked at a pixel.', whenFull: 'leaveOut' });
  const other = await conversationWith((c) => (c.memory = { whenFull: 'sumUp' }));
  expect(other.memory).toEqual({ whenFull: 'sumUp' });
});
