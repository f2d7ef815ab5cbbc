/** The decoder over a backend that computes nothing: which tokens it processes, what it reuses, and what it frees. */
import { describe, expect, it, vi } from 'vitest';
import type { Backend, ForwardInput } from '../backend-interface/backend.ts';
import type { CacheSnapshot, KvCache } from '../backend-interface/kv-cache.ts';
import { Logits } from '../backend-interface/logits.ts';
import type { PromptPicture } from '../backend-interface/pictures.ts';
import { Decoder, type DecoderOptions, type Prompt } from './decoder.ts';

const BYTES_PER_TOKEN = 10;

/** Keeps the number of its tokens; snapshots keep the number of theirs. */
class CountingCache implements KvCache {
  length = 0;
  /** Shorter texts cannot be reused, as with sliding-window layers. */
  reusableFrom = 0;
  readonly snapshots: { length: number; disposed: boolean; restored: boolean }[] = [];
  snapshotFails = false;
  readonly dispose = vi.fn();

  get bytes(): number {
    return this.length * BYTES_PER_TOKEN;
  }
  reusableLength(length: number): number {
    return length >= this.reusableFrom ? length : 0;
  }
  truncate(length: number): void {
    expect(length).toBeLessThanOrEqual(this.length);
    this.length = length;
  }
  snapshot(): Promise<CacheSnapshot | null> {
    if (this.snapshotFails) return Promise.resolve(null);
    const record = { length: this.length, disposed: false, restored: false };
    this.snapshots.push(record);
    return Promise.resolve({
      bytes: this.bytes,
      reusableLength: (length) => length,
      restore: () => {
        record.restored = true;
        this.length = record.length;
      },
      dispose: () => {
        record.disposed = true;
      },
    });
  }
}

function setUp(options: Partial<DecoderOptions> = {}) {
  const cache = new CountingCache();
  const passes: { input: ForwardInput; logitsToKeep: number }[] = [];
  const open: number[] = [];
  const dispose = vi.fn();
  let givesLogits = true;
  const backend: Backend = {
    cache,
    bidirectionalImages: false,
    forward(input, logitsToKeep) {
      expect(input.start).toBe(cache.length);
      passes.push({ input, logitsToKeep });
      cache.length = input.end;
      if (!givesLogits || logitsToKeep === 0) return Promise.resolve(null);
      const number = passes.length;
      open.push(number);
      const release = () => void open.splice(open.indexOf(number), 1);
      // The numbers of the positions, so that it shows which were kept.
      const data = Float32Array.from({ length: logitsToKeep }, (_, i) => input.end - logitsToKeep + i);
      const source = { rows: logitsToKeep, vocabSize: 1, type: 'float32', storage: { data } } as const;
      return Promise.resolve(new Logits({ ...source, dispose: release }));
    },
    dispose,
  };
  const decoder = new Decoder(backend, { capacity: 100, chunkSize: 8, ...options });
  const process = async (prompt: Prompt) => {
    const reused = await decoder.reuse(prompt);
    (await decoder.prefill(prompt)).dispose();
    return reused;
  };
  const giveNoLogits = () => {
    givesLogits = false;
  };
  return { decoder, cache, passes, open, dispose, process, giveNoLogits };
}

const text = (...ids: number[]): Prompt => ({ ids, pictures: [] });
const range = (from: number, length: number) => Array.from({ length }, (_, i) => from + i);
const picture = (key: string, start: number, length: number): PromptPicture => ({
  ...{ key, start, length, features: new Float32Array(length) },
});

