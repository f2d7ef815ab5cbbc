/** The KV cache as the decoder sees it, whichever backend fills it and wherever its memory is. */

/** Keys and values of the tokens that a backend has processed. */
export interface KvCache {
  /** Number of cached tokens. */
  readonly length: number;
  /**
   * Length of the longest prefix of the first `length` tokens whose entries are all valid: `length` itself, or 0 where
   * sliding-window layers have overwritten entries that the next token would attend to.
   * @param length number of tokens, at most the cache's length
   */
  reusableLength(length: number): number;
  /**
   * Drops every token after the first `length`.
   * @param length number of tokens to keep, which must be reusable
   */
  truncate(length: number): void;
  /** Size of a snapshot of the cached tokens, in bytes. */
  readonly bytes: number;
  /**
   * Copies the entries of all cached tokens.
   * @returns null if there is not enough memory for a copy
   */
  snapshot(): Promise<CacheSnapshot | null>;
  /** Frees the cache's memory. */
  dispose(): void;
}

/** A copy of a cache's entries, which can replace what the cache holds later. */
export interface CacheSnapshot {
  /** Size of the copy, in bytes. */
  readonly bytes: number;
  /**
   * As `KvCache.reusableLength`, of the cache at the time of the copy.
   * @param length number of tokens
   */
  reusableLength(length: number): number;
  /** Replaces the cache's entries with the copy's. The snapshot is used up afterwards. */
  restore(): void;
  /** Frees the copy. */
  dispose(): void;
}
