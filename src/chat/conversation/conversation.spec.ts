import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Finish, LoadedModel } from '../../../protocol/engine.ts';
import { EngineClient } from '../../models/engine-client.ts';
import { ModelStore } from '../../models/model.svelte.ts';
import { ScriptedWorker } from '../../models/testing/scripted-worker.ts';
import { stubPictures } from '../draft/testing/stub-pictures.ts';
import { Conversation } from './conversation.svelte.ts';
import type { AnswerTurn } from './turns.svelte.ts';

const loaded = { id: 'built-in', device: 'webgpu' } as LoadedModel;
const finish = (reason: Finish['reason']): Finish => ({
  reason,
  usage: { promptTokens: 9, reusedTokens: 0, generatedTokens: 2, contextTokens: 100 },
  timing: { timeToFirstToken: 1, prefillRate: 1, decodeRate: 1 },
});
/** Resolves once all microtasks and due timers have run. */
const settle = () => vi.advanceTimersByTimeAsync(0);
const png = (name = 'a.png') => new File(['png'], name, { type: 'image/png' });

async function open({ load = true } = {}) {
  const worker = new ScriptedWorker();
  const models = new ModelStore('m/', { engine: new EngineClient(() => worker) });
  void models.load();
  if (load) worker.reply({ result: loaded });
  await settle();
  const conversation = new Conversation(models);
  const write = async (text: string) => {
    conversation.draft.text = text;
    conversation.send();
    await settle();
  };
  /** The messages of the last `generate` call. */
  const asked = () => {
    const last = worker.heard.findLast((heard) => 'call' in heard && heard.call.type === 'generate');
    if (!last || !('call' in last) || last.call.type !== 'generate') throw new Error('nothing was asked');
    return last.call.messages;
  };
  return { worker, models, conversation, write, asked };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => setTimeout(run));
  vi.stubGlobal('cancelAnimationFrame', clearTimeout);
  stubPictures();
});
afterEach(() => void vi.useRealTimers());

describe('Conversation', () => {
  it('sends pictures before the text, and the whole history each time', async () => {
    const { worker, conversation, write, asked } = await open();
    await conversation.draft.addFiles([png()]);
    await write(' What is this? ');
    expect(asked()).toMatchObject([
      { role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'What is this?' }] },
    ]);
    worker.reply({ delta: 'A cir' });
    worker.reply({ delta: 'cle.' });
    worker.reply({ result: finish('stop') });
    await settle();
    expect(conversation.lastAnswer).toMatchObject({ text: 'A circle.', status: 'done', error: null });
    await write('Sure?');
    expect(asked().slice(1)).toEqual([
      { role: 'assistant', content: 'A circle.' },
      { role: 'user', content: 'Sure?' },
    ]);
  });

  it('keeps a message until the model is there, also when loading failed first', async () => {
    const { worker, models, conversation, write, asked } = await open({ load: false });
    await write('Hello');
    expect(conversation.lastAnswer?.status).toBe('waiting');
    worker.reply({ error: { code: 'network', detail: '' } });
    await settle();
    expect(conversation.modelFailed).toBe(true);
    expect(conversation.lastAnswer?.status).toBe('waiting');
    void models.load();
    worker.reply({ result: loaded });
    await settle();
    expect(asked()).toEqual([{ role: 'user', content: 'Hello' }]);
  });

  it('keeps the partial text of an answer that was stopped', async () => {
    const { worker, conversation, write, asked } = await open();
    await write('Count');
    worker.reply({ delta: 'One' });
    const { id } = worker.heard.at(-1) ?? { id: 0 };
    conversation.stop();
    worker.say({ id, result: finish('aborted') });
    await settle();
    expect(conversation.lastAnswer).toMatchObject({ text: 'One', stopped: true, unanswered: false });
    await write('More');
    expect(asked()[1]).toEqual({ role: 'assistant', content: 'One' });
  });

  it('can ask again after a failure', async () => {
    const { worker, conversation, write, asked } = await open();
    await write('Hello');
    worker.reply({ error: { code: 'out-of-memory', detail: 'x' } });
    await settle();
    expect(conversation.lastAnswer).toMatchObject({ status: 'failed', error: { code: 'out-of-memory' } });
    conversation.retry();
    await settle();
    expect(asked()).toEqual([{ role: 'user', content: 'Hello' }]);
    expect(conversation.turns).toHaveLength(2);
  });

  it('gives a question back with its pictures, before what was written since', async () => {
    const { worker, conversation, write } = await open();
    await conversation.draft.addFiles([png('one.png')]);
    await write('Hello');
    worker.reply({ error: { code: 'picture-broken', detail: '' } });
    await settle();
    conversation.draft.text = 'And';
    await conversation.draft.addFiles([png('two.png')]);
    conversation.takeBack();
    expect(conversation.draft.text).toBe('Hello\n\nAnd');
    expect(conversation.draft.attachments.map(({ name }) => name)).toEqual(['one.png', 'two.png']);
    expect(conversation.turns).toEqual([]);
  });

  it('gives a question back without losing its other answers', async () => {
    const { worker, conversation, write } = await open();
    await write('Hello');
    worker.reply({ delta: 'Hi.' });
    worker.reply({ result: finish('stop') });
    await settle();
    conversation.regenerate(conversation.lastAnswer as AnswerTurn);
    await settle();
    worker.reply({ error: { code: 'internal', detail: '' } });
    await settle();
    conversation.takeBack();
    expect(conversation.draft.text).toBe('Hello');
    expect(conversation.turns.map(({ text }) => text)).toEqual(['Hello', 'Hi.']);
  });

  it('does not tell the model again what it cannot take, but what failed for another reason', async () => {
    const { worker, conversation, write, asked } = await open();
    await conversation.draft.addFiles([png()]);
    await write('Broken');
    worker.reply({ error: { code: 'picture-broken', detail: '' } });
    await settle();
    await write('Kept');
    expect(asked()).toEqual([{ role: 'user', content: 'Kept' }]);
    worker.reply({ error: { code: 'internal', detail: '' } });
    await settle();
    await write('Now');
    expect(asked()).toEqual([
      { role: 'user', content: 'Kept' },
      { role: 'user', content: 'Now' },
    ]);
  });

  it('leaves the draft alone when a ready-made question is asked', async () => {
    const { conversation, asked } = await open();
    conversation.draft.text = 'My own';
    await conversation.askAbout('What is this?', [png()]);
    await settle();
    expect(conversation.draft.text).toBe('My own');
    expect(asked()[0]?.content).toMatchObject([{ type: 'image' }, { type: 'text', text: 'What is this?' }]);
  });

  it('announces sentences, and why an answer ended early', async () => {
    const { worker, conversation, write } = await open();
    await write('Tell me');
    worker.reply({ delta: 'One. Two' });
    expect(conversation.announcer.sentences.map(({ text }) => text)).toEqual(['One.']);
    worker.reply({ result: finish('length') });
    await settle();
    expect(conversation.announcer.sentences.map(({ text }) => text)).toEqual([
      'One.',
      'Two',
      'The answer reached the length that was asked for.',
    ]);
  });
});