describe('prefill', () => {
  it('processes a prompt in chunks, and gives the logits of its last token only', async () => {
    const { decoder, passes, open } = setUp();
    const ids = range(1, 20);
    const logits = await decoder.prefill(text(...ids));
    expect(passes.map(({ input, logitsToKeep }) => [input.ids, input.start, input.end, logitsToKeep])).toEqual([
      [range(1, 8), 0, 8, 0],
      [range(9, 8), 8, 16, 0],
      [range(17, 4), 16, 20, 1],
    ]);
    expect([...(await logits.lastRows())]).toEqual([19]);
    expect(open).toHaveLength(1);
    expect([decoder.length, decoder.capacity]).toEqual([20, 100]);
  });

  it('goes on after the cached tokens, and passes all pictures', async () => {
    const { decoder, passes } = setUp();
    const pictures = [picture('a', 2, 4)];
    await decoder.prefill({ ids: range(1, 7), pictures });
    await decoder.prefill({ ids: range(1, 9), pictures });
    expect(passes.map(({ input }) => [input.ids, input.pictures])).toEqual([
      [range(1, 7), pictures],
      [range(8, 2), pictures],
    ]);
  });

  it('never cuts through a picture', async () => {
    const { decoder, passes } = setUp();
    await decoder.prefill({ ids: range(1, 20), pictures: [picture('a', 5, 6)] });
    expect(passes.map(({ input }) => input.end)).toEqual([5, 13, 20]);
  });

  it('frees the logits of earlier chunks', async () => {
    const { decoder, open } = setUp({ chunkSize: 2 });
    await decoder.prefill(text(...range(1, 6)));
    expect(open).toHaveLength(1);
  });

  it('refuses a prompt that is longer than the context, and takes one that fills it', async () => {
    const { decoder, passes } = setUp({ capacity: 5 });
    await expect(decoder.prefill(text(...range(1, 6)))).rejects.toMatchObject({ code: 'prompt-too-long' });
    expect(passes).toEqual([]);
    await decoder.prefill(text(...range(1, 5)));
    expect(decoder.length).toBe(5);
  });

  it('refuses to process nothing', async () => {
    const { decoder } = setUp();
    await expect(decoder.prefill(text())).rejects.toMatchObject({ code: 'bad-request' });
    await decoder.prefill(text(1, 2));
    await expect(decoder.prefill(text(1, 2))).rejects.toMatchObject({ code: 'bad-request' });
  });

  it('ends between two chunks when it is aborted; those before stay cached', async () => {
    const { decoder, passes } = setUp();
    await expect(decoder.prefill(text(...range(1, 20)), AbortSignal.abort())).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(passes).toEqual([]);
    const controller = new AbortController();
    const filling = decoder.prefill(text(...range(1, 20)), controller.signal);
    controller.abort();
    await expect(filling).rejects.toMatchObject({ code: 'aborted' });
    expect(decoder.length).toBe(8);
    expect(decoder.reusableLength(text(...range(1, 20)))).toBe(8);
    await decoder.prefill(text(...range(1, 20)), new AbortController().signal);
    expect(decoder.length).toBe(20);
  });
});

describe('step', () => {
  it('processes one token after the cached ones', async () => {
    const { decoder, passes } = setUp();
    await decoder.prefill(text(1, 2));
    expect([...(await (await decoder.step(7)).lastRows())]).toEqual([2]);
    expect(passes.at(-1)).toEqual({ input: { ids: [7], pictures: [], start: 2, end: 3 }, logitsToKeep: 1 });
    expect(decoder.reusableLength(text(1, 2, 7, 8))).toBe(3);
  });

  it('processes a token in a buffer, whose id is known later', async () => {
    const { decoder, passes } = setUp();
    await decoder.prefill(text(1, 2));
    const buffer = { usage: 0 } as GPUBuffer;
    await decoder.step(buffer);
    expect(passes.at(-1)?.input.ids).toBe(buffer);
    expect(decoder.reusableLength(text(1, 2, 7, 8))).toBe(2);
    decoder.resolveToken(7);
    expect(decoder.reusableLength(text(1, 2, 7, 8))).toBe(3);
    // A known id is not changed, and neither is one before it.
    decoder.resolveToken(9);
    expect(decoder.reusableLength(text(1, 2, 7, 8))).toBe(3);
  });

  it('can be undone', async () => {
    const { decoder, cache } = setUp();
    await decoder.prefill(text(1, 2));
    await decoder.step(7);
    decoder.stepBack();
    expect([decoder.length, cache.length]).toEqual([2, 2]);
    await decoder.step(8);
    expect(decoder.reusableLength(text(1, 2, 8, 9))).toBe(3);
  });

  it('fails where a backend gives no logits', async () => {
    const { decoder, giveNoLogits } = setUp();
    giveNoLogits();
    await expect(decoder.step(1)).rejects.toMatchObject({ code: 'internal' });
  });
});

