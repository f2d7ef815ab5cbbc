/** Helpers are workers of a browser's here: they come, and change no logit. */
import { expect, it } from 'vitest';

it('computes with helpers what it computes alone', { timeout: 120_000 }, async () => {
  expect(crossOriginIsolated).toBe(true);
  const worker = new Worker(new URL('./testing/helped-worker.ts', import.meta.url), { type: 'module' });
  const helped = await new Promise((resolve) => {
    worker.onmessage = ({ data }) => {
      resolve(data);
    };
    worker.onerror = ({ message }) => {
      resolve(message);
    };
    worker.postMessage(null);
  });
  worker.terminate();
  expect(helped).toEqual({ same: true, helping: 2 });
});
