/**
 * What has been read, token by token, and what of it another prompt shares: tokens and picture features in, logits out.
 * Reading itself is a TokenReader's: a graph's (graph-reader.ts) or our own kernels' (gpu-kernels/).
 */
import { EngineError } from '../../../protocol/engine.ts';
import type { Logits } from '../backends/logits.ts';
import { ParkedTexts, type TokenKey } from './prefix-cache.ts';
import { chunkEnds } from '../backends/picture-attention.ts';
import type { PromptPicture, TokenReader } from '../backends/backend.ts';

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
  parkingBytes?: number;
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
function knownOf(prompt: KeyedPrompt): (held: readonly TokenKey[]) => number {
  const keys = tokenKeys(prompt);
  return (held) => {
    let known = 0;
    while (known < held.length && known < keys.length - 1 && held[known] === keys[known]) known++;
    const torn = prompt.pictures.find((p) => p.start < known && known < p.start + p.length);
    return torn ? torn.start : known;
  };
}

/** Fewer tokens are read again as fast as they are fetched. */
const WORTH_PARKING = 16;

/** In place of the id of a token that only the GPU knows yet. */
const UNNAMED = -1;

function wanted(logits: Logits | null): Logits {
  if (!logits) throw new EngineError('internal', 'there are no logits');
  return logits;
}

export class Decoder {
  /** What the cache holds, token by token. */
  private held: TokenKey[] = [];
  /** Other texts' caches. */
  private readonly parked: ParkedTexts;

  constructor(
    private readonly reader: TokenReader,
    private readonly options: DecoderOptions,
  ) {
    this.parked = new ParkedTexts(options.parkingBytes ?? 0);
  }

  private get cache() {
    return this.reader.cache;
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
   * How many tokens of `prompt` need not be read: the longest prefix that is held or parked, less its last token (whose
   * logits are wanted), and never ending inside a picture.
   */
  shared(prompt: KeyedPrompt): number {
    const known = knownOf(prompt);
    return Math.max(this.cache.keepable(known(this.held)), this.parked.best(known)?.known ?? 0);
  }

  /**
   * Forgets all but what is shared with `prompt`; returns how many tokens were kept. What is mostly of another text is
   * parked, and fetched when that text goes on.
   */
  async reuse(prompt: KeyedPrompt): Promise<number> {
    const known = knownOf(prompt);
    const here = this.cache.keepable(known(this.held));
    const there = this.parked.best(known);
    const better = there && there.known > here ? there : null;
    // Before the other is parked, which may drop it.
    if (better) this.parked.take(better.text);
    const kept = better ? 0 : here;
    const lost = this.held.length - kept;
    if (lost > kept && lost >= WORTH_PARKING && this.parked.hasRoomFor(this.cache.bytes)) {
      const cache = await this.cache.park();
      if (cache) this.parked.put({ keys: [...this.held], cache });
    }
    if (better) {
      better.text.cache.restore();
      this.held = [...better.text.keys];
    }
    const shared = better?.known ?? here;
    this.cache.truncate(shared);
    this.held.length = shared;
    return shared;
  }

  /** Forgets everything. */
  clear(): void {
    this.cache.truncate(0);
    this.held = [];
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
      logits = await this.readTo(prompt, cut, cut === end ? 1 : 0);
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
    const [ids, key] = typeof id === 'number' ? [[id], id] : [id, UNNAMED];
    const logits = await this.reader.read({ ids, pictures: [], start, end: start + 1 }, 1);
    this.held.push(key);
    return wanted(logits);
  }

  /** Names the last token, which `step` read from a buffer. */
  name(id: number): void {
    if (this.held.at(-1) === UNNAMED) this.held[this.held.length - 1] = id;
  }

  /** Forgets the last token. */
  stepBack(): void {
    this.held.length -= 1;
    this.cache.truncate(this.held.length);
  }

  /**
   * Reads tokens of the prompt up to `end` in one run.
   * @param keep how many of the last positions' logits to give back: [keep, vocabSize], row after row.
   */
  async read(prompt: Prompt, end: number, keep: number): Promise<Float32Array> {
    const logits = await this.readTo(prompt, end, keep);
    try {
      return keep > 0 ? await wanted(logits).lastRows(keep) : new Float32Array(0);
    } finally {
      logits?.dispose();
    }
  }

  private async readTo({ ids, pictures }: Prompt, end: number, keep: number): Promise<Logits | null> {
    const start = this.length;
    const logits = await this.reader.read({ ids: ids.slice(start, end), pictures, start, end }, keep);
    this.held.push(...tokenKeys({ ids, pictures }, start, end));
    return logits;
  }

  dispose(): void {
    this.parked.dispose();
    this.reader.dispose();
    this.held = [];
  }
}
