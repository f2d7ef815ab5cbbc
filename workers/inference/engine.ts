/**
 * The engine: a prompt's whole way, from messages to streamed text. One model at a time, one answer at a time.
 */
import {
  type ContentPart,
  type ContextUse,
  type DeviceReport,
  type Engine,
  EngineError,
  type EngineState,
  type Finish,
  type FinishReason,
  type GenerateOptions,
  type LoadedModel,
  type LoadOptions,
  type LoadProgress,
  type Message,
} from '../../protocol/engine.ts';
import type { Sampling } from '../../protocol/sampling.ts';
import type { PromptPicture } from './backend-interface/pictures.ts';
import type { TokenSamplers } from './backends/webgpu/sampler.ts';
import type { Prompt } from './cache/decoder.ts';
import { decode } from './generate.ts';
import type { Model } from './model/model.ts';
import { readProcessorFiles } from './model/processor-files.ts';
import { AnswerIds } from './prompt/answer-ids.ts';
import type { FormattedChat } from './prompt/chat-format.ts';
import { StreamDecoder } from './prompt/detokenizer.ts';
import { createProcessor, type Processor } from './prompt/processor.ts';
import { mergeSampling } from './sampling/settings.ts';
import { hashPicture, preparePicture } from './vision/preprocess.ts';

/** The functions that the engine is built on. */
export interface EngineParts {
  /** Opens a model folder (model.ts). */
  openModel(
    base: string,
    options: LoadOptions,
    onProgress?: (progress: LoadProgress) => void,
    signal?: AbortSignal,
  ): Promise<Model>;
  /** Describes the GPU without using it; null where there is none. */
  inspectGpu(): Promise<DeviceReport['webgpu']>;
}

/** A loaded model with everything an answer needs. */
interface Session {
  model: Model;
  processor: Processor;
  loaded: LoadedModel;
  answerIds: AnswerIds;
  /** Null where logits are not on the GPU. */
  samplers: TokenSamplers | null;
}

type LoadArguments = LoadOptions & { onProgress?: (progress: LoadProgress) => void; signal?: AbortSignal };
type GenerateArguments = GenerateOptions & { onDelta: (text: string) => void; signal?: AbortSignal };

const hasPictures = (messages: Message[]): boolean =>
  messages.some((m) => typeof m.content !== 'string' && m.content.some((part: ContentPart) => part.type === 'image'));

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new EngineError('aborted');
}

/** The engine of one worker: it holds one model, and generates one answer at a time. */
export class InferenceEngine implements Engine {
  private session: Session | null = null;
  /** The model that is being loaded. */
  private loading: string | null = null;
  private generating = false;

  /** @param onLost is called once when the GPU is lost, after which no model is loaded. */
  constructor(
    private readonly parts: EngineParts,
    private readonly onLost: (detail: string) => void,
  ) {}

  /**
   * Loads a model in place of the one that is loaded, and warms it up.
   * @param base URL of the model folder.
   * @throws EngineError `busy`, `aborted`; as `openModel`
   */
  async load(base: string, { onProgress, signal, ...options }: LoadArguments): Promise<LoadedModel> {
    this.throwIfBusy();
    this.loading = base;
    try {
      await this.release();
      const model = await this.parts.openModel(base, options, onProgress, signal);
      let session: Session | null = null;
      try {
        session = await openSession(model, onProgress);
        throwIfAborted(signal);
      } catch (cause) {
        session?.samplers?.dispose();
        await model.dispose();
        throw cause;
      }
      this.session = session;
      this.watch(model);
      // Opening the vision encoder begins now; only a picture waits for it, and receives its failure.
      void this.settled();
      return session.loaded;
    } finally {
      this.loading = null;
    }
  }

  private throwIfBusy(): void {
    if (this.loading !== null || this.generating) throw new EngineError('busy', 'the engine is at work');
  }

  private loadedSession(): Session {
    if (!this.session) throw new EngineError('model-missing', 'no model is loaded');
    return this.session;
  }

  private watch(model: Model): void {
    void model.lost.then((detail) => {
      // Releasing a model destroys its device, which resolves this, too.
      if (this.session?.model !== model) return;
      this.session = null;
      this.onLost(detail);
    });
  }

  /**
   * Answers a conversation.
   * @param messages the conversation; the last one is the user's, or the answer to carry on.
   * @throws EngineError `model-missing`, `busy`, `bad-request`, `prompt-too-long`, `device-lost`, and those of pictures. An
   *   abort is no error: it is the reason that the answer ended.
   */
  async generate(messages: Message[], options: GenerateArguments): Promise<Finish> {
    const session = this.loadedSession();
    this.throwIfBusy();
    this.generating = true;
    try {
      return await answer(session, messages, options);
    } catch (cause) {
      // Everything fails on a lost GPU, with less clear errors.
      if (this.session !== session) throw new EngineError('device-lost', String(cause));
      if (cause instanceof EngineError && cause.code === 'adapter-wrong') throw await this.giveUp(cause.detail);
      // A failed run may have left anything in the cache.
      if (!(cause instanceof EngineError)) session.model.decoder.clear();
      throw cause;
    } finally {
      this.generating = false;
    }
  }

