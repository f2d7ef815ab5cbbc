/** The cache of a text that is longer than the rows of its sliding-window layers. */
import { expect, it } from 'vitest';
import { WasmKvCache } from './kv-cache.ts';

const [FULL, SLIDING] = [400, 128];
const shape = {
  ...{ kvHeads: 2, headDim: 4, slidingWindow: 100 },
  layerTypes: ['sliding_attention' as const, 'full_attention' as const],
};
const content = (token: number, head: number) => 10 * token + head;

function open() {
  const slots = [FULL, SLIDING].map((rows) => new Float32Array(shape.kvHeads * rows * shape.headDim));
  const cache = new WasmKvCache(slots, shape);
  /** Writes tokens as kernels do. */
  const fill = (from: number, to: number, more = 0) => {
    for (const [i, rows] of [FULL, SLIDING].entries())
      for (let head = 0; head < shape.kvHeads; head++)
        for (let token = from; token < to; token++) {
          const at = (head * rows + (token % rows)) * shape.headDim;
          slots[i]?.fill(content(token, head) + more, at, at + shape.headDim);
        }
    cache.advanceTo(to);
  };
  const holds = (rows: number, from: number, to: number) => {
    const slot = slots[rows === FULL ? 0 : 1] ?? [];
    for (let head = 0; head < shape.kvHeads; head++)
      for (let token = from; token < to; token++)
        expect(slot[(head * rows + (token % rows)) * shape.headDim]).toBe(content(token, head));
  };
  return { cache, fill, holds };
}

it('reuses a prefix while the window before its end is not overwritten', () => {
  const { cache, fill } = open();
  fill(0, 120);
  expect(cache.reusableLength(7)).toBe(7);
  fill(120, 200);
  // Tokens 0 to 71 are overwritten.
  expect([cache.reusableLength(171), cache.reusableLength(170)]).toEqual([171, 0]);
  expect(cache.bytes).toBe(4 * 2 * (200 + 128) * 4);
});

it('restores a snapshot', async () => {
  const { cache, fill, holds } = open();
  fill(0, 300);
  const snapshot = await cache.snapshot();
  expect(snapshot?.bytes).toBe(4 * 2 * (300 + 128) * 4);
  cache.truncate(0);
  fill(0, 350, 1);
  expect(snapshot?.reusableLength(280)).toBe(280);
  expect(snapshot?.reusableLength(200)).toBe(0);
  snapshot?.restore();
  expect(cache.length).toBe(300);
  holds(FULL, 0, 300);
  holds(SLIDING, 172, 300);
  expect(cache.reusableLength(200)).toBe(0);
});
