/** The kernels against plain arithmetic: shapes that fill no tile, zeros of their own, several tokens at once, threads. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import { WasmDecoder } from './wasm-decoder.ts';
import { MAX_TOKENS } from './kernels/constants.ts';
import { planMemory } from './memory-plan.ts';
import { NodeThread } from './testing/node-thread.ts';
import { configOf, ReferenceDecoder, randomModel, type Shape } from './testing/reference-decoder.ts';

const CAPACITY = 400;
const SMALL: Shape = {
  ...{ hiddenSize: 96, intermediateSize: 160, heads: 3, kvHeads: 1, headDim: 32, vocabSize: 77, window: 20 },
  ...{ layerTypes: ['sliding_attention', 'full_attention'], zeros: false },
};
const SHAPES: { name: string; shape: Shape }[] = [
  { name: 'three heads to a head of keys, an odd vocabulary', shape: SMALL },
  { name: 'zeros in an odd number of blocks', shape: { ...SMALL, zeros: true } },
  { name: 'four heads to two', shape: { ...SMALL, heads: 4, kvHeads: 2, headDim: 48 } },
  { name: 'rows longer than what is unpacked at once', shape: { ...SMALL, intermediateSize: 2112, zeros: true } },
];

afterEach(() => {
  vi.unstubAllGlobals();
});

const idsOf = (count: number) => Array.from({ length: count }, (_, i) => (i * i * 5 + 3) % 77);

async function decoderOf(shape: Shape, threads = 1): Promise<{ decoder: WasmDecoder; config: Gemma3Config }> {
  const config = configOf(shape);
  const options = {
    model: randomModel(shape),
    config,
    files: new Map(),
    cache: { capacity: CAPACITY, slack: 0 },
    threads,
  };
  const decoder = await WasmDecoder.create(options);
  if (!decoder) throw new Error('no memory');
  return { decoder, config };
}

/** Largest difference, relative to the largest value. */
function distance(found: Float32Array, wanted: readonly number[]): number {
  const largest = Math.max(...wanted.map(Math.abs));
  return found.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (wanted[i] ?? NaN))), 0) / largest;
}

describe.each(SHAPES)('$name', ({ shape }) => {
  it('gives the logits of plain arithmetic, however many tokens go together', async () => {
    const { decoder, config } = await decoderOf(shape);
    const reference = new ReferenceDecoder(randomModel(shape), config);
    const ids = idsOf(48);
    const wanted = ids.map((id) => reference.step(id));
    let at = 0;
    for (const count of [1, 2, 3, 1, 4, 5, 7, 16, 9]) {
      const logits = decoder.forward(ids.slice(at, at + count), at, count);
      for (let i = 0; i < count; i++) {
        const row = logits.subarray(i * shape.vocabSize, (i + 1) * shape.vocabSize);
        expect(distance(row, wanted[at + i] ?? [])).toBeLessThan(2e-5);
      }
      at += count;
    }
    decoder.dispose();
  });
});

it('sees a past of many parts, whole and through a window', async () => {
  const shape: Shape = { ...SMALL, window: 140 };
  const { decoder, config } = await decoderOf(shape);
  const reference = new ReferenceDecoder(randomModel(shape), config);
  const ids = idsOf(CAPACITY);
  let wanted: number[] = [];
  for (const id of ids) wanted = reference.step(id);
  let logits: Float32Array = new Float32Array();
  for (let at = 0; at < CAPACITY; at += MAX_TOKENS) logits = decoder.forward(ids.slice(at, at + MAX_TOKENS), at, 1);
  expect(distance(logits, wanted)).toBeLessThan(2e-5);
  // The last token again, by itself.
  expect(distance(decoder.forward(ids.slice(-1), CAPACITY - 1, 1), wanted)).toBeLessThan(2e-5);
  decoder.dispose();
});

it('gives the same bits with worker threads, which end when they are told to', { timeout: 120_000 }, async () => {
  vi.stubGlobal('Worker', NodeThread);
  const shape: Shape = { ...SMALL, intermediateSize: 640, vocabSize: 4099 };
  const [alone, together] = [(await decoderOf(shape)).decoder, (await decoderOf(shape, 3)).decoder];
  const ids = idsOf(300);
  for (let at = 0; at < ids.length;) {
    const count = Math.min(1 + (at % MAX_TOKENS), ids.length - at);
    const some = ids.slice(at, at + count);
    const wanted = alone.forward(some, at, 1).slice();
    expect(together.forward(some, at, 1).every((value, i) => value === wanted[i])).toBe(true);
    at += count;
  }
  await vi.waitFor(() => {
    expect(together.activeThreads).toBe(2);
  }, 30_000);
  together.dispose();
  await vi.waitFor(() => {
    expect(together.activeThreads).toBe(0);
  }, 30_000);
});

it('reads pictures whose tokens do not see each other one by one, too', async () => {
  const { decoder } = await decoderOf(SMALL);
  const tokens = 9;
  const features = Float32Array.from({ length: tokens * SMALL.hiddenSize }, (_, i) => Math.sin(i));
  const none = new Array<number>(tokens).fill(0);
  const together = decoder.forward(none, 0, 1, { features, bidirectional: false });
  const whole = decoder.forward(none, 0, 1, { features, bidirectional: true });
  for (let i = 0; i < tokens; i++) {
    const row = features.subarray(i * SMALL.hiddenSize, (i + 1) * SMALL.hiddenSize);
    const logits = decoder.forward([0], i, 1, { features: row, bidirectional: false });
    if (i === tokens - 1) expect(distance(logits, [...together])).toBeLessThan(2e-5);
  }
  expect(distance(whole, [...together])).toBeGreaterThan(1e-3);
  decoder.dispose();
});

it('refuses what it has no room for', async () => {
  const { decoder } = await decoderOf(SMALL);
  expect(() => decoder.forward(idsOf(MAX_TOKENS + 1), 0, 1)).toThrow();
  expect(() => decoder.forward([1, 2], CAPACITY - 1, 1)).toThrow();
  expect(() => decoder.forward([1], 0, 2)).toThrow();
  expect(() => decoder.forward([], 0, 0)).toThrow();
  expect(planMemory(randomModel(SMALL), configOf(SMALL), { capacity: 2 ** 26, slack: 0 }, 1)).toBeNull();
  const narrow = { ...SMALL, headDim: 24 };
  expect(planMemory(randomModel(narrow), configOf(narrow), { capacity: CAPACITY, slack: 0 }, 1)).toBeNull();
});
