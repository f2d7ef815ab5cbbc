/** @file Entry of the model-store worker: answers calls of the page (protocol/store.ts) and tells the other tabs. */
import {
  type FromStore,
  STORE_CHANNEL,
  type StoreCall,
  type StoreBroadcast,
  type StoreProgress,
  type StoreResults,
  type ToStore,
} from '../../protocol/store.ts';
import { toStoreError } from './directory.ts';
import * as store from './store.ts';

const post = (message: FromStore) => {
  self.postMessage(message);
};
const channel = new BroadcastChannel(STORE_CHANNEL);
const broadcast = (message: StoreBroadcast) => {
  channel.postMessage(message);
};

interface Running {
  controller: AbortController;
  /** Key of the model, once it is known. */
  key: string | null;
  /** Whether a pause in another tab stops the call. */
  pausable: boolean;
}
const running = new Map<number, Running>();

function perform(
  call: StoreCall,
  signal: AbortSignal,
  onProgress: (progress: StoreProgress) => void,
): Promise<StoreResults[keyof StoreResults]> {
  switch (call.type) {
    case 'plan':
      return store.plan(call.source, signal);
    case 'fetch':
      return store.fetchModel(call.source, signal, onProgress);
    case 'resume':
      return store.resumeModel(call.key, signal, onProgress);
    case 'import':
      return store.importFiles(call.files, signal, onProgress);
    case 'check':
      return store.checkModel(call.key, signal, onProgress);
    case 'list':
      return store.listModels();
    case 'remove':
      return store.removeModels(call.key).then(() => null);
    case 'bundle':
      return store.offlineBundle(call.key);
    case 'export':
      return store.exportModel(call.key, call.directory, signal, onProgress).then(() => null);
  }
}

/** Calls that may change the list of stored models, or what is present of one. */
const MUTATING: readonly StoreCall['type'][] = ['fetch', 'resume', 'import', 'check', 'remove'];

async function answer(id: number, call: StoreCall): Promise<void> {
  const pausable = call.type === 'fetch' || call.type === 'resume';
  const job: Running = { controller: new AbortController(), key: 'key' in call ? call.key : null, pausable };
  running.set(id, job);
  const onProgress = (progress: StoreProgress) => {
    job.key = progress.key;
    post({ id, progress });
    // The other tab reports its own progress; this one only waits for it.
    if (progress.waiting?.reason !== 'other-tab') broadcast({ type: 'progress', progress });
  };
  try {
    const result = await perform(call, job.controller.signal, onProgress);
    post({ id, result });
    if (job.key !== null) broadcast({ type: 'ended', key: job.key });
  } catch (cause) {
    const { code, detail } = toStoreError(cause);
    post({ id, error: { code, detail } });
    if (job.key !== null) broadcast({ type: 'ended', key: job.key, error: { code, detail } });
  } finally {
    running.delete(id);
    if (MUTATING.includes(call.type)) broadcast({ type: 'changed' });
  }
}

channel.onmessage = ({ data }: MessageEvent<StoreBroadcast>) => {
  if (data.type !== 'pause') return;
  for (const { controller, key, pausable } of running.values()) if (pausable && key === data.key) controller.abort();
};

self.onmessage = ({ data }: MessageEvent<ToStore>) => {
  if ('call' in data) {
    void answer(data.id, data.call);
    return;
  }
  const job = running.get(data.id);
  job?.controller.abort();
  // A pause is meant for all tabs. One that waits for the lock would otherwise take over.
  if (job?.pausable && job.key !== null) broadcast({ type: 'pause', key: job.key });
};
