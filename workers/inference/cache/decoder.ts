/**
 * What has been read, token by token, and what of it another prompt shares: tokens and picture features in, logits out.
 * Reading itself is a TokenReader's: a graph's (graph-reader.ts) or our own kernels' (gpu-kernels/).
 */
import { EngineError } from '../../../protocol/engine.ts';
import type { Logits } from '../backend-interface/logits.ts';
import { PrefixCache, type TokenKey } from './prefix-cache.ts';
import { chunkEnds } from '../backend-interface/pictures.ts';
import type { PromptPicture, Backend } from '../backend-interface/backend.ts';

export interface Prompt {
  ids: readonly number[];
  pictures: readonly PromptPicture[];
}

/** A prompt whose pictures are only named. */
export interface KeyedPrompt {
  ids: readonly number[];
  pictures: readonly Omit<PromptPicture, 'features'>[];
}

export interface DecoderOptions {
  /** Tokens of context that there is room for. */
  capacity: number;
  /** Prompt tokens read in one run. */
  chunkSize: number;
  /** Bytes that other texts' caches may take. Left out: none are kept. */
  prefixCacheBytes?: number;
}

/** What is in one place of the cache: a token id, or a named picture's nth token. */
function tokenKeys({ ids, pictures }: KeyedPrompt, start = 0, end = ids.length): TokenKey[] {
  const keys: TokenKey[] = ids.slice(start, end);
  for (const picture of pictures)
    for (let i = Math.max(start, picture.start); i < Math.min(end, picture.start + picture.length); i++)
      keys[i - start] = `${picture.key}#${i - picture.start}`;
  return keys;
}

/** How many tokens of a text are those that `prompt` begins with, of which the last is not counted. */
function matchLengthWith(prompt: KeyedPrompt): (cached: readonly TokenKey[]) => number {
  const keys = tokenKeys(prompt);
  return (cached) => {
    let known = 0;
    while (known < cached.length && known < keys.length - 1 && cached[known] === keys[known]) known++;
    const torn = prompt.pictures.find((p) => p.start < known && known < p.start + p.length);
    return torn ? torn.start : known;
  };
}

/** Fewer tokens are read again as fast as they are fetched. */
const MIN_SNAPSHOT_TOKENS = 16;

/** In place of the id of a token that only the GPU knows yet. */
const PENDING_TOKEN = -1;

function requireLogits(logits: Logits | null): Logits {
  if (!logits) throw new EngineError('internal', 'there are no logits');
  return logits;
}

export class Decoder {
  /** What the cache holds, token by token. */
  private cachedTokens: TokenKey[] = [];
  /** Other texts' caches. */
  private readonly prefixCache: PrefixCache;

  constructor(
    private readonly backend: Backend,
    private readonly options: DecoderOptions,
  ) {
    this.prefixCache = new PrefixCache(options.prefixCacheBytes ?? 0);
  }

  private get cache() {
    return this.backend.cache;
  }

  /** Tokens the context can hold. */
  get capacity(): number {
    return this.options.capacity;
  }

  /** Tokens held now. */
  get length(): number {
    return this.cache.length;
  }

  /**
   * How many tokens of `prompt` need not be read: the longest prefix that is cached or in the prefix cache, less its last token (whose
   * logits are wanted), and never ending inside a picture.
   */
  reusableLength(prompt: KeyedPrompt): number {
    const matchLength = matchLengthWith(prompt);
    return Math.max(
      this.cache.reusableLength(matchLength(this.cachedTokens)),
      this.prefixCache.best(matchLength)?.length ?? 0,
    );
  }

  /**
   * Forgets all but what is shared with `prompt`; returns how many tokens were kept. What is mostly of another text is
   * moved to the prefix cache, and restored when that text goes on.
   */
  async reuse(prompt: KeyedPrompt): Promise<number> {
    const matchLength = matchLengthWith(prompt);
    const current = this.cache.reusableLength(matchLength(this.cachedTokens));
    const stored = this.prefixCache.best(matchLength);
    const better = stored && stored.length > current ? stored : null;
    // Before the other is added, which may drop it.
    if (better) this.prefixCache.take(better.entry);
    const kept = better ? 0 : current;
    const lost = this.cachedTokens.length - kept;
    if (lost > kept && lost >= MIN_SNAPSHOT_TOKENS && this.prefixCache.fits(this.cache.bytes)) {
      const snapshot = await this.cache.snapshot();
      if (snapshot) this.prefixCache.add({ keys: [...this.cachedTokens], snapshot });
    }
    if (better) {
      better.entry.snapshot.restore();
      this.cachedTokens = [...better.entry.keys];
    }
    const reused = better?.length ?? current;
    this.cache.truncate(reused);
    this.cachedTokens.length = reused;
    return reused;
  }

  /** Forgets everything. */
  clear(): void {
    this.cache.truncate(0);
    this.cachedTokens = [];
  }

  /**
   * Reads the prompt from the first token not held, in chunks. The logits are the last token's.
   * @throws EngineError `prompt-too-long`, `aborted` (the cache keeps the chunks read so far)
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
   * Reads one generated token; the logits are the next one's. The caller sees to it that there is room.
   * @param id a token's id, or a buffer that begins with it (as int32 or int64): it must then be named once it is known.
   */
  async step(id: number | GPUBuffer): Promise<Logits> {
    const start = this.length;
    const [ids, key] = typeof id === 'number' ? [[id], id] : [id, PENDING_TOKEN];
    const logits = await this.backend.forward({ ids, pictures: [], start, end: start + 1 }, 1);
    this.cachedTokens.push(key);
    return requireLogits(logits);
  }

  /** Names the last token, which `step` read from a buffer. */
  resolveToken(id: number): void {
    if (this.cachedTokens.at(-1) === PENDING_TOKEN) this.cachedTokens[this.cachedTokens.length - 1] = id;
  }

  /** Forgets the last token. */
  stepBack(): void {
    this.cachedTokens.length -= 1;
    this.cache.truncate(this.cachedTokens.length);
  }

  /**
   * Reads tokens of the prompt up to `end` in one run.
   * @param keep how many of the last positions' logits to give back: [keep, vocabSize], row after row.
   */
  async forward(prompt: Prompt, end: number, keep: number): Promise<Float32Array> {
    const logits = await this.forwardTo(prompt, end, keep);
    try {
      return keep > 0 ? await requireLogits(logits).lastRows(keep) : new Float32Array(0);
    } finally {
      logits?.dispose();
    }
  }

  private async forwardTo({ ids, pictures }: Prompt, end: number, keep: number): Promise<Logits | null> {
    const start = this.length;
    const logits = await this.backend.forward({ ids: ids.slice(start, end), pictures, start, end }, keep);
    this.cachedTokens.push(...tokenKeys({ ids, pictures }, start, end));
    return logits;
  }

  dispose(): void {
    this.prefixCache.dispose();
    this.backend.dispose();
    this.cachedTokens = [];
  }
}
