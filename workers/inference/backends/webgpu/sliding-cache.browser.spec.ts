import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { EngineError } from '../../../../protocol/engine.ts';
import { SlidingWindowCache } from './sliding-cache.ts';

const [FULL, SLIDING] = [
  { name: 'full', window: null },
  { name: 'sliding', window: 100 },
];
const SHAPE = { kvHeads: 2, headDim: 4, capacity: 9000, slack: 50 };

let device: GPUDevice;
let cache: SlidingWindowCache;
beforeAll(async () => {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error('this browser offers no GPU');
  device = await adapter.requestDevice();
});
afterEach(() => {
  cache.dispose();
});
afterAll(() => {
  device.destroy();
});

const open = (shape: Partial<typeof SHAPE> = {}) => {
  cache = new SlidingWindowCache(device, [FULL, SLIDING], { ...SHAPE, ...shape });
};
/** Content of a token's row in a head. */
const content = (token: number, head: number) => 10 * token + head;

/** Writes tokens as kernels do. */
async function fill(from: number, to: number): Promise<void> {
  await cache.reserve(to);
  for (const { name, window } of [FULL, SLIDING]) {
    const rows = cache.rows(window);
    for (let head = 0; head < SHAPE.kvHeads; head++)
      for (let token = from; token < to; token++) {
        const row = new Float32Array(SHAPE.headDim).fill(content(token, head));
        device.queue.writeBuffer(cache.buffer(name), 16 * (head * rows + (token % rows)), row);
      }
  }
  cache.advanceTo(to);
}

async function holds(name: string, window: number | null, tokens: [from: number, to: number]): Promise<void> {
  const buffer = cache.buffer(name);
  const staging = device.createBuffer({ size: buffer.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const values = new Float32Array(staging.getMappedRange());
  const rows = cache.rows(window);
  for (let head = 0; head < SHAPE.kvHeads; head++)
    for (let token = tokens[0]; token < tokens[1]; token++)
      expect(values[4 * (head * rows + (token % rows))]).toBe(content(token, head));
  staging.destroy();
}

describe('SlidingWindowCache', () => {
  it('takes memory as a text grows, and keeps what it holds', async () => {
    open();
    const first = cache.buffer('full').size;
    await fill(0, 2000);
    expect(cache.buffer('full').size).toBe(first);
    await fill(2000, 2100);
    expect(cache.buffer('full').size).toBe(2 * first);
    // A ring of its final size does not grow.
    expect(cache.rows(SLIDING.window)).toBe(150);
    await holds('full', null, [0, 2100]);
    await holds('sliding', SLIDING.window, [1950, 2100]);
  });

  it('takes no more than the whole context needs', async () => {
    open();
    await cache.reserve(5000);
    await cache.reserve(9000);
    expect(cache.rows(null)).toBe(9000);
    expect(await cache.reserve(9000)).toBe(false);
  });

  it('throws on out-of-memory, and is unchanged', async () => {
    open({ capacity: 2 ** 30 });
    await fill(0, 30);
    const error = await cache.reserve(2 ** 29).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(EngineError);
    expect((error as EngineError).code).toBe('out-of-memory');
    await holds('full', null, [0, 30]);
  });

  it('reuses a prefix while the window before its end is not overwritten', async () => {
    open();
    await fill(0, 120);
    // Nothing has been overwritten.
    expect(cache.reusableLength(1)).toBe(1);
    await fill(120, 400);
    // Rows hold tokens 250 to 399; the one after 349 sees from 250 on.
    expect(cache.reusableLength(349)).toBe(349);
    expect(cache.reusableLength(348)).toBe(0);
    cache.truncate(0);
    await fill(0, 10);
    expect(cache.reusableLength(5)).toBe(5);
  });

  it('restores a snapshot, also into a cache that has grown', async () => {
    open();
    await fill(0, 700);
    const snapshot = await cache.snapshot();
    expect(snapshot?.bytes).toBe(2 * 16 * (700 + 150));
    cache.truncate(0);
    await cache.reserve(5000);
    snapshot?.restore();
    expect(cache.length).toBe(700);
    expect(cache.reusableLength(600)).toBe(0);
    await holds('full', null, [0, 700]);
    await holds('sliding', SLIDING.window, [550, 700]);
  });
});
