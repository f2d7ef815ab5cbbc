import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type FromStore,
  STORE_CHANNEL,
  type StoreBroadcast,
  type StoreCall,
  type StoreProgress,
  type ToStore,
} from '../../protocol/store.ts';
import * as store from './store.ts';

const progressOf = (key: string, more: Partial<StoreProgress> = {}): StoreProgress => ({
  ...{ key, id: key, phase: 'fetching', done: 1, total: 2, received: 1, ...more },
});

let posted: FromStore[];
let broadcasts: StoreBroadcast[];
let worker: { onmessage?: (event: { data: ToStore }) => void; postMessage: (message: FromStore) => void };
interface Channel {
  name: string;
  onmessage?: (event: { data: StoreBroadcast }) => void;
}
let channel: Channel;

const send = (message: ToStore) => worker.onmessage?.({ data: message });
const call = (id: number, what: StoreCall) => send({ id, call: what });
const source = { kind: 'mirror', url: 'https://a.test/' } as const;

const opened = (made: Channel) => (channel = made);

beforeEach(async () => {
  posted = [];
  broadcasts = [];
  worker = { postMessage: (message) => posted.push(message) };
  vi.stubGlobal('self', worker);
  vi.stubGlobal(
    'BroadcastChannel',
    class {
      postMessage = (message: StoreBroadcast) => broadcasts.push(message);
      constructor(readonly name: string) {
        opened(this);
      }
    },
  );
  vi.resetModules();
  vi.doMock('./store.ts', () => store);
  await import('./store-worker.ts');
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.doUnmock('./store.ts');
});

/** Resolves once the call of this id was answered. */
const answered = (id: number) =>
  vi.waitFor(() => {
    const found = posted.find((message) => message.id === id && !('progress' in message));
    if (!found) throw new Error(`${id} is not answered`);
    return found;
  }, 30_000);

/** A call of the store that ends when the test says so. */
function pending(name: 'fetchModel' | 'resumeModel' | 'checkModel') {
  let signal: AbortSignal | undefined;
  let onProgress: ((progress: StoreProgress) => void) | undefined;
  vi.spyOn(store, name).mockImplementation(((
    _: unknown,
    given: AbortSignal,
    tell: (progress: StoreProgress) => void,
  ) => {
    signal = given;
    onProgress = tell;
    return new Promise((_resolve, reject) => {
      given.addEventListener('abort', () => {
        reject(given.reason as Error);
      });
    });
  }) as never);
  return {
    tell: (progress: StoreProgress) => onProgress?.(progress),
    get aborted() {
      return signal?.aborted;
    },
  };
}

describe('a call', () => {
  const directory = {} as FileSystemDirectoryHandle;
  const calls: [StoreCall, keyof typeof store, unknown[]][] = [
    [{ type: 'plan', source }, 'plan', [source, expect.any(AbortSignal)]],
    [{ type: 'fetch', source }, 'fetchModel', [source, expect.any(AbortSignal), expect.any(Function)]],
    [{ type: 'resume', key: 'k' }, 'resumeModel', ['k', expect.any(AbortSignal), expect.any(Function)]],
    [{ type: 'import', files: [] }, 'importFiles', [[], expect.any(AbortSignal), expect.any(Function)]],
    [{ type: 'check', key: 'k' }, 'checkModel', ['k', expect.any(AbortSignal), expect.any(Function)]],
    [{ type: 'list' }, 'listModels', []],
    [{ type: 'remove', key: 'k' }, 'removeModels', ['k']],
    [{ type: 'bundle', key: 'k' }, 'offlineBundle', ['k']],
    [
      { type: 'export', key: 'k', directory },
      'exportModel',
      ['k', directory, expect.any(AbortSignal), expect.any(Function)],
    ],
  ];
  for (const [message, name, args] of calls)
    it(`goes to the store and its result comes back: ${message.type}`, async () => {
      const spy = vi.spyOn(store, name).mockResolvedValue('result' as never);
      call(7, message);
      const result = ['remove', 'export'].includes(message.type) ? null : 'result';
      expect(await answered(7)).toEqual({ id: 7, result });
      expect(spy).toHaveBeenCalledExactlyOnceWith(...args);
    });

  it('that fails comes back as an error with a code', async () => {
    vi.spyOn(store, 'plan').mockRejectedValue(new DOMException('full', 'QuotaExceededError'));
    call(1, { type: 'plan', source });
    expect(await answered(1)).toEqual({ id: 1, error: { code: 'quota', detail: 'QuotaExceededError: full' } });
    expect(broadcasts).toEqual([]);
  });

  it('is stopped by its id', async () => {
    const fetching = pending('fetchModel');
    call(1, { type: 'fetch', source });
    send({ id: 2, abort: true });
    expect(fetching.aborted).toBe(false);
    send({ id: 1, abort: true });
    expect(await answered(1)).toEqual({ id: 1, error: { code: 'aborted', detail: '' } });
  });
});

