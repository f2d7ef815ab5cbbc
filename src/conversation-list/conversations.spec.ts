import 'fake-indexeddb/auto';
import { flushSync } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Finish, LoadedModel } from '../../protocol/engine.ts';
import { EngineClient } from '../models/engine-client.ts';
import { ModelStore } from '../models/model.svelte.ts';
import { ScriptedWorker } from '../models/testing/scripted-worker.ts';
import type { Conversation } from '../chat/conversation/conversation.svelte.ts';
import type { AnswerTurn, UserTurn } from '../chat/conversation/turns.svelte.ts';
import { Conversations } from './conversations.svelte.ts';
import { Database } from '../conversations/database.ts';

const finish = (reason: Finish['reason'] = 'stop'): Finish => ({
  reason,
  usage: { promptTokens: 9, reusedTokens: 0, generatedTokens: 2, contextTokens: 100 },
  timing: { timeToFirstToken: 1, prefillRate: 1, decodeRate: 1 },
});
/** The draft of a conversation that has none. */
const NOTHING = { text: '', files: [] };

let count = 0;
const opened: Database[] = [];
function database(name = `conversations ${++count}`): Database {
  const each = new Database(name);
  opened.push(each);
  return each;
}

async function open(kept: Database | Error = database()) {
  const worker = new ScriptedWorker();
  const models = new ModelStore('m/', { engine: new EngineClient(() => worker) });
  const loading = models.load();
  worker.reply({ result: { id: 'built-in', device: 'webgpu' } as LoadedModel });
  await loading;
  const conversations = new Conversations(models, () =>
    kept instanceof Error ? Promise.reject(kept) : Promise.resolve(kept),
  );
  onTestFinished(conversations.start());
  /** Resolves when the last answer of the conversation that is shown has come so far. */
  const reached = (status: AnswerTurn['status'], { current }: { current: Conversation } = conversations) =>
    expect.poll(() => current.lastAnswer?.status).toBe(status);
  /** Answers what was asked last. */
  const answerWith = async (text: string) => {
    await reached('reading');
    worker.reply({ delta: text });
    worker.reply({ result: finish() });
    await reached('done');
  };
  const ask = async (text: string, answer?: string) => {
    conversations.current.draft.text = text;
    conversations.current.send();
    if (answer !== undefined) await answerWith(answer);
  };
  const titles = () => conversations.list.map(({ title }) => title);
  const said = () => conversations.current.turns.map(({ text }) => text);
  return { worker, conversations, ask, answerWith, reached, titles, said };
}

beforeEach(() => {
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => setTimeout(run));
  vi.stubGlobal('cancelAnimationFrame', clearTimeout);
});
afterEach(() => {
  vi.useRealTimers();
  opened.splice(0).forEach((each) => each.close());
});

