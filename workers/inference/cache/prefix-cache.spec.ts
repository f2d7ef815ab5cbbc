import { describe, expect, it } from 'vitest';
import { ParkedTexts, type TokenKey } from './prefix-cache.ts';

function text(keys: TokenKey[], bytes: number) {
  const cache = {
    bytes,
    disposed: false,
    keepable: (length: number) => length,
    restore: () => undefined,
    dispose() {
      cache.disposed = true;
    },
  };
  return { keys, cache };
}
const common = (prompt: TokenKey[]) => (keys: readonly TokenKey[]) => {
  let count = 0;
  while (count < keys.length && keys[count] === prompt[count]) count++;
  return count;
};

describe('ParkedTexts', () => {
  it('finds the text with the longest beginning in common', () => {
    const texts = new ParkedTexts(100);
    const [a, b] = [text([1, 2, 3], 10), text([1, 2, 9, 9], 10)];
    texts.put(a);
    texts.put(b);
    expect(texts.best(common([1, 2, 3, 4]))).toEqual({ text: a, known: 3 });
    expect(texts.best(common([1, 2, 9, 8]))).toEqual({ text: b, known: 3 });
    expect(texts.best(common([7]))).toBeNull();
  });

  it('stays within its budget: the text left longest ago is let go', () => {
    const texts = new ParkedTexts(100);
    const all = [text([1], 40), text([2], 40), text([3], 40)];
    for (const one of all) texts.put(one);
    expect(all.map(({ cache }) => cache.disposed)).toEqual([true, false, false]);
    expect(texts.best(common([1]))).toBeNull();
    expect(texts.hasRoomFor(100)).toBe(true);
    expect(texts.hasRoomFor(101)).toBe(false);
  });

  it('keeps one of a text that goes on', () => {
    const texts = new ParkedTexts(100);
    const [shorter, longer] = [text([1, 2], 10), text([1, 2, 3], 15)];
    texts.put(shorter);
    texts.put(longer);
    expect(shorter.cache.disposed).toBe(true);
    expect(texts.best(common([1, 2]))?.text).toBe(longer);
  });

  it('gives a text away whole', () => {
    const texts = new ParkedTexts(100);
    const one = text([1], 10);
    texts.put(one);
    texts.take(one);
    texts.dispose();
    expect(one.cache.disposed).toBe(false);
    expect(texts.best(common([1]))).toBeNull();
  });
});
