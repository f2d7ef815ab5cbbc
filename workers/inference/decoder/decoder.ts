/**
 * Drives a decoder graph: tokens and picture features in, logits out, keys and values kept. Feeds are built from the
 * session's own inputs, so every export with the transformers.js layout runs (see graph-io.ts).
 */
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { EngineError } from '../../../protocol/engine.ts';
import type { Gemma3Config } from '../../../protocol/gemma3-config.ts';
import type { Ort } from '../runtime/ort.ts';
import { AppendCache } from './append-cache.ts';
import { breathe } from '../breathe.ts';
import type { CpuStep } from './cpu-step/cpu-step.ts';
import { MOST_TOKENS } from './cpu-step/memory-plan.ts';
import { floatsToHalves } from './float16.ts';
import { type Graph, type GraphIo, integers, readGraphIo } from './graph-io.ts';
import { Logits } from './logits.ts';
import { DynamicCache, type KvCache, StaticGpuCache } from './kv-cache.ts';
import { ParkedTexts, type TokenKey } from './parked-texts.ts';
import { chunkEnds, type PictureSpan, pictureRows } from './picture-attention.ts';
import type { DecodeStep } from './step/decode-step.ts';

/** A picture inside a prompt, ready for the decoder. */
export interface PromptPicture extends PictureSpan {
  /** [length, hiddenSize] */
  features: Float32Array;
  /** Names the picture's content; equal keys, equal features. */
  key: string;
}

export interface Prompt {
  ids: readonly number[];
  pictures: readonly PromptPicture[];
}

/** A prompt whose pictures are only named. */
export interface KeyedPrompt {
  ids: readonly number[];
  pictures: readonly Omit<PromptPicture, 'features'>[];
}

export interface DecoderSessions {
  /** A text model's one graph, or `decoder_model_merged`. */
  decoder: Graph;
  /** Only with the three-session layout. */
  embedTokens?: Graph;
}

export interface DecoderOptions {
  /** Tokens of context to make room for. */
  capacity: number;
  /** The export's caches may be longer than the tokens in them. */
  staticCache: boolean;
  /** Prompt tokens read in one run. */
  chunkSize: number;
  /** Bytes that other texts' caches may take. Left out: none are kept. */
  parkingBytes?: number;
  device?: GPUDevice;
  /** Reads all tokens on the CPU, if the graph gives the cache's new rows only. Whoever made it disposes of it. */
  cpuStep?: CpuStep;
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

interface OwnRun {
  ids: readonly number[];
  pictures: readonly PromptPicture[];
  start: number;
  end: number;
  keep: number;
  keys: readonly TokenKey[];
}

/** Tokens that our own step reads at once. */
interface Part {
  start: number;
  end: number;
  picture?: PromptPicture;
}

/** Text in parts that are not too long, and pictures whole. */
function* partsOf(pictures: readonly PromptPicture[], start: number, end: number): Generator<Part> {
  for (let at = start; at < end;) {
    const picture = pictures.find((one) => one.start <= at && at < one.start + one.length);
    const next = Math.min(...pictures.filter((one) => one.start > at).map((one) => one.start));
    const stop = picture ? Math.min(end, picture.start + picture.length) : Math.min(end, next, at + MOST_TOKENS);
    yield { start: at, end: stop, ...(picture ? { picture } : {}) };
    at = stop;
  }
}

/** Fewer tokens are read again as fast as they are fetched. */
const WORTH_PARKING = 16;

/** In place of the id of a token that only the GPU knows yet. */
const UNNAMED = -1;

export class Decoder {
  private readonly io: GraphIo;
  private readonly cache: KvCache;
  /** What the cache holds, token by token. */
  private held: TokenKey[] = [];
  /** Other texts' caches. */
  private readonly parked: ParkedTexts;
  /** Reads generated tokens; null where the graph does. */
  private ownStep: Promise<DecodeStep | null> = Promise.resolve(null);

  constructor(
    private readonly ort: Ort,
    private readonly sessions: DecoderSessions,
    private readonly config: Gemma3Config,
    private readonly options: DecoderOptions,
  ) {
    this.io = readGraphIo(sessions.decoder, config.text);
    this.parked = new ParkedTexts(options.parkingBytes ?? 0);
    const { slots, appends } = this.io;
    const step = options.cpuStep;
    if (appends) this.cache = new AppendCache(ort, slots, options.capacity, step && ((past) => step.rows(past)));
    else if (options.staticCache && options.device)
      this.cache = new StaticGpuCache(ort, options.device, slots, options.capacity);
    else this.cache = new DynamicCache(ort, slots, options.device);
  }

  /**
   * From now on generated tokens are read by kernels of our own, if the cache is one that they can write to. The first
   * token waits for them; where the browser refuses one, the graph goes on.
   */
  stepWith(compiling: Promise<DecodeStep>): void {
    const { cache, io } = this;
    this.ownStep = compiling.then(
      (step) => {
        if (cache instanceof StaticGpuCache && io.slots.every(({ type }) => type === 'float32')) {
          step.connect((name) => cache.buffer(name));
          return step;
        }
        step.dispose();
        return null;
      },
      (cause: unknown) => {
        console.warn('onnxruntime reads generated tokens, slower:', cause);
        return null;
      },
    );
  }

