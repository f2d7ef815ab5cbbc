/** Which differences of a decoder's logits from the trusted ones are accepted. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Backend } from '../backend-interface/backend.ts';
import type { KvCache } from '../backend-interface/kv-cache.ts';
import { Logits } from '../backend-interface/logits.ts';
import { Decoder } from '../cache/decoder.ts';
import { seededRandom } from '../sampling/random.ts';
import { checkEquivalence } from './equivalence-check.ts';

const VOCABULARY = 300;
const PROMPT = 40;
const STEPS = 2;

/** Logits of a text: those of a language model are far from symmetric around 0. */
function logitsOf(ids: readonly number[]): Float32Array {
  const random = seededRandom(ids.reduce((hash, id) => (hash * 31 + id) % 2 ** 40, 7));
  return Float32Array.from({ length: VOCABULARY }, () => 5 + 3 * (random() + random() + random() - 1.5));
}

/** Changes the logits after so many tokens. */
type Change = (logits: Float32Array, tokens: number) => Float32Array;
let openLogits = 0;

function decoderWith(change: Change, { capacity = 100, chunkSize = 16 } = {}) {
  const cached: number[] = [];
  const cache = {
    get length() {
      return cached.length;
    },
    reusableLength: (length: number) => length,
    truncate: (length: number) => (cached.length = Math.min(cached.length, length)),
    bytes: 0,
    snapshot: () => Promise.resolve(null),
    dispose: () => undefined,
  } as KvCache;
  const backend: Backend = {
    cache,
    bidirectionalImages: false,
    forward: ({ ids }, logitsToKeep) => {
      cached.push(...(ids as readonly number[]));
      if (logitsToKeep === 0) return Promise.resolve(null);
      const data = change(logitsOf(cached), cached.length);
      openLogits++;
      const dispose = () => void openLogits--;
      const source = { rows: 1, vocabSize: data.length, type: 'float32', storage: { data }, dispose } as const;
      return Promise.resolve(new Logits(source));
    },
    dispose: () => undefined,
  };
  return { decoder: new Decoder(backend, { capacity, chunkSize }), backend, cached };
}

const same: Change = (logits) => logits;
/** Changes the logits of one forward pass only, by its number of tokens. */
const only =
  (at: number, change: Change): Change =>
  (logits, tokens) =>
    tokens === at ? change(logits, tokens) : logits;
const map =
  (value: (logit: number, i: number) => number): Change =>
  (logits) =>
    logits.map(value);

const check = async (change: Change) => {
  const { decoder, cached } = decoderWith(change);
  const trusted = decoderWith(same);
  const equivalent = await checkEquivalence(decoder, trusted.decoder);
  // Both are empty afterwards, and all logits are freed.
  expect([cached, trusted.cached]).toEqual([[], []]);
  expect(openLogits).toBe(0);
  return equivalent;
};

afterEach(() => {
  vi.restoreAllMocks();
  openLogits = 0;
});

describe('a decoder is accepted', () => {
  it('that gives the same logits', async () => {
    expect(await check(same)).toBe(true);
  });

  it.each<[string, Change]>([
    ['rounded as activations of 8 bits are', map((logit) => Math.round(logit * 8) / 8)],
    ['with a little noise', map((logit, i) => logit + 0.1 * Math.sin(i * i))],
    ['shifted as a whole, which changes no probability', map((logit) => logit + 3)],
  ])('whose logits are %s', async (_, change) => {
    expect(await check(change)).toBe(true);
  });
});

describe('a decoder is not accepted', () => {
  it.each<[string, Change]>([
    ['wrong everywhere', map((_, i) => (i * 7919) % 13)],
    ['those of another text', (_, tokens) => logitsOf([tokens])],
    ['negative', map((logit) => -logit)],
    ['noisy', map((logit, i) => logit + Math.sin(i * i))],
    ['all the same', map(() => 5)],
    ['NaN', map(() => NaN)],
    ['NaN at one id', map((logit, i) => (i === 200 ? NaN : logit))],
    ['infinite at one id', map((logit, i) => (i === 200 ? Infinity : logit))],
    ['too few', (logits) => logits.slice(0, -1)],
    ['missing', () => new Float32Array(0)],
  ])('whose logits are %s: after the prompt, after either step, or always', async (_, change) => {
    expect(await check(change)).toBe(false);
    for (const at of [PROMPT, PROMPT + 1, PROMPT + STEPS]) expect(await check(only(at, change)), `${at}`).toBe(false);
  });

  it('that fails, with the reason in the console', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const { decoder, backend, cached } = decoderWith(same);
    const failure = new Error('a kernel failed');
    backend.forward = () => Promise.reject(failure);
    expect(await checkEquivalence(decoder, decoderWith(same).decoder)).toBe(false);
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.any(String), failure);
    expect(cached).toEqual([]);
  });

  it('that has no room for the texts, which are not tried then', async () => {
    const trusted = decoderWith(same);
    const forward = vi.spyOn(trusted.backend, 'forward');
    const small = decoderWith(same, { capacity: PROMPT + STEPS - 1 });
    expect(await checkEquivalence(small.decoder, trusted.decoder)).toBe(false);
    expect(forward).not.toHaveBeenCalled();
    const enough = decoderWith(same, { capacity: PROMPT + STEPS });
    expect(await checkEquivalence(enough.decoder, trusted.decoder)).toBe(true);
  });
});

it('rejects where the trusted decoder fails, since nothing is known then', async () => {
  const trusted = decoderWith(same);
  const failure = new Error('out of memory');
  trusted.backend.forward = () => Promise.reject(failure);
  await expect(checkEquivalence(decoderWith(same).decoder, trusted.decoder)).rejects.toBe(failure);
});

it('compares texts that begin from nothing', async () => {
  const { decoder } = decoderWith(same);
  const trusted = decoderWith(same);
  await decoder.prefill({ ids: [9, 9, 9], pictures: [] });
  await trusted.decoder.prefill({ ids: [8, 8], pictures: [] });
  expect(await checkEquivalence(decoder, trusted.decoder)).toBe(true);
});
