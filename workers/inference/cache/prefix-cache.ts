/**
 * Snapshots of the KV cache of earlier sequences, within a budget of bytes. A prompt finds the one with the longest prefix in
 * common; the least recently used one is evicted first.
 */
import type { CacheSnapshot } from '../backend-interface/kv-cache.ts';

/** Identifies the token at a position of the cache: a token id, or a picture's key with the number of the soft token. */
export type TokenKey = number | string;

/** A sequence's tokens and their cache entries. */
export interface PrefixCacheEntry {
  keys: readonly TokenKey[];
  snapshot: CacheSnapshot;
}

/** An entry that a prompt can continue. */
export interface PrefixMatch {
  entry: PrefixCacheEntry;
  /** Number of tokens that the prompt can reuse. */
  length: number;
}

const startsWith = (keys: readonly TokenKey[], prefix: readonly TokenKey[]): boolean =>
  prefix.length <= keys.length && prefix.every((key, i) => key === keys[i]);

/** Cache snapshots by prefix, with eviction in the order in which they were added. */
export class PrefixCache {
  /** Oldest first. */
  private entries: PrefixCacheEntry[] = [];

  /** @param budget bytes that all snapshots together may take */
  constructor(private readonly budget: number) {}

  /**
   * Finds the entry that saves a prompt the most work.
   * @param matchLength number of an entry's tokens that the prompt begins with
   * @returns null if no entry can be reused
   */
  best(matchLength: (keys: readonly TokenKey[]) => number): PrefixMatch | null {
    let best: PrefixMatch | null = null;
    for (const entry of this.entries) {
      const length = entry.snapshot.reusableLength(matchLength(entry.keys));
      if (length > (best?.length ?? 0)) best = { entry, length };
    }
    return best;
  }

  /**
   * Whether a snapshot can be added at all, other entries being evicted if need be.
   * @param bytes size of the snapshot
   * @returns false if it is larger than the budget
   */
  fits(bytes: number): boolean {
    return bytes <= this.budget;
  }

  /**
   * Adds an entry and evicts others until the budget is met. Entries that are a prefix of the new one are dropped.
   * @param entry the cache owns its snapshot from now on
   */
  add(entry: PrefixCacheEntry): void {
    for (const other of this.entries) if (startsWith(entry.keys, other.keys)) this.drop(other);
    this.entries.push(entry);
    for (const oldest of [...this.entries]) if (this.bytes > this.budget) this.drop(oldest);
  }

  /**
   * Removes an entry without freeing its snapshot, which is the caller's from now on.
   * @param entry an entry that `best` returned
   */
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

  /** Frees all snapshots. */
  dispose(): void {
    for (const entry of this.entries) this.drop(entry);
  }
}
