import { describe, expect, it } from 'vitest';
import { PrefixCache, type TokenKey } from './prefix-cache.ts';

function entry(keys: TokenKey[], bytes: number) {
  const snapshot = {
    bytes,
    disposed: false,
    reusableLength: (length: number) => length,
    restore: () => undefined,
    dispose() {
      snapshot.disposed = true;
    },
  };
  return { keys, snapshot };
}
const common = (prompt: TokenKey[]) => (keys: readonly TokenKey[]) => {
  let count = 0;
  while (count < keys.length && keys[count] === prompt[count]) count++;
  return count;
};

describe('PrefixCache', () => {
  it('finds the text with the longest beginning in common', () => {
    const cache = new PrefixCache(100);
    const [a, b] = [entry([1, 2, 3], 10), entry([1, 2, 9, 9], 10)];
    cache.add(a);
    cache.add(b);
    expect(cache.best(common([1, 2, 3, 4]))).toEqual({ entry: a, length: 3 });
    expect(cache.best(common([1, 2, 9, 8]))).toEqual({ entry: b, length: 3 });
    expect(cache.best(common([7]))).toBeNull();
  });

  it('stays within its budget: the text left longest ago is let go', () => {
    const cache = new PrefixCache(100);
    const all = [entry([1], 40), entry([2], 40), entry([3], 40)];
    for (const one of all) cache.add(one);
    expect(all.map(({ snapshot }) => snapshot.disposed)).toEqual([true, false, false]);
    expect(cache.best(common([1]))).toBeNull();
    expect(cache.fits(100)).toBe(true);
    expect(cache.fits(101)).toBe(false);
  });

  it('keeps one of a text that goes on', () => {
    const cache = new PrefixCache(100);
    const [shorter, longer] = [entry([1, 2], 10), entry([1, 2, 3], 15)];
    cache.add(shorter);
    cache.add(longer);
    expect(shorter.snapshot.disposed).toBe(true);
    expect(cache.best(common([1, 2]))?.entry).toBe(longer);
  });

  it('gives a text away whole', () => {
    const cache = new PrefixCache(100);
    const one = entry([1], 10);
    cache.add(one);
    cache.take(one);
    cache.dispose();
    expect(one.snapshot.disposed).toBe(false);
    expect(cache.best(common([1]))).toBeNull();
  });

  it('drops only texts that the new one begins with', () => {
    const cache = new PrefixCache(100);
    const others = [entry([1, 3], 10), entry([1, 2, 3, 4], 10), entry([2], 10)];
    for (const other of others) cache.add(other);
    cache.add(entry([1, 2, 3], 10));
    expect(others.map(({ snapshot }) => snapshot.disposed)).toEqual([false, false, false]);
    // The same text again takes the place of the old one.
    cache.add(entry([1, 2, 3, 4], 10));
    expect(others.map(({ snapshot }) => snapshot.disposed)).toEqual([false, true, false]);
  });

  it('takes what snapshots themselves can be reused of', () => {
    const cache = new PrefixCache(100);
    const lost = entry([1, 2, 3], 10);
    lost.snapshot.reusableLength = (length) => (length >= 3 ? length : 0);
    cache.add(lost);
    expect(cache.best(common([1, 2]))).toBeNull();
    const shorter = entry([1, 9], 10);
    cache.add(shorter);
    expect(cache.best(common([1, 2]))).toEqual({ entry: shorter, length: 1 });
    expect(cache.best(common([1, 2, 3]))).toEqual({ entry: lost, length: 3 });
  });

  it('prefers the entry that was added first among equals, and evicts no more than it has to', () => {
    const cache = new PrefixCache(100);
    const all = [entry([1, 2], 30), entry([1, 3], 30), entry([1, 4], 30)];
    for (const one of all) cache.add(one);
    expect(cache.best(common([1, 5]))).toEqual({ entry: all[0], length: 1 });
    cache.add(entry([6], 40));
    expect(all.map(({ snapshot }) => snapshot.disposed)).toEqual([true, false, false]);
  });

  it('frees all that it holds', () => {
    const cache = new PrefixCache(100);
    const all = [entry([1], 10), entry([2], 10), entry([3], 10)];
    for (const one of all) cache.add(one);
    cache.dispose();
    expect(all.every(({ snapshot }) => snapshot.disposed)).toBe(true);
    expect(cache.best(common([1]))).toBeNull();
  });
});