describe('Conversations', () => {
  it('are there again at the next visit, with all their branches', async () => {
    const name = 'visits';
    const first = await open(database(name));
    await first.ask('What is a cat?', 'An animal.');
    await first.ask('And a dog?', 'Another.');
    const [question] = first.conversations.current.turns;
    first.conversations.current.edit(question as UserTurn, 'What is a bird?');
    await first.answerWith('It flies.');
    await first.conversations.current.settled();

    const again = await open(database(name));
    await expect.poll(() => again.titles()).toEqual(['What is a cat?']);
    expect(again.conversations.current.empty).toBe(true);
    const [entry] = again.conversations.list;
    expect(await again.conversations.open(entry?.id ?? '')).toBe(true);
    expect(again.said()).toEqual(['What is a bird?', 'It flies.']);
    const { current } = again.conversations;
    const versions = current.siblings(current.turns[0] as UserTurn);
    expect(versions.map(({ text }) => text)).toEqual(['What is a cat?', 'What is a bird?']);
    current.switchTo(versions[0] as UserTurn);
    expect(again.said()).toEqual(['What is a cat?', 'An animal.', 'And a dog?', 'Another.']);
    await current.settled();

    // The branch that was read is the one that is shown.
    const third = await open(database(name));
    await expect.poll(() => third.titles()).toHaveLength(1);
    await third.conversations.open(entry?.id ?? '');
    expect(third.said()).toHaveLength(4);
  });

  it('keep an answer that was being made when the tab went, and go on with it', async () => {
    const name = 'cut';
    const first = await open(database(name));
    await first.ask('Count');
    await first.reached('reading');
    first.worker.reply({ delta: 'One, two' });
    await first.reached('writing');
    await first.conversations.current.settled();
    const { id } = first.conversations.current;

    const again = await open(database(name));
    await again.conversations.open(id);
    expect(again.said()).toEqual(['Count', 'One, two']);
    const { current } = again.conversations;
    const answer = current.lastAnswer as AnswerTurn;
    expect([answer.stopped, answer.canContinue, answer.running]).toEqual([true, true, false]);
    current.continueAnswer(answer);
    await again.answerWith(', three.');
    expect(again.said()).toEqual(['Count', 'One, two, three.']);
    expect(answer.canContinue).toBe(false);
  });

  it('make an answer again beside the other one', async () => {
    const { conversations, ask, answerWith, said } = await open();
    await ask('A number?', 'One.');
    conversations.current.regenerate(conversations.current.lastAnswer as AnswerTurn);
    await answerWith('Two.');
    expect(said()).toEqual(['A number?', 'Two.']);
    const { current } = conversations;
    expect(current.siblings(current.lastAnswer as AnswerTurn).map(({ text }) => text)).toEqual(['One.', 'Two.']);
  });

  it('go on while another is shown, one answer after the other, and never mix', async () => {
    const { conversations, ask, answerWith, reached, worker, said } = await open();
    await ask('Old');
    await reached('reading');
    const old = conversations.current;
    const { id } = worker.heard.at(-1) ?? { id: 0 };
    conversations.startNew();
    await ask('New');
    await reached('queued');
    worker.say({ id, delta: 'Late words.' });
    worker.say({ id, result: finish() });
    await reached('done', { current: old });
    // A conversation that is not shown is not announced.
    expect([old.announcer.sentences, conversations.current.announcer.sentences]).toEqual([[], []]);
    await answerWith('Fresh words.');
    expect(said()).toEqual(['New', 'Fresh words.']);
    await conversations.open(old.id);
    expect(said()).toEqual(['Old', 'Late words.']);
  });

  it('are stopped while they wait for another', async () => {
    const { conversations, ask, reached } = await open();
    await ask('Old');
    await reached('reading');
    conversations.startNew();
    await ask('New');
    await reached('queued');
    conversations.current.stop();
    await reached('done');
    expect(conversations.current.busy).toBe(false);
    expect(conversations.current.lastAnswer?.stopped).toBe(true);
  });

  it('are named after their first message, or as the person likes', async () => {
    const { conversations, ask, titles } = await open();
    await ask('  Tell me\nabout cats', 'Cats.');
    await expect.poll(titles).toEqual(['Tell me']);
    const { id } = conversations.current;
    await conversations.rename(id, ' Cats ');
    await ask('More', 'Cats.');
    await expect.poll(titles).toEqual(['Cats']);
    conversations.startNew();
    await expect.poll(() => conversations.list[0]?.busy).toBe(false);
    await conversations.rename(id, 'All cats');
    await expect.poll(titles).toEqual(['All cats']);
    // No name: the first message's again.
    await conversations.open(id);
    await conversations.rename(id, ' ');
    await expect.poll(titles).toEqual(['Tell me']);
  });

  it('are in order: private, pinned, then the newest', async () => {
    const { conversations, ask, titles } = await open();
    for (const text of ['One', 'Two', 'Three']) {
      conversations.startNew({ private: text === 'Two' });
      await ask(text, 'Yes.');
      vi.setSystemTime(Date.now() + 1000);
    }
    await expect.poll(titles).toEqual(['Two', 'Three', 'One']);
    await conversations.pin(conversations.list[2]?.id ?? '', true);
    await expect.poll(titles).toEqual(['Two', 'One', 'Three']);
  });

  it('leave no trace where they are private', async () => {
    const name = 'private';
    const { conversations, ask, titles, said } = await open(database(name));
    const secret = conversations.startNew({ private: true });
    await ask('My secret', 'I keep it.');
    secret.draft.text = 'Another secret';
    conversations.startNew();
    await conversations.settled();
    expect(titles()).toEqual(['My secret']);
    const kept = database(name);
    const found = [await kept.list(), await kept.messagesOf(secret.id), await kept.draftOf(secret.id)];
    expect(found).toEqual([[], [], NOTHING]);
    expect((await conversations.search('keep')).map(({ match }) => match?.found)).toEqual(['keep']);
    await conversations.open(secret.id);
    expect(said()).toEqual(['My secret', 'I keep it.']);
    expect((await open(kept)).titles()).toEqual([]);
  });

  it('are gone when they are deleted, here and in other tabs', async () => {
    const name = 'deleted';
    const [here, there] = [await open(database(name)), await open(database(name))];
    await here.ask('Keep me', 'Yes.');
    here.conversations.startNew();
    await here.ask('Delete me', 'No!');
    const { id } = here.conversations.current;
    await expect.poll(() => there.titles()).toEqual(['Delete me', 'Keep me']);
    await there.conversations.open(id);
    await here.conversations.remove(id);
    expect(here.conversations.current.empty).toBe(true);
    await expect.poll(() => there.titles()).toEqual(['Keep me']);
    expect(there.conversations.current.empty).toBe(true);
    const kept = database(name);
    expect(await kept.messagesOf(id)).toEqual([]);
    expect(await here.conversations.removeEverything()).toBe(true);
    await expect.poll(() => there.titles()).toEqual([]);
    expect(await kept.list()).toEqual([]);
    expect(await here.conversations.open(id)).toBe(false);
  });

  it('do not come back when what was deleted is still being answered', async () => {
    const name = 'late';
    const { conversations, ask, reached, worker } = await open(database(name));
    await ask('Delete me');
    await reached('reading');
    const { id } = worker.heard.at(-1) ?? { id: 0 };
    const { current: deleted } = conversations;
    await conversations.remove(deleted.id);
    worker.say({ id, delta: 'Too late' });
    worker.say({ id, result: finish('aborted') });
    await reached('done', { current: deleted });
    await deleted.settled();
    expect(await database(name).list()).toEqual([]);
    expect(conversations.list).toEqual([]);
  });

  it('last as long as the page where the browser keeps nothing, and that is told', async () => {
    const { conversations, ask, titles, said } = await open(new Error('refused'));
    await ask('One', 'Yes.');
    await expect.poll(() => conversations.failure).toBeInstanceOf(Error);
    const { id } = conversations.current;
    conversations.startNew();
    expect(titles()).toEqual(['One']);
    await conversations.open(id);
    expect(said()).toEqual(['One', 'Yes.']);
    await conversations.rename(id, 'First');
    expect(titles()).toEqual(['First']);
    expect(await conversations.whole(id)).toMatchObject({ record: { title: 'First' }, messages: [{}, {}] });
  });

  it('keep what is being written, also where nothing was said yet', async () => {
    const name = 'drafts';
    const { conversations, ask } = await open(database(name));
    const begun = conversations.current;
    begun.settings = { system: 'Be brief.', sampling: {} };
    begun.draft.text = 'Half a thought';
    flushSync();
    // A draft on the page is not listed.
    expect(conversations.list).toEqual([]);
    conversations.startNew();
    await ask('Something else', 'Yes.');
    flushSync();
    expect(conversations.list.map(({ title }) => title)).toEqual(['Something else', 'Half a thought']);
    const said = conversations.current;
    said.draft.text = 'And ';
    await said.draft.addFiles([new File(['Many words.'], 'words.txt', { type: 'text/plain' })]);
    await conversations.settled();

    const again = await open(database(name));
    await expect.poll(() => again.titles()).toEqual(['Something else', 'Half a thought']);
    await again.conversations.open(said.id);
    const { draft } = again.conversations.current;
    await expect.poll(() => draft.attachments).toMatchObject([{ name: 'words.txt', text: 'Many words.' }]);
    expect(draft.text).toBe('And ');
    await again.conversations.open(begun.id);
    const { current } = again.conversations;
    expect([current.draft.text, current.settings.system, current.empty]).toEqual(['Half a thought', 'Be brief.', true]);
    // Its title is that of what is sent.
    await again.ask('A whole thought', 'Good.');
    await current.settled();
    const kept = database(name);
    expect([await kept.draftOf(begun.id), await kept.draftOf(said.id)]).toMatchObject([
      NOTHING,
      { text: 'And ', files: [{ name: 'words.txt' }] },
    ]);
    expect((await kept.get(begun.id))?.title).toBe('A whole thought');
  });

  it('are not kept while nothing is said or written, and stay on the page then', async () => {
    const name = 'nothing';
    const kept = database(name);
    const { watch } = kept;
    /** How many conversations the list was last told of. */
    let listed = -1;
    vi.spyOn(kept, 'watch').mockImplementation((onlist, onerror) =>
      watch.call(kept, (list) => (onlist(list), (listed = list.length)), onerror),
    );
    const { conversations, ask, titles } = await open(kept);
    const { current } = conversations;
    current.draft.text = 'Half a thought';
    await current.settled();
    expect(await kept.list()).toMatchObject([{ id: current.id, title: 'Half a thought' }]);
    await expect.poll(() => listed).toBe(1);
    current.draft.text = ' ';
    await current.settled();
    expect([await kept.list(), await kept.draftOf(current.id)]).toEqual([[], NOTHING]);
    await expect.poll(() => listed).toBe(0);
    expect([conversations.current === current, titles()]).toEqual([true, []]);
    // Back to where it was written, and away from where it was said.
    await ask('A whole thought', 'Yes.');
    current.takeBack();
    await current.settled();
    expect((await kept.get(current.id))?.leaf).toBeNull();
    expect((await kept.draftOf(current.id)).text).toBe('A whole thought');
  });

  it('hand what is being written on to another, with files that are still being read', async () => {
    const { conversations } = await open();
    const { draft } = conversations.current;
    draft.text = 'Sum up this';
    const reading = draft.addFiles([new File(['Many words.'], 'words.txt', { type: 'text/plain' })]);
    const old = conversations.current;
    const next = conversations.startNew({ draft: old.handOverDraft() });
    await reading;
    await conversations.settled();
    const kept = await conversations.database();
    expect([await kept.draftOf(old.id), await kept.draftOf(next.id)]).toMatchObject([
      NOTHING,
      { text: 'Sum up this', files: [{ name: 'words.txt' }] },
    ]);
    expect(old.draft.empty).toBe(true);
    expect([next.draft.text, next.draft.attachments.map(({ text }) => text)]).toEqual(['Sum up this', ['Many words.']]);
  });
});
