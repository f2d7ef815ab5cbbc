/** Several texts in turn, on the tiny Gemma 3 that proves adapters: what is fetched answers as what was just read. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createCpuDecoder, createCpuSession } from '../backends/ort/cpu/session.ts';
import { DATA_FILE, ort, selfTestDecoder, selfTestModel } from '../backends/ort/cpu/testing/self-test-model.ts';
import type { Decoder, Prompt } from './decoder.ts';

/** Bytes of one token's cache: two layers' keys and values, 32 floats each. */
const TOKEN_BYTES = 2 * 2 * 32 * 4;

let graph: Uint8Array;
let files: Map<string, Uint8Array>;
beforeAll(async () => {
  const model = await selfTestModel();
  graph = model.graph;
  files = new Map([[DATA_FILE, model.data]]);
});

const open: { decoder: Decoder; session: ort.InferenceSession }[] = [];
afterEach(async () => {
  for (const { decoder, session } of open.splice(0)) {
    decoder.dispose();
    await session.release();
  }
});
const make = {
  'whose graph gives new rows': () => createCpuDecoder(ort, graph, files, Infinity),
  'whose graph gives the whole cache': () => createCpuSession(ort, graph, files),
};
async function decoderOf(kind: keyof typeof make, prefixCacheBytes: number): Promise<Decoder> {
  const session = await make[kind]();
  const decoder = selfTestDecoder(session, { prefixCacheBytes });
  open.push({ decoder, session });
  return decoder;
}

const ids = (seed: number, length: number): number[] =>
  Array.from({ length }, (_, i) => 3 + ((seed * 97 + i * 31 + ((i * i) % 7)) % 480));
const prompt = (...tokens: number[]): Prompt => ({ ids: tokens, pictures: [] });
async function ask(decoder: Decoder, text: Prompt): Promise<{ reused: number; logits: Float32Array }> {
  const counted = decoder.reusableLength(text);
  const reused = await decoder.reuse(text);
  expect(counted).toBe(reused);
  return { reused, logits: await (await decoder.prefill(text)).lastRows() };
}
const difference = (a: Float32Array, b: Float32Array) => Math.max(...a.map((x, i) => Math.abs(x - (b[i] ?? NaN))));

const system = ids(1, 6);
const a = [...system, ...ids(2, 30)];
const b = [...system, ...ids(3, 26)];
const c = [...system, ...ids(4, 24)];

describe.each(Object.keys(make) as (keyof typeof make)[])('a decoder %s', (kind) => {
  it('reads only what is new of each of two texts in turn', async () => {
    const decoder = await decoderOf(kind, 2 ** 20);
    expect((await ask(decoder, prompt(...a))).reused).toBe(0);
    // The beginning is common: it is not read again.
    expect((await ask(decoder, prompt(...b))).reused).toBe(system.length);
    const again = await ask(decoder, prompt(...a, 8, 9));
    expect(again.reused).toBe(a.length);
    const other = await ask(decoder, prompt(...b, 10));
    expect(other.reused).toBe(b.length);
    expect((await ask(decoder, prompt(...a, 8, 9, 11))).reused).toBe(a.length + 2);

    const fresh = await decoderOf(kind, 0);
    expect(difference(again.logits, (await ask(fresh, prompt(...a, 8, 9))).logits)).toBeLessThan(1e-4);
    fresh.clear();
    expect(difference(other.logits, (await ask(fresh, prompt(...b, 10))).logits)).toBeLessThan(1e-4);
  });

  it('keeps the common beginning after an edit, also of a text that was left', async () => {
    const decoder = await decoderOf(kind, 2 ** 20);
    await ask(decoder, prompt(...a));
    expect((await ask(decoder, prompt(...a.slice(0, 30), 5, 6, 7))).reused).toBe(30);
    await ask(decoder, prompt(...b));
    const edited = await ask(decoder, prompt(...a.slice(0, 25), 7, 6, 5));
    expect(edited.reused).toBe(25);
    const fresh = await decoderOf(kind, 0);
    const want = await ask(fresh, prompt(...a.slice(0, 25), 7, 6, 5));
    expect(difference(edited.logits, want.logits)).toBeLessThan(1e-4);
  });

  it('lets the text left longest ago go where there is no room for all', async () => {
    const decoder = await decoderOf(kind, (b.length + c.length) * TOKEN_BYTES);
    for (const text of [a, b, c]) await ask(decoder, prompt(...text));
    // a and b would be too much: a is gone, and what it shares with c is all that is left of it.
    expect((await ask(decoder, prompt(...a))).reused).toBe(system.length);
    expect((await ask(decoder, prompt(...c, 9))).reused).toBe(c.length);
  });

  it('snapshots nothing without a budget', async () => {
    const decoder = await decoderOf(kind, 0);
    await ask(decoder, prompt(...a));
    await ask(decoder, prompt(...b));
    expect((await ask(decoder, prompt(...a))).reused).toBe(system.length);
  });
});