describe('the other tabs', () => {
  it('hear over the store’s channel how far a model is, and how it ended', async () => {
    expect(channel.name).toBe(STORE_CHANNEL);
    vi.spyOn(store, 'fetchModel').mockImplementation((_source, _signal, tell) => {
      tell(progressOf('k'));
      return Promise.resolve('stored' as never);
    });
    call(1, { type: 'fetch', source });
    await answered(1);
    expect(posted[0]).toEqual({ id: 1, progress: progressOf('k') });
    await vi.waitFor(() => {
      expect(broadcasts).toEqual([
        { type: 'progress', progress: progressOf('k') },
        { type: 'ended', key: 'k' },
        { type: 'changed' },
      ]);
    }, 30_000);
  });

  it('hear why it failed', async () => {
    vi.spyOn(store, 'resumeModel').mockRejectedValue(new DOMException('x', 'SecurityError'));
    call(1, { type: 'resume', key: 'k' });
    await answered(1);
    await vi.waitFor(() => {
      expect(broadcasts).toEqual([
        { type: 'ended', key: 'k', error: { code: 'storage', detail: 'SecurityError: x' } },
        { type: 'changed' },
      ]);
    }, 30_000);
  });

  it('are not told by a tab that only waits for them', () => {
    const fetching = pending('fetchModel');
    call(1, { type: 'fetch', source });
    const waiting = { reason: 'other-tab', until: null } as const;
    fetching.tell(progressOf('k', { waiting }));
    expect(posted).toEqual([{ id: 1, progress: progressOf('k', { waiting }) }]);
    expect(broadcasts).toEqual([]);
    fetching.tell(progressOf('k', { waiting: { reason: 'network', until: null } }));
    expect(broadcasts).toHaveLength(1);
  });

  for (const type of ['import', 'check', 'remove', 'fetch', 'resume'] as const)
    it(`are told that the list changed after ${type}`, async () => {
      for (const name of ['importFiles', 'checkModel', 'removeModels', 'fetchModel', 'resumeModel'] as const)
        vi.spyOn(store, name).mockResolvedValue(null as never);
      call(1, { type, key: 'k', files: [], source } as unknown as StoreCall);
      await answered(1);
      await vi.waitFor(() => {
        expect(broadcasts).toContainEqual({ type: 'changed' });
      }, 30_000);
    });

  it('are not told after a call that changes nothing', async () => {
    vi.spyOn(store, 'listModels').mockResolvedValue([]);
    vi.spyOn(store, 'offlineBundle').mockResolvedValue([]);
    call(1, { type: 'list' });
    call(2, { type: 'bundle', key: 'k' });
    await answered(2);
    vi.spyOn(store, 'checkModel').mockResolvedValue(null as never);
    call(3, { type: 'check', key: 'later' });
    await vi.waitFor(() => {
      expect(broadcasts).toEqual([{ type: 'ended', key: 'k' }, { type: 'ended', key: 'later' }, { type: 'changed' }]);
    }, 30_000);
  });
});

describe('a pause', () => {
  it('of this tab is a pause of all tabs', async () => {
    const fetching = pending('fetchModel');
    call(1, { type: 'fetch', source });
    fetching.tell(progressOf('k'));
    broadcasts = [];
    send({ id: 1, abort: true });
    expect(broadcasts).toEqual([{ type: 'pause', key: 'k' }]);
    await answered(1);
  });

  it('is told to nobody before the model is known, nor for what cannot be paused', async () => {
    pending('fetchModel');
    call(1, { type: 'fetch', source });
    send({ id: 1, abort: true });
    pending('checkModel');
    call(2, { type: 'check', key: 'k' });
    send({ id: 2, abort: true });
    send({ id: 3, abort: true });
    expect(broadcasts).toEqual([]);
    await answered(2);
  });

  it('of another tab stops this model’s fetch and nothing else', async () => {
    const fetching = pending('fetchModel');
    call(1, { type: 'fetch', source });
    fetching.tell(progressOf('k'));
    const resuming = pending('resumeModel');
    call(2, { type: 'resume', key: 'other' });
    const checking = pending('checkModel');
    call(3, { type: 'check', key: 'k' });
    channel.onmessage?.({ data: { type: 'ended', key: 'k' } });
    expect(fetching.aborted).toBe(false);
    channel.onmessage?.({ data: { type: 'pause', key: 'k' } });
    expect([fetching.aborted, resuming.aborted, checking.aborted]).toEqual([true, false, false]);
    expect(await answered(1)).toMatchObject({ error: { code: 'aborted' } });
  });

  it('comes too late for a call that has ended', async () => {
    vi.spyOn(store, 'resumeModel').mockResolvedValue('stored' as never);
    call(1, { type: 'resume', key: 'k' });
    await answered(1);
    await vi.waitFor(() => {
      expect(broadcasts).toContainEqual({ type: 'changed' });
    }, 30_000);
    broadcasts = [];
    send({ id: 1, abort: true });
    expect(broadcasts).toEqual([]);
  });
});
