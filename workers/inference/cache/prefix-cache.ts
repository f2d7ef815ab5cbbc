/** The caches of texts that were left for another, within a budget of bytes; the one left longest ago goes first. */
import type { CacheSnapshot } from '../backends/ort/kv-cache.ts';

/** What is in one place of a cache: a token id, or a named picture's nth token. */
export type TokenKey = number | string;

export interface PrefixCacheEntry {
  keys: readonly TokenKey[];
  snapshot: CacheSnapshot;
}

const beginsWith = (keys: readonly TokenKey[], beginning: readonly TokenKey[]): boolean =>
  beginning.length <= keys.length && beginning.every((key, i) => key === keys[i]);

export class PrefixCache {
  /** The one left longest ago first. */
  private entries: PrefixCacheEntry[] = [];

  constructor(private readonly budget: number) {}

  /** @param matchLength how many tokens of a text are wanted; the text with the most, if any has one */
  best(matchLength: (keys: readonly TokenKey[]) => number): { entry: PrefixCacheEntry; length: number } | null {
    let best: { entry: PrefixCacheEntry; length: number } | null = null;
    for (const entry of this.entries) {
      const count = entry.snapshot.reusableLength(matchLength(entry.keys));
      if (count > (best?.length ?? 0)) best = { entry, length: count };
    }
    return best;
  }

  /** Whether a cache of so many bytes can be kept at all. */
  fits(bytes: number): boolean {
    return bytes <= this.budget;
  }

  add(entry: PrefixCacheEntry): void {
    // What this text goes on from is of no more use.
    for (const other of this.entries) if (beginsWith(entry.keys, other.keys)) this.drop(other);
    this.entries.push(entry);
    for (const oldest of [...this.entries]) if (this.bytes > this.budget) this.drop(oldest);
  }

  /** The caller's from now on. */
  take(entry: PrefixCacheEntry): void {
    this.entries = this.entries.filter((other) => other !== entry);
  }

  private get bytes(): number {
    return this.entries.reduce((sum, { snapshot }) => sum + snapshot.bytes, 0);
  }

  private drop(entry: PrefixCacheEntry): void {
    this.take(entry);
    entry.snapshot.dispose();
  }

  dispose(): void {
    for (const entry of this.entries) this.drop(entry);
  }
}