  /** Treats a GPU that fails its self-test as lost: whoever loads the model again gets the CPU. */
  private async giveUp(detail: string): Promise<EngineError> {
    await this.release();
    this.onLost(detail);
    return new EngineError('device-lost', detail);
  }

  /** Counts the tokens of a prompt, and those of them that are in the KV cache. @throws EngineError as `generate` */
  async count(messages: Message[], options: Pick<GenerateOptions, 'continueAnswer'> = {}): Promise<ContextUse> {
    const session = this.loadedSession();
    const { decoder } = session.model;
    const { ids, pictures } = format(session, messages, options);
    const keyed = await Promise.all(
      pictures.map(async ({ image, start, length }) => ({ start, length, key: await hashPicture(image) })),
    );
    return {
      promptTokens: ids.length,
      reusedTokens: decoder.reusableLength({ ids, pictures: keyed }),
      contextTokens: decoder.capacity,
    };
  }

  /** Resolves when nothing is being opened any more, whether that failed or not. */
  async settled(): Promise<void> {
    await this.session?.model.encoder?.open().catch(() => undefined);
  }

  /** Frees the model. @throws EngineError `busy` */
  async unload(): Promise<void> {
    this.throwIfBusy();
    await this.release();
  }

  private async release(): Promise<void> {
    const { session } = this;
    this.session = null;
    session?.samplers?.dispose();
    await session?.model.dispose();
  }

  status(): Promise<EngineState> {
    if (this.loading !== null) return Promise.resolve({ state: 'loading', id: this.loading });
    if (!this.session) return Promise.resolve({ state: 'empty' });
    return Promise.resolve({ state: this.generating ? 'generating' : 'ready', model: this.session.loaded });
  }

  /** Describes what the device offers a model. */
  async inspect(): Promise<DeviceReport> {
    if (this.session?.loaded.fallback === 'adapter-wrong') return { webgpu: null, reason: 'adapter-wrong' };
    const webgpu = await this.parts.inspectGpu();
    return webgpu ? { webgpu } : { webgpu: null, reason: 'no-webgpu' };
  }
}

async function openSession(model: Model, onProgress?: (progress: LoadProgress) => void): Promise<Session> {
  const processor = createProcessor(await readProcessorFiles(model.folder), model.config);
  onProgress?.({ stage: 'warmup', done: 0, total: 1 });
  const samplers = await warmUp(model, processor.sampling);
  onProgress?.({ stage: 'warmup', done: 1, total: 1 });
  const loaded: LoadedModel = {
    id: model.folder.manifest.id,
    dtype: model.dtype,
    device: model.device,
    ...(model.fallback ? { fallback: model.fallback } : {}),
    adapter: model.adapter,
    vision: model.encoder !== null,
    contextLength: model.decoder.capacity,
    sampling: processor.sampling,
  };
  return { model, processor, loaded, answerIds: new AnswerIds(), samplers };
}

/** Tokens of the prompt that warms a model up; any id will do. */
const WARM_UP_IDS: readonly number[] = [2, 2, 2, 2];

/** Compiles what the first answer would otherwise wait for: one prompt, one choice, and one step. */
async function warmUp({ decoder, config, createSampler }: Model, sampling: Sampling): Promise<TokenSamplers | null> {
  const logits = await decoder.prefill({ ids: WARM_UP_IDS.slice(0, decoder.capacity - 1), pictures: [] });
  const gpuLogits = logits.onGpu;
  const samplers = (gpuLogits && createSampler?.(logits.vocabSize)) ?? null;
  try {
    if (gpuLogits) await (await samplers?.begin(sampling))?.next(gpuLogits, []).id;
    if (decoder.length < decoder.capacity) (await decoder.step(config.eosTokenIds[0] ?? 1)).dispose();
  } catch (cause) {
    samplers?.dispose();
    throw cause;
  } finally {
    logits.dispose();
    decoder.clear();
  }
  return samplers;
}

type FormatChoice = Pick<GenerateOptions, 'continueAnswer'>;

/** Messages → token ids, and where the pictures go. */
function format(
  { model, processor, answerIds }: Session,
  messages: Message[],
  { continueAnswer = false }: FormatChoice,
): FormattedChat {
  if (hasPictures(messages) && !model.encoder) throw new EngineError('pictures-unsupported');
  return processor.format(messages, { continueAnswer, assistantIds: (text) => answerIds.get(text) });
}

