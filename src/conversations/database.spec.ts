import 'fake-indexeddb/auto';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { Database } from './database.ts';
import type { AnswerRecord, ConversationRecord, QuestionRecord } from './records.ts';

const conversation = (id: string, more: Partial<ConversationRecord> = {}): ConversationRecord => ({
  id,
  title: `About ${id}`,
  named: false,
  pinned: false,
  created: 1,
  updated: 2,
  setup: { system: '', sampling: {} },
  leaf: null,
  ...more,
});
const question = (id: string, of: string, text: string, more: Partial<QuestionRecord> = {}): QuestionRecord => ({
  id,
  conversation: of,
  parent: null,
  created: 1,
  role: 'user',
  text,
  attachments: [],
  ...more,
});
const answer = (id: string, of: string, parent: string, text: string): AnswerRecord => ({
  id,
  conversation: of,
  parent,
  created: 2,
  role: 'assistant',
  text,
  model: 'Gemma',
  finish: null,
  error: null,
});

let count = 0;
const opened: Database[] = [];
function open(name = `database ${++count}`): Database {
  const database = new Database(name);
  opened.push(database);
  return database;
}
afterEach(() => opened.splice(0).forEach((database) => database.close()));

describe('the database', () => {
  it('keeps conversations and their messages, with their files', async () => {
    const name = 'kept';
    const picture = {
      id: 'p',
      kind: 'picture' as const,
      name: 'cat.png',
      blob: new Blob(['meow'], { type: 'image/png' }),
    };
    const asked = question('q', 'c', 'What is it?', { attachments: [picture] });
    const first = open(name);
    await first.put(conversation('c', { leaf: 'a' }), [asked, answer('a', 'c', 'q', 'A cat.')], []);
    first.close();
    const again = open(name);
    expect(await again.list()).toEqual([conversation('c', { leaf: 'a' })]);
    const messages = await again.messagesOf('c');
    expect(messages.map(({ text }) => text).sort()).toEqual(['A cat.', 'What is it?']);
    const [kept] = messages.flatMap((message) => (message.role === 'user' ? message.attachments : []));
    expect([kept?.name, kept?.blob.type, await kept?.blob.text()]).toEqual(['cat.png', 'image/png', 'meow']);
  });

  it('forgets what went, and only that', async () => {
    const database = open();
    for (const id of ['c', 'd']) await database.put(conversation(id), [question(`${id}1`, id, 'Hello')], []);
    await database.put(conversation('c'), [], ['c1']);
    expect(await database.messagesOf('c')).toEqual([]);
    await database.remove('c');
    expect((await database.list()).map(({ id }) => id)).toEqual(['d']);
    expect(await database.messagesOf('d')).toHaveLength(1);
    await database.removeEverything();
    expect([await database.list(), await database.messagesOf('d')]).toEqual([[], []]);
  });

  it('keeps what is being written until it is sent or deleted', async () => {
    const database = open();
    const file = (id: string, text: string) => ({ id, name: `${id}.txt`, blob: new Blob([text]) });
    const written = (text: string, ...files: ReturnType<typeof file>[]) => ({ text, files });
    const drafts = async () => {
      const both = await Promise.all(['c', 'd'].map((id) => database.draftOf(id)));
      return both.map(({ text, files }) => [text, ...files.map(({ name }) => name)].join(' '));
    };
    const [b, a] = [file('b', 'Second'), file('a', 'First')];
    for (const id of ['c', 'd']) await database.put(conversation(id), [], [], written(`Half of ${id}`));
    await database.put(conversation('c'), [], []);
    await database.putDraft('d', written('All of d', b, a));
    expect(await drafts()).toEqual(['Half of c', 'All of d b.txt a.txt']);
    expect(await (await database.draftOf('d')).files[1]?.blob.text()).toBe('First');
    await database.putDraft('d', written('All of d', a, b));
    expect(await drafts()).toEqual(['Half of c', 'All of d a.txt b.txt']);
    await database.putDraft('d', written('', b));
    expect(await drafts()).toEqual(['Half of c', ' b.txt']);
    await database.put(conversation('c'), [question('q', 'c', 'Half of c')], [], null);
    expect(await drafts()).toEqual(['', ' b.txt']);
    // The file moves to another conversation.
    await database.putDraft('c', written('', b));
    await database.remove('d');
    expect(await drafts()).toEqual([' b.txt', '']);
    await database.removeEverything();
    expect(await drafts()).toEqual(['', '']);
  });

  it('stores a file of a draft once, and deletes it with the draft that had it', async () => {
    const name = 'draft files';
    const database = open(name);
    await database.put(conversation('c'), [], []);
    const first = { id: 'a', name: 'a.txt', blob: new Blob(['First']) };
    await database.putDraft('c', { text: '', files: [first, { ...first, id: 'b' }] });
    await database.putDraft('c', { text: 'More', files: [{ ...first, blob: new Blob(['Again']) }] });
    expect(await (await database.draftOf('c')).files[0]?.blob.text()).toBe('First');
    const raw = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open(name);
      request.onsuccess = () => resolve(request.result);
    });
    const stored = await new Promise<IDBValidKey[]>((resolve) => {
      const request = raw.transaction('draftFiles').objectStore('draftFiles').getAllKeys();
      request.onsuccess = () => resolve(request.result);
    });
    raw.close();
    expect(stored).toEqual(['a']);
  });

  it('keeps a conversation for its draft, unless another tab has gone on with it', async () => {
    const database = open();
    const draft = { text: 'Half a thought', files: [] };
    await database.putWithoutMessages(conversation('c'), draft);
    expect([await database.list(), await database.draftOf('c')]).toEqual([[conversation('c')], draft]);
    await database.putWithoutMessages(conversation('c'), null);
    expect([await database.list(), (await database.draftOf('c')).text]).toEqual([[], '']);
    await database.put(conversation('c', { leaf: 'q' }), [question('q', 'c', 'A thought')], [], null);
    for (const each of [draft, null]) await database.putWithoutMessages(conversation('c'), each);
    expect(await database.list()).toEqual([conversation('c', { leaf: 'q' })]);
    expect(await database.messagesOf('c')).toHaveLength(1);
  });

  it('changes a conversation that is kept, and makes none', async () => {
    const database = open();
    await database.put(conversation('c'), [], []);
    expect(await database.change('c', { title: 'Cats', named: true })).toBe(true);
    expect(await database.change('gone', { title: 'Dogs' })).toBe(false);
    expect(await database.list()).toEqual([conversation('c', { title: 'Cats', named: true })]);
  });

  it('adds all that comes, or nothing', async () => {
    const database = open();
    await database.put(conversation('c', { created: 7 }), [], []);
    const fresh = { record: conversation('d', { created: 7 }), messages: [question('q', 'd', 'Hello')] };
    const known = { record: conversation('c'), messages: [] };
    await expect(database.add([fresh, known])).rejects.toThrow();
    expect((await database.list()).map(({ id }) => id)).toEqual(['c']);
    expect(await database.messagesOf('d')).toEqual([]);
    await database.add([fresh]);
    expect((await database.begunAt(7)).sort()).toEqual(['c', 'd']);
  });

  it('finds words in any message, and says where', async () => {
    const database = open();
    await database.put(
      conversation('c'),
      [question('q', 'c', 'Où est l’école ?'), answer('a', 'c', 'q', 'Là-bas.')],
      [],
    );
    await database.put(conversation('d'), [question('r', 'd', 'Where is the school?')], []);
    const found = await database.search('ecole');
    expect([...found.keys()]).toEqual(['c']);
    expect(found.get('c')).toEqual({ message: 'q', before: 'Où est l’', found: 'école', after: ' ?' });
    const messages = [question('2', 'd', 'The school again'), question('1', 'd', 'A school')];
    await database.put(conversation('d'), messages, ['r']);
    expect((await database.search('school')).get('d')?.message).toBe('1');
  });

  it('is the app’s own unless another name is given, and is closed for good', async () => {
    const database = new Database();
    expect(await database.list()).toEqual([]);
    expect((await indexedDB.databases()).map(({ name }) => name)).toContain('fournil');
    database.close();
    await expect(database.list()).rejects.toThrow();
  });

  it('tells of what another tab changes', async () => {
    const [here, there] = [open('shared'), open('shared')];
    const heard: string[][] = [];
    const end = here.watch(
      (list) => heard.push(list.map(({ id }) => id)),
      (cause) => {
        throw cause;
      },
    );
    await expect.poll(() => heard.at(-1)).toEqual([]);
    await there.put(conversation('c'), [], []);
    await expect.poll(() => heard.at(-1)).toEqual(['c']);
    end();
    const before = heard.length;
    let listed = 0;
    onTestFinished(
      there.watch(
        (list) => (listed = list.length),
        () => undefined,
      ),
    );
    await there.put(conversation('d'), [], []);
    await expect.poll(() => listed).toBe(2);
    expect(heard).toHaveLength(before);
  });

  it.each([1, 2])('opens the database of version %d, and loses nothing', async (version) => {
    const name = `old ${version}`;
    // Creates the schema of that version; Dexie multiplies versions by ten.
    const old = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(name, version * 10);
      request.onupgradeneeded = () => {
        const conversations = request.result.createObjectStore('conversations', { keyPath: 'id' });
        if (version > 1) conversations.createIndex('created', 'created');
        request.result.createObjectStore('messages', { keyPath: 'id' }).createIndex('conversation', 'conversation');
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(new Error('not opened'));
    });
    await new Promise<void>((resolve) => {
      const writing = old.transaction(['conversations', 'messages'], 'readwrite');
      writing.objectStore('conversations').add(conversation('c', { created: 5 }));
      writing.objectStore('messages').add(question('q', 'c', 'Hello'));
      writing.oncomplete = () => resolve();
    });
    old.close();
    const database = open(name);
    expect(await database.begunAt(5)).toEqual(['c']);
    expect(await database.list()).toEqual([conversation('c', { created: 5 })]);
    expect(await database.messagesOf('c')).toEqual([question('q', 'c', 'Hello')]);
    await database.putDraft('c', { text: 'And', files: [] });
    expect(await database.draftOf('c')).toEqual({ text: 'And', files: [] });
  });
});