describe('forward', () => {
  it('gives the logits of as many positions as are needed, and frees them', async () => {
    const { decoder, passes, open } = setUp({ chunkSize: 2 });
    const prompt = text(...range(1, 9));
    expect([...(await decoder.forward(prompt, 5, 0))]).toEqual([]);
    expect([...(await decoder.forward(prompt, 9, 3))]).toEqual([6, 7, 8]);
    expect(passes.map(({ input, logitsToKeep }) => [input.ids, logitsToKeep])).toEqual([
      [range(1, 5), 0],
      [range(6, 4), 3],
    ]);
    expect(open).toEqual([]);
    expect(decoder.reusableLength(text(...range(1, 10)))).toBe(9);
  });
});

describe('reuse', () => {
  it('counts the tokens that a prompt begins with, except its last one', async () => {
    const { decoder, process } = setUp();
    await process(text(1, 2, 3, 4));
    for (const [prompt, expected] of [
      [text(1, 2, 3, 4, 5), 4],
      [text(1, 2, 3, 4), 3],
      [text(1, 2, 9, 4, 5), 2],
      [text(1), 0],
      [text(9, 2, 3), 0],
      [text(), 0],
    ] as const)
      expect(decoder.reusableLength(prompt)).toBe(expected);
  });

  it('truncates the cache to what is reused', async () => {
    const { decoder, cache, passes, process } = setUp();
    await process(text(1, 2, 3, 4));
    expect(await process(text(1, 2, 9))).toBe(2);
    expect(cache.length).toBe(3);
    expect(passes.at(-1)?.input.ids).toEqual([9]);
    expect(decoder.reusableLength(text(1, 2, 9, 4))).toBe(3);
  });

  it('knows pictures by their keys, as a whole', async () => {
    const { decoder, process } = setUp();
    const seen = (key: string, ...more: number[]): Prompt => ({
      ids: [1, 2, 9, 9, 9, 9, 3, ...more],
      pictures: [picture(key, 2, 4)],
    });
    await process(seen('cat'));
    expect(decoder.reusableLength(seen('cat', 4))).toBe(7);
    expect(decoder.reusableLength(seen('dog', 4))).toBe(2);
    // The same ids without a picture are other tokens.
    expect(decoder.reusableLength(text(1, 2, 9, 9, 9, 9, 3, 4))).toBe(2);
    // A prompt that ends in the picture: its last token does not count, so none of the picture does.
    expect(decoder.reusableLength({ ids: [1, 2, 9, 9, 9, 9], pictures: [picture('cat', 2, 4)] })).toBe(2);
    // At the picture's end and at its beginning nothing is split.
    expect(decoder.reusableLength({ ids: [1, 2, 9, 9, 9, 9, 8], pictures: [picture('cat', 2, 4)] })).toBe(6);
    expect(decoder.reusableLength({ ids: [1, 2, 9], pictures: [picture('cat', 2, 1)] })).toBe(2);
  });

  it('tells the tokens of a picture apart, also over several chunks', async () => {
    const { decoder, process } = setUp({ chunkSize: 3 });
    const prompt: Prompt = { ids: [1, 9, 9, 5, 9, 9, 6], pictures: [picture('a', 1, 2), picture('b', 4, 2)] };
    await process(prompt);
    expect(decoder.reusableLength({ ...prompt, ids: [...prompt.ids, 7] })).toBe(7);
    const swapped = { ids: [...prompt.ids, 7], pictures: [picture('b', 1, 2), picture('a', 4, 2)] };
    expect(decoder.reusableLength(swapped)).toBe(1);
  });

  it('is nothing where the cache has lost what is needed', async () => {
    const { cache, process } = setUp();
    await process(text(1, 2, 3, 4));
    cache.reusableFrom = 3;
    expect(await process(text(1, 2, 9, 9))).toBe(0);
    expect(cache.length).toBe(4);
    cache.reusableFrom = 4;
    expect(await process(text(1, 2, 9, 9, 5))).toBe(4);
  });

  it('forgets everything when it is cleared', async () => {
    const { decoder, cache, process } = setUp();
    await process(text(1, 2, 3, 4));
    decoder.clear();
    expect([decoder.length, cache.length]).toEqual([0, 0]);
    expect(decoder.reusableLength(text(1, 2, 3))).toBe(0);
  });
});

