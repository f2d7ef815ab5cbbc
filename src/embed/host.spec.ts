import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FromFrame } from '../../protocol/embed.ts';
import { EngineError, type Finish, type LoadedModel } from '../../protocol/engine.ts';
import { StoreError } from '../../protocol/store.ts';
import type { ModelState, ModelStore } from '../models/model.svelte.ts';
import { MemoryStorage } from '../models/testing/memory-storage.ts';
import { Host, MAX_JOBS } from './host.svelte.ts';

const HOST = 'https://host.example';
const loaded = {
  id: 'built-in',
  dtype: 'q4',
  device: 'webgpu',
  adapter: 'a rare GPU',
  vision: true,
  contextLength: 100,
} as LoadedModel;
const messages = [{ role: 'user', content: 'Hello' }];
/** Resolves once all microtasks and due timers have run. */
const settle = () => vi.advanceTimersByTimeAsync(0);

/** The part of the model store that requests use; the test decides how calls end. */
class Models {
  state: ModelState = { is: 'ready', model: loaded };
  loads = 0;
  closed = false;
  running: { options: Parameters<ModelStore['generate']>[1]; end: (finish: object) => void }[] = [];
  load = () => {
    this.loads++;
    return Promise.resolve();
  };
  count = () => Promise.resolve({ promptTokens: 4, reusedTokens: 0, contextTokens: 100 });
  generate: ModelStore['generate'] = (_messages, options) =>
    new Promise((resolve, reject) => {
      this.running.push({ options, end: (finish) => resolve(finish as Finish) });
      options.signal.addEventListener('abort', () => reject(new EngineError('aborted')));
    });
  close = () => {
    this.closed = true;
  };
}

function open() {
  const sent: { message: FromFrame; to: string }[] = [];
  const parent = { postMessage: (message: FromFrame, to: string) => sent.push({ message, to }) };
  const opened: Models[] = [];
  const host = new Host(parent as never, () => {
    const models = new Models();
    opened.push(models);
    return models;
  });
  const hear = async (data: unknown, origin = HOST, source: unknown = parent) => {
    host.hear({ source: source as Window, origin, data });
    await settle();
  };
  const ask = (id: string, fields: object) => hear({ fournil: 1, id, ...fields });
  const about = (id: string | null) =>
    sent.map(({ message }) => message).filter((each) => 'id' in each && each.id === id);
  return { host, opened, sent, hear, ask, about };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('localStorage', new MemoryStorage());
});
afterEach(() => void vi.useRealTimers());