  /** Tokens the context can hold. */
  get capacity(): number {
    return this.options.capacity;
  }

  /** Tokens held now. */
  get length(): number {
    return this.cache.length;
  }

  /** True where the graph lets a picture's tokens see each other. */
  get seesPicturesWhole(): boolean {
    return this.io.inputs.has('image_rows');
  }

  /**
   * How many tokens of `prompt` need not be read: the longest prefix that is held or parked, less its last token (whose
   * logits are wanted), and never ending inside a picture.
   */
  shared(prompt: KeyedPrompt): number {
    const known = knownOf(prompt);
    return Math.max(known(this.held), this.parked.best(known)?.known ?? 0);
  }

  /**
   * Forgets all but what is shared with `prompt`; returns how many tokens were kept. What is mostly of another text is
   * parked, and fetched when that text goes on.
   */
  async reuse(prompt: KeyedPrompt): Promise<number> {
    const known = knownOf(prompt);
    const here = known(this.held);
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
    let logits: Logits | undefined;
    for (const cut of chunkEnds(this.length, end, this.options.chunkSize, prompt.pictures)) {
      if (signal?.aborted) throw new EngineError('aborted');
      logits?.dispose();
      logits = await this.readTo(prompt, cut, 1);
    }
    if (!logits) throw new EngineError('bad-request', 'nothing to read');
    return logits;
  }

