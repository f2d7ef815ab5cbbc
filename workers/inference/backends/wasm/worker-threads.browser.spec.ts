/** Helpers are workers of a browser's here: they come, and change no logit. */
import { expect, it } from 'vitest';
import type { ThreadedRun } from './testing/threaded-worker.ts';

async function helped(asked: ThreadedRun): Promise<unknown> {
  const worker = new Worker(new URL('./testing/threaded-worker.ts', import.meta.url), { type: 'module' });
  const said = await new Promise((resolve) => {
    worker.onmessage = ({ data }) => {
      resolve(data);
    };
    worker.onerror = ({ message }) => {
      resolve(message);
    };
    worker.postMessage(asked);
  });
  worker.terminate();
  return said;
}

it('computes with helpers what it computes alone', { timeout: 120_000 }, async () => {
  expect(crossOriginIsolated).toBe(true);
  expect(await helped({ small: false, threads: 3, tokens: 400 })).toEqual({ same: true, activeThreads: 2 });
});

it('mixes up no jobs where there are more threads than cores', { timeout: 120_000 }, async () => {
  expect(await helped({ small: true, threads: 7, tokens: 12_000 })).toEqual({ same: true, activeThreads: 6 });
});
