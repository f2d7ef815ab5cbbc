/**
 * Drives a backend over the sequence in its KV cache: reuse of the prefix that a prompt shares with it, prefill in chunks, and
 * decode steps. Tokens and picture features go in, logits come out.
 */
import { EngineError } from '../../../protocol/engine.ts';
import type { Backend } from '../backend-interface/backend.ts';
import type { KvCache } from '../backend-interface/kv-cache.ts';
import type { Logits } from '../backend-interface/logits.ts';
import { chunkEnds, type PromptPicture } from '../backend-interface/pictures.ts';
import { PrefixCache, type TokenKey } from './prefix-cache.ts';

/** Token ids with the pictures among them. */
export interface Prompt {
  ids: readonly number[];
  pictures: readonly PromptPicture[];
}

/** A prompt whose pictures are known by their keys only, before they are encoded. */
export interface KeyedPrompt {
  ids: readonly number[];
  pictures: readonly Omit<PromptPicture, 'features'>[];
}

/** Limits of a decoder. */
export interface DecoderOptions {
  /** Tokens of context that the backend's cache has room for. */
  capacity: number;
  /** Prompt tokens in one forward pass. */
  chunkSize: number;
  /** Bytes that cache snapshots of other sequences may take. Default: no snapshots are kept. */
  prefixCacheBytes?: number;
}

/** The keys of tokens `start`…`end − 1`. */
function tokenKeys({ ids, pictures }: KeyedPrompt, start = 0, end = ids.length): TokenKey[] {
  const keys: TokenKey[] = ids.slice(start, end);
  for (const picture of pictures)
    for (let i = Math.max(start, picture.start); i < Math.min(end, picture.start + picture.length); i++)
      keys[i - start] = `${picture.key}#${i - picture.start}`;
  return keys;
}

/**
 * Counts how many cached tokens a prompt begins with. The prompt's last token never counts, since its logits are needed,
 * and a picture counts as a whole or not at all.
 */
function matchLengthWith(prompt: KeyedPrompt): (cached: readonly TokenKey[]) => number {
  const keys = tokenKeys(prompt);
  return (cached) => {
    let length = 0;
    while (length < cached.length && length < keys.length - 1 && cached[length] === keys[length]) length++;
    const split = prompt.pictures.find((p) => p.start < length && length < p.start + p.length);
    return split ? split.start : length;
  };
}

/** Shorter sequences are not worth a snapshot: computing them again is as fast as restoring one. */
const MIN_SNAPSHOT_TOKENS = 16;

/** Key of a token whose id only the GPU knows yet. */
const PENDING_TOKEN = -1;

function requireLogits(logits: Logits | null): Logits {
  if (!logits) throw new EngineError('internal', 'there are no logits');
  return logits;
}

/** Drives a backend for one sequence at a time, and keeps snapshots of earlier ones. */
export class Decoder {
  /** Keys of the tokens in the backend's cache. */
  private cachedTokens: TokenKey[] = [];
  private readonly prefixCache: PrefixCache;

  /**
   * @param backend runs the model; the decoder owns it
   * @param options limits
   */
  constructor(
    private readonly backend: Backend,
    private readonly options: DecoderOptions,
  ) {
    this.prefixCache = new PrefixCache(options.prefixCacheBytes ?? 0);
  }

  private get cache(): KvCache {
    return this.backend.cache;
  }

  /** Tokens of context that there is room for. */
  get capacity(): number {
    return this.options.capacity;
  }

  /** Number of cached tokens. */
  get length(): number {
    return this.cache.length;
  }

  /**
   * Length of the longest prefix of a prompt whose cache entries are still valid, in the cache or in a snapshot.
   * @param prompt the next prompt
   * @returns number of tokens, always less than the prompt's, and never ending inside a picture
   */
  reusableLength(prompt: KeyedPrompt): number {
    const matchLength = matchLengthWith(prompt);
    const current = this.cache.reusableLength(matchLength(this.cachedTokens));
    return Math.max(current, this.prefixCache.best(matchLength)?.length ?? 0);
  }

