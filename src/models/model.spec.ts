import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LoadedModel } from '../../protocol/engine.ts';
import type { FromStore, StoredModel, ToStore } from '../../protocol/store.ts';
import { EngineClient } from './engine-client.ts';
import { type Choice, ModelStore } from './model.svelte.ts';
import { StoreClient } from './store-client.ts';
import { MemoryStorage } from './testing/memory-storage.ts';
import { ScriptedWorker } from './testing/scripted-worker.ts';

const loaded = { id: 'built-in', device: 'webgpu' } as LoadedModel;
const large = { id: 'a/large', device: 'webgpu' } as LoadedModel;
const choice: Choice = { key: 'large_q4', id: 'a/large' };
/** Resolves once all microtasks and due timers have run. */
const settle = () => vi.advanceTimersByTimeAsync(0);

/** The lock of a browser in which another tab may hold it until it is requested. */
class Lock {
  onRequested = () => undefined;
  held = false;
  constructor(public elsewhere = false) {}
  take() {
    this.held = !this.elsewhere;
    return Promise.resolve(this.held);
  }
  takeOver() {
    this.elsewhere = false;
    return this.take();
  }
  release() {
    this.held = false;
  }
}

function open(lock = new Lock()) {
  const workers: ScriptedWorker[] = [];
  const start = () => {
    const worker = new ScriptedWorker();
    workers.push(worker);
    return worker;
  };
  const storeWorker = new ScriptedWorker<ToStore, FromStore>();
  const engine = new EngineClient(start);
  const store = new ModelStore('m/', { engine, store: new StoreClient(() => storeWorker), lock });
  return { workers, store, storeWorker, lock };
}
const callsOf = (worker: ScriptedWorker | undefined) =>
  worker?.heard.map((heard) =>
    'call' in heard ? (heard.call.type === 'load' ? heard.call.model : heard.call.type) : 'abort',
  );

/** Opens a store whose built-in model is ready. */
async function openReady(lock?: Lock) {
  const opened = open(lock);
  void opened.store.load();
  opened.workers[0]?.reply({ result: loaded });
  await settle();
  return opened;
}

