import { describe, expect, it } from 'vitest';
import type { Attachment, MessageRecord, WholeConversation } from '../records.ts';
import { addImported, type ImportTarget } from './add-imported.ts';
import { sampleConversation } from './testing/samples.ts';

/** The sample under other ids, as a file brings it. */
let copies = 0;
function copy(change: (whole: WholeConversation) => void = () => undefined): WholeConversation {
  const whole = sampleConversation();
  const prefix = `${++copies} `;
  const idOf = (id: string | null) => id && prefix + id;
  whole.record = { ...whole.record, id: prefix + whole.record.id, leaf: idOf(whole.record.leaf) };
  whole.messages = whole.messages.map((message) => ({
    ...message,
    id: prefix + message.id,
    parent: idOf(message.parent),
    conversation: whole.record.id,
  }));
  change(whole);
  return whole;
}

class Target implements ImportTarget {
  readonly stored: WholeConversation[] = [];
  added = 0;
  begunAt(created: number) {
    return Promise.resolve(
      this.stored.filter(({ record }) => record.created === created).map(({ record }) => record.id),
    );
  }
  messagesOf(id: string) {
    return Promise.resolve(this.stored.find(({ record }) => record.id === id)?.messages ?? []);
  }
  add(conversations: readonly WholeConversation[]) {
    this.added += 1;
    this.stored.push(...conversations);
    return Promise.resolve();
  }
}

const file = (...conversations: WholeConversation[]) => ({
  ...{ source: 'fournil' as const, conversations, leftOut: { message: 2 }, damage: '' },
});

describe('imported conversations', () => {
  it('are added once, however often they come', async () => {
    const target = new Target();
    const [one, two] = [copy(), copy()];
    expect(await addImported(file(one, two), target)).toEqual({
      source: 'fournil',
      conversations: 1,
      messages: one.messages.length,
      already: 1,
      leftOut: { message: 2 },
      first: one.record.id,
    });
    expect(target.stored).toEqual([one]);
    expect(await addImported(file(copy()), target)).toMatchObject({
      conversations: 0,
      messages: 0,
      already: 1,
      first: null,
    });
    expect(target.added).toBe(1);
  });

  const first = ({ messages }: WholeConversation) => messages[0] as MessageRecord & { attachments: Attachment[] };
  it.each<[string, (whole: WholeConversation) => void]>([
    ['begun at another time', (whole) => (whole.record.created += 1)],
    ['with another text', (whole) => (first(whole).text += '!')],
    ['with a message of another time', (whole) => (first(whole).created += 1)],
    ['with a message more', (whole) => whole.messages.push({ ...first(whole), id: 'x' })],
    ['with a file less', (whole) => first(whole).attachments.pop()],
    ['with another file name', (whole) => Object.assign(first(whole).attachments[0] ?? {}, { name: 'b' })],
    ['with another file', (whole) => Object.assign(first(whole).attachments[0] ?? {}, { blob: new Blob(['other']) })],
    ['of which others said something', (whole) => Object.assign(first(whole), { role: 'assistant' })],
  ])('are others when they are %s', async (_, change) => {
    const target = new Target();
    await addImported(file(copy()), target);
    expect(await addImported(file(copy(change)), target)).toMatchObject({ conversations: 1, already: 0 });
    expect(target.stored).toHaveLength(2);
  });

  it('are the same in whatever order their messages are', async () => {
    const target = new Target();
    await addImported(file(copy()), target);
    const reversed = copy((whole) => void whole.messages.reverse());
    expect(await addImported(file(reversed), target)).toMatchObject({ already: 1 });
  });
});