  /**
   * Truncates the cache to what a prompt can reuse, restoring a snapshot if that is longer. If more than is reused would be
   * lost, the current text goes to the prefix cache first.
   * @param prompt the next prompt
   * @returns number of cached tokens, all of which the prompt begins with
   */
  async reuse(prompt: KeyedPrompt): Promise<number> {
    const matchLength = matchLengthWith(prompt);
    const current = this.cache.reusableLength(matchLength(this.cachedTokens));
    const best = this.prefixCache.best(matchLength);
    const restored = best && best.length > current ? best : null;
    // It is taken before the current text is added, which may evict it.
    if (restored) this.prefixCache.take(restored.entry);
    const reusedInPlace = restored ? 0 : current;
    const lost = this.cachedTokens.length - reusedInPlace;
    if (lost > reusedInPlace && lost >= MIN_SNAPSHOT_TOKENS && this.prefixCache.fits(this.cache.bytes)) {
      const snapshot = await this.cache.snapshot();
      if (snapshot) this.prefixCache.add({ keys: [...this.cachedTokens], snapshot });
    }
    if (restored) {
      restored.entry.snapshot.restore();
      this.cachedTokens = [...restored.entry.keys];
    }
    const reused = restored?.length ?? current;
    this.cache.truncate(reused);
    this.cachedTokens.length = reused;
    return reused;
  }

  /** Empties the cache. Snapshots stay. */
  clear(): void {
    this.cache.truncate(0);
    this.cachedTokens = [];
  }

  /**
   * Processes a prompt from the first token that is not cached, in chunks.
   * @param prompt begins with the cached tokens
   * @param signal ends prefill between two chunks
   * @returns the last token's logits
   * @throws EngineError `prompt-too-long`; `aborted` (the chunks processed so far stay cached)
   */
  async prefill(prompt: Prompt, signal?: AbortSignal): Promise<Logits> {
    const end = prompt.ids.length;
    if (end > this.capacity) throw new EngineError('prompt-too-long', `${end} tokens, room for ${this.capacity}`);
    let logits: Logits | null = null;
    for (const cut of chunkEnds(this.length, end, this.options.chunkSize, prompt.pictures)) {
      if (signal?.aborted) throw new EngineError('aborted');
      logits?.dispose();
      logits = await this.forwardTo(prompt, cut, cut === end ? 1 : 0);
    }
    if (!logits) throw new EngineError('bad-request', 'nothing to read');
    return logits;
  }

  /**
   * Processes one generated token. The caller makes sure that `length` is less than `capacity`.
   * @param id the token's id, or a buffer that begins with it (readable as int32 and int64), which has to be resolved with
   *   `resolveToken` once it is known
   * @returns the next token's logits
   */
  async step(id: number | GPUBuffer): Promise<Logits> {
    const start = this.length;
    const [ids, key] = typeof id === 'number' ? [[id], id] : [id, PENDING_TOKEN];
    const logits = await this.backend.forward({ ids, pictures: [], start, end: start + 1 }, 1);
    this.cachedTokens.push(key);
    return requireLogits(logits);
  }

  /**
   * Sets the id of the last token, if `step` was given it in a buffer.
   * @param id the token's id
   */
  resolveToken(id: number): void {
    if (this.cachedTokens.at(-1) === PENDING_TOKEN) this.cachedTokens[this.cachedTokens.length - 1] = id;
  }

  /** Undoes the last `step`. */
  stepBack(): void {
    this.cachedTokens.length -= 1;
    this.cache.truncate(this.cachedTokens.length);
  }

  /**
   * Processes the prompt's tokens up to a position in one pass.
   * @param prompt begins with the cached tokens
   * @param end position after the last token to process
   * @param logitsToKeep number of last positions whose logits are needed
   * @returns float32 [logitsToKeep, vocabSize]
   */
  async forward(prompt: Prompt, end: number, logitsToKeep: number): Promise<Float32Array> {
    const logits = await this.forwardTo(prompt, end, logitsToKeep);
    try {
      return logitsToKeep > 0 ? await requireLogits(logits).lastRows(logitsToKeep) : new Float32Array(0);
    } finally {
      logits?.dispose();
    }
  }

  private async forwardTo({ ids, pictures }: Prompt, end: number, logitsToKeep: number): Promise<Logits | null> {
    const start = this.length;
    const logits = await this.backend.forward({ ids: ids.slice(start, end), pictures, start, end }, logitsToKeep);
    this.cachedTokens.push(...tokenKeys({ ids, pictures }, start, end));
    return logits;
  }

  /** Frees the backend and all snapshots. */
  dispose(): void {
    this.prefixCache.dispose();
    this.backend.dispose();
    this.cachedTokens = [];
  }
}