/** Messages → token ids and encoded pictures. */
async function encodeMessages(
  session: Session,
  messages: Message[],
  { signal, ...choice }: FormatChoice & { signal?: AbortSignal },
): Promise<Prompt> {
  const { ids, pictures } = format(session, messages, choice);
  const encoded: PromptPicture[] = [];
  for (const { image, start, length } of pictures) {
    throwIfAborted(signal);
    encoded.push({ start, length, ...(await encodePicture(session, image, signal)) });
  }
  return { ids, pictures: encoded };
}

/** Rejects when the signal is aborted; the work goes on. */
function unlessAborted<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new EngineError('aborted'));
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort);
    work.then(resolve, reject).finally(() => signal?.removeEventListener('abort', abort));
  });
}

async function encodePicture(
  { model, processor }: Session,
  image: Blob,
  signal?: AbortSignal,
): Promise<Pick<PromptPicture, 'key' | 'features'>> {
  const { encoder } = model;
  if (!encoder || !processor.picture) throw new EngineError('pictures-unsupported');
  const key = await hashPicture(image);
  const features = encoder.cachedFeatures(key);
  if (features) return { key, features };
  // Opening the encoder may take minutes on a slow line.
  await unlessAborted(encoder.open(), signal);
  return { key, features: await encoder.encode(key, await preparePicture(image, processor.picture)) };
}

/** The text and the ids of an answer as it grows. */
class AnswerText {
  readonly ids: number[] = [];
  text = '';
  /** When the first token came (performance.now()); 0 before. */
  firstTokenAt = 0;
  private readonly stream: StreamDecoder;

  constructor(
    { tokenizer }: Processor,
    private readonly onDelta: (text: string) => void,
  ) {
    this.stream = new StreamDecoder(tokenizer);
  }

  push(id: number): void {
    this.firstTokenAt ||= performance.now();
    this.ids.push(id);
    this.show(this.stream.push(id));
  }

  /** Shows what is left of an unfinished character. */
  end(): void {
    this.show(this.stream.end());
  }

  private show(delta: string): void {
    if (delta === '') return;
    this.text += delta;
    this.onDelta(delta);
  }
}

async function answer(session: Session, messages: Message[], options: GenerateArguments): Promise<Finish> {
  const began = performance.now();
  const { model, processor, answerIds, samplers } = session;
  const { decoder } = model;
  const { signal, maxNewTokens = Infinity } = options;
  if (!(maxNewTokens >= 1)) throw new EngineError('bad-request', `maxNewTokens is ${String(maxNewTokens)}`);
  const sampling = mergeSampling(processor.sampling, options.sampling ?? {});
  const generated = new AnswerText(processor, options.onDelta);
  let promptTokens = 0;
  let reusedTokens = 0;
  let prefillBegan = began;

  const run = async (): Promise<FinishReason> => {
    const prompt = await encodeMessages(session, messages, options);
    prefillBegan = performance.now();
    promptTokens = prompt.ids.length;
    if (promptTokens >= decoder.capacity)
      throw new EngineError('prompt-too-long', `${promptTokens} tokens, room for ${decoder.capacity}`);
    reusedTokens = await decoder.reuse(prompt);
    const logits = await decoder.prefill(prompt, signal);
    return decode(logits, {
      ...{ decoder, samplers, sampling, maxNewTokens, signal, prompt: prompt.ids, stopIds: processor.stopIds },
      onToken: (id) => generated.push(id),
    });
  };
  const reason = await run().catch((cause: unknown): FinishReason => {
    if (cause instanceof EngineError && cause.code === 'aborted') return 'aborted';
    throw cause;
  });
  generated.end();
  rememberAnswer(answerIds, options.continueAnswer ? messages.at(-1) : undefined, generated);

  const ended = performance.now();
  const firstToken = generated.firstTokenAt || ended;
  const rate = (tokens: number, from: number, to: number) => (tokens * 1000) / Math.max(to - from, 1e-3);
  return {
    reason,
    usage: { promptTokens, reusedTokens, generatedTokens: generated.ids.length, contextTokens: decoder.capacity },
    timing: {
      timeToFirstToken: firstToken - began,
      // The GPU has certainly processed the prompt only when the first token is known.
      prefillRate: rate(promptTokens - reusedTokens, prefillBegan, firstToken),
      decodeRate: generated.ids.length > 1 ? rate(generated.ids.length - 1, firstToken, ended) : 0,
    },
  };
}

/** @param begun the message that was carried on: its ids and the new ones are the answer's, if both are known. */
function rememberAnswer(answerIds: AnswerIds, begun: Message | undefined, { text, ids }: AnswerText): void {
  if (!begun) return answerIds.add(text, ids);
  const before = typeof begun.content === 'string' ? begun.content : '';
  const known = answerIds.get(before);
  if (known) answerIds.add(before + text, [...known, ...ids]);
}
