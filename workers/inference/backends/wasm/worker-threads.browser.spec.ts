/** Worker threads in a browser: they start, and change no logit. */
import { expect, it } from 'vitest';
import type { ThreadedRun } from './testing/threaded-worker.ts';

async function runInWorker(run: ThreadedRun): Promise<unknown> {
  const worker = new Worker(new URL('./testing/threaded-worker.ts', import.meta.url), { type: 'module' });
  const result = await new Promise((resolve) => {
    worker.onmessage = ({ data }) => {
      resolve(data);
    };
    worker.onerror = ({ message }) => {
      resolve(message);
    };
    worker.postMessage(run);
  });
  worker.terminate();
  return result;
}

it('computes with worker threads what it computes alone', { timeout: 120_000 }, async () => {
  expect(crossOriginIsolated).toBe(true);
  expect(await runInWorker({ small: false, threads: 3, tokens: 400 })).toEqual({ same: true, activeThreads: 2 });
});

it('mixes up no jobs where there are more threads than cores', { timeout: 120_000 }, async () => {
  expect(await runInWorker({ small: true, threads: 7, tokens: 12_000 })).toEqual({ same: true, activeThreads: 6 });
});