describe('snapshots', () => {
  const BUDGET = { prefixCacheBytes: 1000 };
  const first = range(100, 20);
  const second = range(200, 20);

  it('bring a text back', async () => {
    const { decoder, cache, process, passes } = setUp(BUDGET);
    await process(text(...first));
    await process(text(...second));
    expect(cache.snapshots).toEqual([{ length: 20, disposed: false, restored: false }]);
    expect(decoder.reusableLength(text(...first, 1, 2))).toBe(20);
    expect(await process(text(...first, 1, 2))).toBe(20);
    expect(cache.snapshots[0]).toMatchObject({ restored: true, disposed: false });
    expect(passes.at(-1)?.input).toMatchObject({ ids: [1, 2], start: 20, end: 22 });
    // The other text went to a snapshot meanwhile.
    expect(decoder.reusableLength(text(...second, 3))).toBe(20);
    expect(decoder.reusableLength(text(...first, 1, 2, 3))).toBe(22);
  });

  it('bring back the part of a text that a prompt begins with', async () => {
    const { decoder, cache, process } = setUp(BUDGET);
    await process(text(...first));
    await process(text(...second));
    expect(await process(text(...first.slice(0, 15), 1))).toBe(15);
    expect(cache.length).toBe(16);
    expect(decoder.reusableLength(text(...first))).toBe(15);
  });

  it('are not restored where the cache itself holds as much', async () => {
    const { cache, process } = setUp(BUDGET);
    await process(text(...first));
    await process(text(...first.slice(0, 2), ...second));
    expect(cache.snapshots).toHaveLength(1);
    expect(await process(text(...first.slice(0, 2), 7))).toBe(2);
    expect(cache.snapshots[0]?.restored).toBe(false);
  });

  it('are made only of texts of which more is lost than reused', async () => {
    const { cache, process } = setUp(BUDGET);
    // 32 tokens, of which 16 are reused and 16 lost.
    await process(text(...range(1, 32)));
    await process(text(...range(1, 16), 99));
    expect(cache.snapshots).toEqual([]);
    const other = setUp(BUDGET);
    await other.process(text(...range(1, 33)));
    await other.process(text(...range(1, 16), 99));
    expect(other.cache.snapshots).toHaveLength(1);
  });

  it('are made of at least 16 lost tokens', async () => {
    const few = setUp(BUDGET);
    await few.process(text(...range(1, 15)));
    await few.process(text(...second));
    expect(few.cache.snapshots).toEqual([]);
    const enough = setUp(BUDGET);
    await enough.process(text(...range(1, 16)));
    await enough.process(text(...second));
    expect(enough.cache.snapshots).toHaveLength(1);
  });

  it.each([
    ['without a budget', {}, false],
    ['of more bytes than the budget', { prefixCacheBytes: 199 }, false],
    ['of just the budget', { prefixCacheBytes: 200 }, true],
  ])('%s', async (_, options, isMade) => {
    const { cache, decoder, process } = setUp(options);
    await process(text(...first));
    await process(text(...second));
    expect(cache.snapshots).toHaveLength(isMade ? 1 : 0);
    expect(decoder.reusableLength(text(...first, 1))).toBe(isMade ? 20 : 0);
  });

  it('are done without where there is no memory for one', async () => {
    const { cache, decoder, process } = setUp(BUDGET);
    cache.snapshotFails = true;
    await process(text(...first));
    await process(text(...second));
    expect(decoder.reusableLength(text(...first, 1))).toBe(0);
    expect(decoder.reusableLength(text(...second, 1))).toBe(20);
  });

  it('are not evicted by the text that makes way for them', async () => {
    // Room for one text only: the snapshot that is restored must not be evicted by the one that is made.
    const { cache, process } = setUp({ prefixCacheBytes: 250 });
    await process(text(...first));
    await process(text(...second));
    expect(await process(text(...first, 1))).toBe(20);
    expect(cache.snapshots.map(({ disposed }) => disposed)).toEqual([false, false]);
  });

  it('stay when the cache is cleared, and are freed with the decoder', async () => {
    const { decoder, cache, dispose, process } = setUp(BUDGET);
    await process(text(...first));
    await process(text(...second));
    decoder.clear();
    expect(decoder.reusableLength(text(...first, 1))).toBe(20);
    decoder.dispose();
    expect(dispose).toHaveBeenCalledOnce();
    expect(cache.snapshots.map(({ disposed }) => disposed)).toEqual([true]);
  });
});
