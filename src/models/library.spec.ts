import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type FromStore,
  type ModelPlan,
  STORE_CHANNEL,
  type StoreCall,
  type StoredModel,
  type StoreBroadcast,
  type StoreProgress,
  type ToStore,
} from '../../protocol/store.ts';
import { ALL_MODELS, Library } from './library.svelte.ts';
import { StoreClient } from './store-client.ts';
import { MemoryStorage } from './testing/memory-storage.ts';
import { ScriptedWorker } from './testing/scripted-worker.ts';
import { SyncBroadcastChannel } from './testing/sync-broadcast-channel.ts';

const source = { kind: 'hub', repo: 'a/b' } as const;
const plan: ModelPlan = {
  ...{ key: 'k', id: 'a/b', revision: 'r', licence: 'gemma', dtype: 'q4', vision: false, contextLength: 9 },
  ...{ size: 100, present: 0, source: { ...source, revision: 'r', dtype: 'q4' } },
};
const whole: StoredModel = { ...plan, present: 100, complete: true, lastUsed: null };
const half: StoredModel = { ...whole, present: 50, complete: false };
const progress = (done: number, more: Partial<StoreProgress> = {}): StoreProgress => ({
  ...{ key: 'k', id: 'a/b', phase: 'fetching', done, total: 100, received: done, ...more },
});
/** Resolves once all microtasks and due timers have run. */
const settle = () => vi.advanceTimersByTimeAsync(0);
/** Broadcasts a message as another tab does. */
const broadcast = async (message: StoreBroadcast) => {
  new BroadcastChannel(STORE_CHANNEL).postMessage(message);
  await settle();
};

const storage = {
  estimate: () => Promise.resolve({ usage: 300, quota: 1000 }),
  persist: () => Promise.resolve(true),
  persisted: () => Promise.resolve(false),
};

/** Answers `list` with the stored models; the test answers all other calls. */
class StoreWorker extends ScriptedWorker<ToStore, FromStore> {
  stored: StoredModel[] = [];
  override postMessage(message: ToStore) {
    super.postMessage(message);
    if ('call' in message && message.call.type === 'list')
      queueMicrotask(() => this.say({ id: message.id, result: this.stored }));
  }
  /** Answers the latest call of this kind. */
  answer(type: StoreCall['type'], message: object) {
    const call = this.heard.findLast((heard) => 'call' in heard && heard.call.type === type);
    this.say({ id: call?.id, ...message } as FromStore);
  }
  get calls(): string[] {
    return this.heard.map((heard) => ('call' in heard ? heard.call.type : 'abort'));
  }
}

function open(stored: StoredModel[] = []) {
  const worker = new StoreWorker();
  worker.stored = stored;
  return { worker, library: new Library(new StoreClient(() => worker), storage) };
}