  /**
   * Reads one generated token; the logits are the next one's. The caller sees to it that there is room.
   * @param id a token's id, or a buffer that begins with it (as int32 or int64): it must then be named once it is known.
   */
  async step(id: number | GPUBuffer): Promise<Logits> {
    const position = this.length;
    const known = typeof id === 'number';
    const ownStep = await this.ownStep;
    if (ownStep) {
      const buffer = ownStep.run(id, position);
      this.cache.accept({}, position + 1);
      this.held.push(known ? id : UNNAMED);
      const dims = [1, 1, this.config.text.vocabSize];
      return new Logits(this.ort.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims }), this.options.device);
    }
    return this.run(known ? [id] : id, [], position, position + 1, 1, [known ? id : UNNAMED]);
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
      return keep > 0 ? await logits.lastRows(keep) : new Float32Array(0);
    } finally {
      logits.dispose();
    }
  }

  private async readTo(prompt: Prompt, end: number, keep: number): Promise<Logits> {
    const start = this.length;
    return this.run(prompt.ids.slice(start, end), prompt.pictures, start, end, keep, tokenKeys(prompt, start, end));
  }

  private async run(
    ids: readonly number[] | GPUBuffer,
    pictures: readonly PromptPicture[],
    start: number,
    end: number,
    keep: number,
    keys: TokenKey[],
  ): Promise<Logits> {
    const { cpuStep } = this.options;
    if (cpuStep && this.cache instanceof AppendCache && !('usage' in ids))
      return this.runOwn(cpuStep, this.cache, { ids, pictures, start, end, keep, keys });
    const feeds: Record<string, Tensor> = this.cache.past(end - start);
    const owned: Tensor[] = [];
    const feed = (name: string, make: (metadata: InferenceSession.TensorValueMetadata) => Tensor) => {
      const metadata = this.io.inputs.get(name);
      if (!metadata) return;
      const tensor = make(metadata);
      feeds[name] = tensor;
      owned.push(tensor);
    };
    const whole =
      (values: ArrayLike<number>, dims: readonly number[]) => (metadata: InferenceSession.TensorValueMetadata) =>
        integers(this.ort, metadata, values, dims);

    const count = end - start;
    feed('input_ids', (metadata) => this.idsTensor(metadata, ids));
    feed('attention_mask', whole(new Uint8Array(end).fill(1), [1, end]));
    feed(
      'position_ids',
      whole(
        Array.from({ length: count }, (_, i) => start + i),
        [1, count],
      ),
    );
    // 0 asks for every position, so a run whose logits nobody wants asks for one.
    feed('num_logits_to_keep', whole([Math.max(1, keep)], []));
    if (this.io.inputs.has('inputs_embeds')) {
      const embeds = await this.embed(ids, pictures, start, end);
      feeds['inputs_embeds'] = embeds;
      owned.push(embeds);
    }
    if (this.seesPicturesWhole) this.feedPictureRows(feed, pictures, start, end);

    const outputs = await this.sessions.decoder.run(feeds, { logits: null, ...this.cache.fetches() });
    this.cache.accept(outputs, end);
    this.held.push(...keys);
    for (const tensor of owned) tensor.dispose();
    const logits = outputs['logits'];
    if (!logits) throw new EngineError('internal', 'the graph gave no logits');
    return new Logits(logits, this.options.device);
  }

  /** The same by our own step, which takes some tokens at a time, or a picture. */
  private async runOwn(
    step: CpuStep,
    cache: AppendCache,
    { ids, pictures, start, end, keep, keys }: OwnRun,
  ): Promise<Logits> {
    const { vocabSize } = this.config.text;
    const logits = new Float32Array(keep * vocabSize);
    for (const part of partsOf(pictures, start, end)) {
      const { picture } = part;
      const kept = Math.max(0, Math.min(part.end - part.start, keep - (end - part.end)));
      const some = ids.slice(part.start - start, part.end - start);
      const given = picture && { features: this.featuresOf(picture, part), whole: this.seesPicturesWhole };
      const row = keep - (end - part.end) - kept;
      logits.set(step.read(some, part.start, kept, given), Math.max(0, row) * vocabSize);
      cache.wrote(part.end);
      this.held.push(...keys.slice(part.start - start, part.end - start));
      // All of it is one call after another otherwise.
      if (part.end < end) await breathe();
    }
    return new Logits(new this.ort.Tensor('float32', logits, [1, keep, vocabSize]), undefined);
  }

  /** [part's tokens, hiddenSize] */
  private featuresOf({ start, features }: PromptPicture, part: Part): Float32Array {
    const width = this.config.text.hiddenSize;
    return features.subarray((part.start - start) * width, (part.end - start) * width);
  }

  /** [1, ids] */
  private idsTensor(metadata: InferenceSession.TensorValueMetadata, ids: readonly number[] | GPUBuffer): Tensor {
    if (!('usage' in ids)) return integers(this.ort, metadata, ids, [1, ids.length]);
    const dataType = metadata.type as 'int32' | 'int64';
    return this.ort.Tensor.fromGpuBuffer(ids, { dataType, dims: [1, 1] });
  }

  private feedPictureRows(
    feed: (name: string, make: (metadata: InferenceSession.TensorValueMetadata) => Tensor) => void,
    pictures: readonly PromptPicture[],
    start: number,
    end: number,
  ): void {
    const rows = pictureRows(pictures, start, end, this.config.text.slidingWindow);
    const some = rows.positions.length > 0;
    // A dimension of 0 crashes on WebGPU: without pictures one row is given, which the graph does not look at.
    const positions = some ? rows.positions : [start];
    const dims = [1, positions.length, some ? end : 1];
    const mask = (values: Float32Array) => () =>
      new this.ort.Tensor('float32', some ? values : new Float32Array(1), dims);
    feed('has_pictures', () => new this.ort.Tensor('bool', Uint8Array.of(some ? 1 : 0), []));
    feed('image_rows', (m) =>
      integers(
        this.ort,
        m,
        positions.map((p) => p - start),
        [positions.length],
      ),
    );
    feed('image_positions', (m) => integers(this.ort, m, positions, [1, positions.length]));
    feed('mask_local', mask(rows.maskLocal));
    feed('mask_global', mask(rows.maskGlobal));
  }

  /** [1, ids, hiddenSize]: token embeddings, with picture features in the pictures' places. */
  private async embed(
    ids: readonly number[] | GPUBuffer,
    pictures: readonly PromptPicture[],
    start: number,
    end: number,
  ): Promise<Tensor> {
    const session = this.sessions.embedTokens;
    const metadata = session?.inputMetadata[0];
    if (!session || !metadata?.isTensor) throw new EngineError('model-unsupported', 'embed_tokens is missing');
    // A soft token's id may lie outside the table; its row is overwritten anyway.
    const known = 'usage' in ids ? ids : ids.map((id) => (id === this.config.imageTokenId ? 0 : id));
    const input = this.idsTensor(metadata, known);
    const outputs = await session.run({ [metadata.name]: input }, session.outputNames);
    input.dispose();
    const embeds = outputs[session.outputNames[0] ?? ''];
    if (!embeds) throw new EngineError('internal', 'embed_tokens gave nothing');
    const width = this.config.text.hiddenSize;
    for (const picture of pictures) {
      const first = Math.max(start, picture.start);
      const last = Math.min(end, picture.start + picture.length);
      if (first >= last) continue;
      const rows = picture.features.subarray((first - picture.start) * width, (last - picture.start) * width);
      const values = embeds.type === 'float16' ? floatsToHalves(rows) : rows;
      const at = (first - start) * width;
      if (embeds.location === 'gpu-buffer') {
        const bytes = new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength);
        const offset = at * values.BYTES_PER_ELEMENT;
        this.options.device?.queue.writeBuffer(embeds.gpuBuffer as GPUBuffer, offset, bytes);
      } else {
        (embeds.data as Float32Array | Uint16Array).set(values, at);
      }
    }
    return embeds;
  }

  dispose(): void {
    void this.ownStep.then((step) => step?.dispose());
    this.parked.dispose();
    this.cache.dispose();
    this.held = [];
  }
}
