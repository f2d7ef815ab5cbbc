/** @file The measurements of the store's bench, which Node calls one by one. */
import type { FromStore, StoreCall, StoreResults } from '../../../protocol/store.ts';

const modelUrl = (base: string): string => new URL(base, location.href).href;
const MODEL = '/bench-model/';
const worker = new Worker(new URL('../../../workers/model-store/store-worker.ts', import.meta.url), { type: 'module' });
let lastId = 0;

function call<T extends StoreCall['type']>(request: Extract<StoreCall, { type: T }>): Promise<StoreResults[T]> {
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    const listen = ({ data }: MessageEvent<FromStore>) => {
      if (data.id !== id || 'progress' in data) return;
      worker.removeEventListener('message', listen);
      if ('error' in data) reject(new Error(`${data.error.code}: ${data.error.detail}`));
      else resolve(data.result as StoreResults[T]);
    };
    worker.addEventListener('message', listen);
    worker.postMessage({ id, call: request });
  });
}

const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
};

/** Reads the data file and discards it. */
async function plainFetch(base: string): Promise<void> {
  const { body } = await fetch(new URL('onnx/model_q4.onnx_data', modelUrl(base)), { cache: 'no-store' });
  const reader = body?.getReader();
  while (reader && !(await reader.read()).done);
}

interface MemoryUser {
  measureUserAgentSpecificMemory(): Promise<{ bytes: number }>;
}

/** @returns the peak of the heaps of page and workers during `work`, bytes. */
async function peakMemory(work: () => Promise<unknown>): Promise<number> {
  let peak = 0;
  let working = true;
  const watch = async () => {
    while (working) {
      const { bytes } = await (performance as unknown as MemoryUser).measureUserAgentSpecificMemory();
      peak = Math.max(peak, bytes);
    }
  };
  await Promise.race([watch(), work().finally(() => (working = false))]);
  return peak;
}

const bench = {
  plainFetch: (base = MODEL) => seconds(() => plainFetch(base)),
  async storeFetch(base = MODEL): Promise<{ seconds: number; key: string }> {
    let key = '';
    const taken = await seconds(async () => {
      key = (await call({ type: 'fetch', source: { kind: 'mirror', url: modelUrl(base) } })).key;
    });
    return { seconds: taken, key };
  },
  check: (key: string) => seconds(() => call({ type: 'check', key })),
  remove: () => call({ type: 'remove', key: null }),
  hash: () => seconds(() => crypto.subtle.digest('SHA-256', new Uint8Array(64 * 1024 * 1024))),
  memory: () => peakMemory(() => call({ type: 'fetch', source: { kind: 'mirror', url: modelUrl(MODEL) } })),
  memoryAtRest: () => peakMemory(() => new Promise((resolve) => setTimeout(resolve, 2000))),
};
declare global {
  interface Window {
    bench: typeof bench;
  }
}
window.bench = bench;