async function fetching() {
  const { worker, library } = open();
  await library.open();
  const fetched = library.fetch(source);
  worker.answer('plan', { result: plan });
  await settle();
  return { worker, library, fetched };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('BroadcastChannel', SyncBroadcastChannel);
  vi.stubGlobal('localStorage', new MemoryStorage());
  vi.stubGlobal('sessionStorage', new MemoryStorage());
});
afterEach(() => {
  SyncBroadcastChannel.closeAll();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('Library', () => {
  it('asks the store nothing at a first visit', async () => {
    const { worker, library } = open();
    library.start();
    await settle();
    expect(worker.heard).toEqual([]);
  });

  it('fetches what was planned, and shows how far it is', async () => {
    const { worker, library, fetched } = await fetching();
    expect(worker.heard.at(-1)).toMatchObject({ call: { type: 'fetch', source: plan.source } });
    expect(library.storedFrom(source)).toMatchObject({ key: 'k', complete: false });
    worker.answer('fetch', { progress: progress(40) });
    expect(library.jobs.get('k')).toMatchObject({ progress: { done: 40 }, elsewhere: false });
    expect(library.fraction).toBe(0.4);
    worker.stored = [whole];
    worker.answer('fetch', { result: whole });
    await fetched;
    expect(library.fraction).toBeNull();
    expect(library.storedFrom(source)?.complete).toBe(true);
    expect(library.free).toBe(700);
  });

  it('pauses without a complaint, and resumes from what is stored', async () => {
    const { worker, library, fetched } = await fetching();
    library.pause('k');
    expect(worker.calls.at(-1)).toBe('abort');
    worker.stored = [half];
    worker.answer('fetch', { error: { code: 'aborted', detail: '' } });
    await fetched;
    expect(library.failures.size).toBe(0);
    void library.resume(half);
    expect(worker.heard.at(-1)).toMatchObject({ call: { type: 'resume', key: 'k' } });
    expect(library.jobs.get('k')?.progress.done).toBe(50);
  });

  it('cancels: first it stops, then it frees the space', async () => {
    const { worker, library } = await fetching();
    const cancelled = library.cancel('k');
    expect(worker.calls).not.toContain('remove');
    worker.answer('fetch', { error: { code: 'aborted', detail: '' } });
    await settle();
    worker.answer('remove', { result: null });
    await cancelled;
    expect(library.models).toEqual([]);
  });

  it('says what failed, where it failed', async () => {
    const { worker, library, fetched } = await fetching();
    worker.answer('fetch', { error: { code: 'quota', detail: '3 bytes' } });
    await fetched;
    expect(library.failures.get('k')).toMatchObject({ code: 'quota' });
    const again = library.fetch(source);
    worker.answer('plan', { error: { code: 'network', detail: '' } });
    await again;
    expect(library.failures.get('hub:a/b')).toMatchObject({ code: 'network' });
    const removed = library.remove(null);
    worker.answer('remove', { error: { code: 'busy', detail: '' } });
    await removed;
    expect(library.failures.get(ALL_MODELS)).toMatchObject({ code: 'busy' });
  });

  it('goes on after a reload with what this tab was fetching, and with nothing else', async () => {
    await fetching();
    const { worker, library } = open([half, { ...half, key: 'other' }]);
    library.start();
    await settle();
    expect(worker.heard.filter((heard) => 'call' in heard && heard.call.type === 'resume')).toMatchObject([
      { call: { key: 'k' } },
    ]);
    sessionStorage.clear();
    const later = open([half]);
    later.library.start();
    await settle();
    expect(later.worker.calls).toEqual(['list']);
  });

  it('notices what the browser removed, once', async () => {
    await open([whole]).library.open();
    const { library } = open();
    library.start();
    await settle();
    expect(library.evicted).toEqual([{ key: 'k', id: 'a/b', size: 100 }]);
    const next = open().library;
    next.start();
    await settle();
    expect(next.evicted).toEqual([]);
  });

  it('shows what another tab does, and asks it to pause', async () => {
    const { worker, library } = open();
    await library.open();
    worker.stored = [half];
    await broadcast({ type: 'progress', progress: progress(60) });
    expect(library.jobs.get('k')).toMatchObject({ elsewhere: true, progress: { done: 60 } });
    expect(library.models).toEqual([half]);
    const heard: StoreBroadcast[] = [];
    new BroadcastChannel(STORE_CHANNEL).onmessage = ({ data }: MessageEvent<StoreBroadcast>) => heard.push(data);
    library.pause('k');
    await settle();
    expect(heard).toEqual([{ type: 'pause', key: 'k' }]);
    await broadcast({ type: 'progress', progress: progress(70) });
    worker.stored = [whole];
    await broadcast({ type: 'ended', key: 'k' });
    await broadcast({ type: 'changed' });
    expect(library.jobs.size).toBe(0);
    expect(library.models).toEqual([whole]);
  });

  it('shows the other tab’s progress while it waits for it', async () => {
    const { worker, library } = await fetching();
    const waiting = { reason: 'other-tab', until: null } as const;
    await broadcast({ type: 'progress', progress: progress(1) });
    expect(library.jobs.get('k')?.progress.done).toBe(0);
    worker.answer('fetch', { progress: progress(0, { waiting }) });
    await broadcast({ type: 'progress', progress: progress(30) });
    worker.answer('fetch', { progress: progress(0, { waiting }) });
    expect(library.jobs.get('k')).toMatchObject({ elsewhere: true, progress: { done: 30 } });
  });

  it('imports, and tells what was found', async () => {
    const { worker, library } = open();
    await library.open();
    const imported = library.import([{ path: 'a', file: new File([''], 'a') }]);
    worker.answer('import', { progress: progress(10, { phase: 'copying' }) });
    expect(library.jobs.get('k')?.elsewhere).toBe(false);
    worker.answer('import', { result: { model: half, missing: ['x'], wrong: [], unrelated: [] } });
    expect((await imported).missing).toEqual(['x']);
    expect(library.jobs.size).toBe(0);
  });

  it('finds an imported model under its repository’s name', async () => {
    const { library } = open([{ ...whole, source: { kind: 'files' } }]);
    await library.open();
    expect(library.storedFrom(source)?.key).toBe('k');
  });

  it('asks the browser to keep the files', async () => {
    const { library } = open();
    await library.open();
    expect(library.persisted).toBe(false);
    await library.persist();
    expect(library.persisted).toBe(true);
  });
});