describe('a host', () => {
  it('waits for the person, and nothing is opened before they allow it', async () => {
    const { host, opened, ask, about, sent } = open();
    await ask('s', { type: 'status' });
    expect(host.permission).toBe('unasked');
    await ask('g', { type: 'generate', messages });
    expect(host.permission).toBe('asked');
    expect(opened).toEqual([]);
    expect(about('s')).toEqual([
      { fournil: 1, id: 's', result: { permission: 'unasked', engine: 'empty', model: null } },
    ]);
    host.allow('once');
    await settle();
    const [job] = opened[0]?.running ?? [];
    job?.options.onDelta('Hi');
    expect(host.jobs.map(({ stage, question }) => [stage, question])).toEqual([['writing', 'Hello']]);
    job?.end({ reason: 'stop' });
    await settle();
    expect(about('g')).toEqual([
      { fournil: 1, id: 'g', delta: 'Hi' },
      { fournil: 1, id: 'g', result: { reason: 'stop' } },
    ]);
    // No other origin gets a message.
    expect(new Set(sent.map(({ to }) => to))).toEqual(new Set([HOST]));
    expect(open().host.permission).toBe('unasked');
  });

  it('that is refused gets an error for what waits and what comes', async () => {
    const { host, opened, ask, about } = open();
    await ask('a', { type: 'load' });
    host.refuse();
    await settle();
    await ask('b', { type: 'count', messages });
    for (const id of ['a', 'b']) expect(about(id)).toMatchObject([{ error: { code: 'not-allowed' } }]);
    expect(opened).toEqual([]);
    // The person may change their mind.
    host.askAgain();
    host.allow('once');
    await ask('c', { type: 'count', messages });
    expect(about('c')).toMatchObject([{ result: { promptTokens: 4 } }]);
  });

  it('that is always allowed is known again, until it is taken back', async () => {
    const first = open();
    await first.ask('a', { type: 'load' });
    first.host.allow('always');
    const second = open();
    await second.ask('a', { type: 'load' });
    expect(second.host.permission).toBe('always');
    // The adapter's description is left out.
    const { id, dtype, device, vision, contextLength } = loaded;
    expect(second.about('a')).toEqual([{ fournil: 1, id: 'a', result: { id, dtype, device, vision, contextLength } }]);
    const other = open();
    await other.hear({ fournil: 1, id: 'a', type: 'load' }, 'https://other.example');
    expect(other.host.permission).toBe('asked');
    second.host.refuse();
    const third = open();
    await third.ask('a', { type: 'load' });
    expect(third.host.permission).toBe('asked');
  });

  it('hears no more of an answer when the permission is taken back', async () => {
    const { host, opened, ask, about } = open();
    await ask('g', { type: 'generate', messages });
    host.allow('once');
    await settle();
    const [models] = opened;
    host.refuse();
    models?.running[0]?.options.onDelta('late');
    await settle();
    expect(models?.closed).toBe(true);
    expect(host.models).toBeNull();
    expect(about('g')).toMatchObject([{ error: { code: 'not-allowed' } }]);
    expect(host.jobs).toEqual([]);
  });

  it('stops what it asked for, wherever that is', async () => {
    const { host, ask, about } = open();
    await ask('a', { type: 'generate', messages });
    await ask('x', { type: 'stop', request: 'a' });
    expect(about('a')).toMatchObject([{ error: { code: 'aborted' } }]);
    expect(about('x')).toMatchObject([{ result: { stopped: true } }]);
    host.allow('once');
    await ask('b', { type: 'generate', messages });
    host.stop();
    await settle();
    expect(about('b')).toMatchObject([{ error: { code: 'aborted' } }]);
    await ask('y', { type: 'stop', request: 'b' });
    expect(about('y')).toMatchObject([{ result: { stopped: false } }]);
  });

  it('is told how loading goes, and why it failed', async () => {
    const { host, opened, ask, about } = open();
    await ask('s', { type: 'status' });
    host.allow('once');
    const [models] = opened;
    if (!models) throw new Error('nothing was opened');
    models.state = { is: 'loading', progress: { stage: 'files', done: 1, total: 2 } };
    await ask('a', { type: 'load' });
    models.state = { is: 'failed', error: new StoreError('quota') };
    await vi.waitFor(() => expect(about('a')).toHaveLength(2), 30_000);
    expect(about('a')).toMatchObject([
      { progress: { stage: 'files', done: 1, total: 2 } },
      { error: { code: 'store-quota' } },
    ]);
    models.state = { is: 'elsewhere' };
    await ask('b', { type: 'load' });
    expect(about('b')).toMatchObject([{ error: { code: 'elsewhere' } }]);
  });

  it('may not ask for more than there is room for, nor twice under one id', async () => {
    const { ask, about, host } = open();
    for (let i = 0; i < MAX_JOBS; i++) await ask(`${i}`, { type: 'load' });
    await ask('more', { type: 'load' });
    expect(about('more')).toMatchObject([{ error: { code: 'too-many' } }]);
    await ask('3', { type: 'load' });
    expect(about('3')).toMatchObject([{ error: { code: 'bad-message' } }]);
    expect(host.jobs).toHaveLength(MAX_JOBS);
  });

  it('is the window around the frame, of one origin, and nobody else', async () => {
    const { sent, hear, host } = open();
    const request = { fournil: 1, id: 'a', type: 'load' };
    await hear(request, HOST, {});
    await hear(request, HOST, null);
    await hear({ type: 'webpack' });
    await hear('fournil');
    expect(sent).toEqual([]);
    expect(host.origin).toBeNull();
    await hear({ ...request, type: 'status' });
    await hear(request, 'https://other.example');
    expect(host.permission).toBe('unasked');
    expect(sent).toHaveLength(1);
  });

  it('without an origin cannot be allowed', async () => {
    const { sent, hear, host } = open();
    await hear({ fournil: 1, id: 'a', type: 'load' }, 'null');
    expect(sent).toMatchObject([{ message: { id: null, error: { code: 'no-origin' } }, to: '*' }]);
    expect(host.permission).toBe('unasked');
  });

  it('gets an error for what is malformed, and the frame goes on', async () => {
    const { hear, about, ask } = open();
    await hear({ fournil: 1 });
    await hear({ fournil: 9, id: 'v', type: 'status' });
    await ask('m', { type: 'generate', messages: 'Hello' });
    expect(about(null)).toMatchObject([{ error: { code: 'bad-message' } }]);
    expect(about('v')).toMatchObject([{ error: { code: 'unknown-version' } }]);
    expect(about('m')).toMatchObject([{ error: { code: 'bad-message' } }]);
    await ask('s', { type: 'status' });
    expect(about('s')).toMatchObject([{ result: { permission: 'unasked' } }]);
  });
});