/** Opens a store that uses the large model. */
async function openLarge(lock?: Lock) {
  const opened = await openReady(lock);
  void opened.store.use(choice);
  await settle();
  opened.storeWorker.reply({ result: {} as StoredModel });
  await settle();
  opened.workers[0]?.reply({ result: large });
  await settle();
  return opened;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('localStorage', new MemoryStorage());
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('ModelStore', () => {
  it('loads once, however many ask', async () => {
    const { workers, store } = open();
    const { signal } = new AbortController();
    const both = Promise.all([store.ready(signal), store.ready(signal)]);
    expect(workers[0]?.heard).toHaveLength(1);
    workers[0]?.reply({ result: loaded });
    await both;
    await store.ready(signal);
    expect(workers[0]?.heard).toHaveLength(1);
    expect(store.state).toEqual({ is: 'ready', model: loaded });
  });

  it('keeps those waiting who asked, when an attempt fails and another succeeds', async () => {
    const { workers, store } = open();
    let isReady = false;
    const ready = store.ready(new AbortController().signal).then(() => (isReady = true));
    workers[0]?.reply({ error: { code: 'network', detail: 'gone' } });
    await settle();
    expect(store.state).toMatchObject({ is: 'failed', error: { code: 'network' } });
    expect(isReady).toBe(false);
    void store.load();
    workers[0]?.reply({ result: loaded });
    await ready;
  });

  it('lets go who no longer waits', async () => {
    const { store } = open();
    const controller = new AbortController();
    const ready = store.ready(controller.signal);
    controller.abort();
    await expect(ready).rejects.toMatchObject({ code: 'aborted' });
  });

  it('loads again after the worker broke', async () => {
    const { workers, store } = open();
    const { signal } = new AbortController();
    void store.load();
    workers[0]?.reply({ result: loaded });
    await settle();
    workers[0]?.crash('boom');
    expect(store.state.is).toBe('failed');
    const ready = store.ready(signal);
    workers[1]?.reply({ result: loaded });
    await ready;
    expect(store.state.is).toBe('ready');
  });
});

describe('ModelStore, with a stored model', () => {
  it('checks the files, loads them, and remembers the choice', async () => {
    const { workers, store, storeWorker, lock } = await openReady();
    void store.use(choice);
    await settle();
    expect(storeWorker.heard).toMatchObject([{ call: { type: 'check', key: 'large_q4' } }]);
    storeWorker.reply({ progress: { phase: 'checking', done: 3, total: 9 } });
    expect(store.state).toEqual({ is: 'loading', progress: { stage: 'checking', done: 3, total: 9 } });
    storeWorker.reply({ result: {} });
    await settle();
    expect(callsOf(workers[0])).toEqual(['m/', 'stored:large_q4']);
    workers[0]?.reply({ result: large });
    await settle();
    expect(store.state).toEqual({ is: 'ready', model: large });
    expect(store.name).toBe('large');
    expect(lock.held).toBe(true);
    expect(open().store.choice).toEqual(choice);
  });

  it('takes the built-in one where the stored one is gone, and says so', async () => {
    const { workers, store, storeWorker, lock } = await openReady();
    void store.use(choice);
    await settle();
    storeWorker.reply({ error: { code: 'missing', detail: '' } });
    await settle();
    workers[0]?.reply({ result: loaded });
    await settle();
    expect(store.state).toEqual({ is: 'ready', model: loaded });
    expect(store.notice).toEqual({ key: 'model.gone', name: 'large' });
    expect(lock.held).toBe(false);
    expect(open().store.choice).toBeNull();
  });

  it('says what is wrong with the files', async () => {
    const { store, storeWorker, lock } = await openReady();
    void store.use(choice);
    await settle();
    storeWorker.reply({ error: { code: 'damaged', detail: 'tokenizer.json' } });
    await settle();
    expect(store.state).toMatchObject({ is: 'failed', error: { code: 'damaged' } });
    expect(lock.held).toBe(false);
  });

  it('says why what is damaged does not come again', async () => {
    const { store, storeWorker } = await openReady();
    void store.use(choice);
    await settle();
    const waiting = { reason: 'network', until: null };
    storeWorker.reply({ progress: { phase: 'fetching', done: 3, total: 9, waiting } });
    expect(store.state).toMatchObject({ progress: { stage: 'fetching', waiting: 'network' } });
    storeWorker.reply({ progress: { phase: 'fetching', done: 4, total: 9 } });
    expect(store.state).toEqual({ is: 'loading', progress: { stage: 'fetching', done: 4, total: 9 } });
  });

  it('stops the answer that is being made before it changes', async () => {
    const { workers, store } = await openLarge();
    const { signal } = new AbortController();
    const answer = store.generate([], { onDelta: () => undefined, signal });
    await settle();
    const { id } = workers[0]?.heard.at(-1) ?? { id: 0 };
    void store.use(null);
    await settle();
    expect(callsOf(workers[0])?.slice(2)).toEqual(['generate', 'abort']);
    workers[0]?.say({ id, error: { code: 'aborted', detail: '' } });
    await expect(answer).rejects.toMatchObject({ code: 'aborted' });
    await settle();
    expect(callsOf(workers[0])?.at(-1)).toBe('m/');
  });

  it('makes one answer after the other', async () => {
    const { workers, store } = await openReady();
    const { signal } = new AbortController();
    const options = { onDelta: () => undefined, signal };
    void store.generate([], options);
    void store.generate([], options);
    await settle();
    expect(callsOf(workers[0])).toEqual(['m/', 'generate']);
    workers[0]?.reply({ result: {} });
    await settle();
    expect(callsOf(workers[0])).toEqual(['m/', 'generate', 'generate']);
  });

  it('forgets a load that another choice overtook', async () => {
    const { workers, store, storeWorker } = await openReady();
    void store.use(choice);
    await settle();
    void store.use(null);
    storeWorker.reply({ error: { code: 'aborted', detail: '' } });
    workers[0]?.reply({ result: loaded });
    await settle();
    expect(store.state).toEqual({ is: 'ready', model: loaded });
    expect(callsOf(workers[0])).toEqual(['m/', 'm/']);
  });
});

describe('ModelStore, with two tabs', () => {
  it('says that another has a large model open, and takes it over when told to', async () => {
    const { store, storeWorker, lock } = await openReady(new Lock(true));
    await store.use(choice);
    expect(store.state).toEqual({ is: 'elsewhere' });
    expect(storeWorker.heard).toEqual([]);
    void store.useHere();
    await settle();
    expect(storeWorker.heard).toMatchObject([{ call: { type: 'check' } }]);
    expect(lock.held).toBe(true);
  });

  it('gives it up when asked, after the answer, and keeps the choice for the next visit', async () => {
    const { workers, store, lock } = await openLarge();
    void store.generate([], { onDelta: () => undefined, signal: new AbortController().signal });
    await settle();
    lock.onRequested();
    await settle();
    expect(callsOf(workers[0])?.at(-1)).toBe('generate');
    workers[0]?.reply({ result: {} });
    await settle();
    expect(callsOf(workers[0])?.at(-1)).toBe('m/');
    expect(lock.held).toBe(true);
    workers[0]?.reply({ result: loaded });
    await settle();
    expect(lock.held).toBe(false);
    expect(store.notice).toEqual({ key: 'model.movedAway', name: 'large' });
    expect(open().store.choice).toEqual(choice);
  });
});

describe('closing', () => {
  it('ends the engine and what it was doing, and gives the lock back', async () => {
    const { workers, store, lock } = await openLarge();
    const answer = store.generate([], { onDelta: () => undefined, signal: new AbortController().signal });
    await settle();
    store.close();
    await expect(answer).rejects.toMatchObject({ code: 'aborted' });
    expect(workers[0]?.terminated).toBe(true);
    expect(lock.held).toBe(false);
  });
});
