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
  type Sampling,
} from '../../protocol/engine.ts';
import { AnswerMemory } from './prompt/answer-ids.ts';
import type { Prompt } from './cache/decoder.ts';
import type { PromptPicture } from './backend-interface/pictures.ts';
import { decode } from './generate.ts';
import { inspectGpu } from './backends/gpu/device.ts';
import { type Model, openModel } from './model/model.ts';
import type { FormattedChat } from './prompt/chat-format.ts';
import { StreamDecoder } from './prompt/detokenizer.ts';
import { openPrompting, type Prompting } from './prompt/prompting.ts';
import { GpuSamplers } from './backends/webgpu/sampler.ts';
import { mergeSampling } from './sampling/settings.ts';
import { hashPicture, preparePicture } from './vision/preprocess.ts';

interface Ready {
  model: Model;
  prompting: Prompting;
  loaded: LoadedModel;
  answers: AnswerMemory;
  /** Null where logits are not on the GPU. */
  samplers: GpuSamplers | null;
}

const hasPictures = (messages: Message[]): boolean =>
  messages.some((m) => typeof m.content !== 'string' && m.content.some((part: ContentPart) => part.type === 'image'));

export class InferenceEngine implements Engine {
  private ready: Ready | null = null;
  private loading: string | null = null;
  private generating = false;

  /** @param onLost called once when the GPU goes away; the engine is empty then. */
  constructor(private readonly onLost: (detail: string) => void) {}

  async load(
    base: string,
    options: LoadOptions & { onProgress?: (progress: LoadProgress) => void; signal?: AbortSignal },
  ): Promise<LoadedModel> {
    if (this.loading !== null || this.generating) throw new EngineError('busy', 'the engine is at work');
    this.loading = base;
    try {
      await this.release();
      const { onProgress, signal, ...rest } = options;
      const model = await openModel(base, rest, onProgress, signal);
      try {
        const prompting = await openPrompting(model.folder, model.config);
        onProgress?.({ stage: 'warmup', done: 0, total: 1 });
        const samplers = await warmUp(model, prompting.sampling);
        onProgress?.({ stage: 'warmup', done: 1, total: 1 });
        if (signal?.aborted) throw new EngineError('aborted');
        const loaded: LoadedModel = {
          id: model.folder.manifest.id,
          dtype: model.dtype,
          device: model.device,
          ...(model.fallback ? { fallback: model.fallback } : {}),
          adapter: model.adapter,
          vision: model.encoder !== null,
          contextLength: model.decoder.capacity,
          sampling: prompting.sampling,
        };
        this.ready = { model, prompting, loaded, answers: new AnswerMemory(), samplers };
        this.watch(model);
        // Begun now, and only a picture waits for it and is told what went wrong.
        void this.settled();
        return loaded;
      } catch (cause) {
        await model.dispose();
        throw cause;
      }
    } finally {
      this.loading = null;
    }
  }

  private watch(model: Model): void {
    void model.lost.then((detail) => {
      // Destroying the device ourselves resolves this too.
      if (this.ready?.model !== model) return;
      this.ready = null;
      this.onLost(detail);
    });
  }

  async generate(
    messages: Message[],
    options: GenerateOptions & { onDelta: (text: string) => void; signal?: AbortSignal },
  ): Promise<Finish> {
    const { ready } = this;
    if (!ready) throw new EngineError('model-missing', 'no model is loaded');
    if (this.generating || this.loading !== null) throw new EngineError('busy', 'the engine is at work');
    this.generating = true;
    try {
      return await answer(ready, messages, options);
    } catch (cause) {
      // A lost GPU makes every later call fail with something less clear.
      if (this.ready !== ready) throw new EngineError('device-lost', String(cause));
      if (cause instanceof EngineError && cause.code === 'adapter-wrong') throw await this.giveUp(cause.detail);
      // What a failed run left in the cache is not to be trusted.
      if (!(cause instanceof EngineError)) ready.model.decoder.clear();
      throw cause;
    } finally {
      this.generating = false;
    }
  }

  /** A GPU that was found to be wrong is as good as lost: who loads the model again gets the CPU. */
  private async giveUp(detail: string): Promise<EngineError> {
    await this.release();
    this.onLost(detail);
    return new EngineError('device-lost', detail);
  }

  async count(messages: Message[], options: Pick<GenerateOptions, 'continueAnswer'> = {}): Promise<ContextUse> {
    const { ready } = this;
    if (!ready) throw new EngineError('model-missing', 'no model is loaded');
    const { decoder } = ready.model;
    const { ids, pictures } = format(ready, messages, options);
    const keyed = await Promise.all(
      pictures.map(async ({ image, start, length }) => ({ start, length, key: await hashPicture(image) })),
    );
    return {
      promptTokens: ids.length,
      reusedTokens: decoder.reusableLength({ ids, pictures: keyed }),
      contextTokens: decoder.capacity,
    };
  }

  async settled(): Promise<void> {
    await this.ready?.model.encoder?.open().catch(() => undefined);
  }

  async unload(): Promise<void> {
    if (this.loading !== null || this.generating) throw new EngineError('busy', 'the engine is at work');
    await this.release();
  }

  private async release(): Promise<void> {
    const { ready } = this;
    this.ready = null;
    ready?.samplers?.dispose();
    await ready?.model.dispose();
  }

  status(): Promise<EngineState> {
    if (this.loading !== null) return Promise.resolve({ state: 'loading', id: this.loading });
    if (!this.ready) return Promise.resolve({ state: 'empty' });
    return Promise.resolve({ state: this.generating ? 'generating' : 'ready', model: this.ready.loaded });
  }

  async inspect(): Promise<DeviceReport> {
    if (this.ready?.loaded.fallback === 'adapter-wrong') return { webgpu: null, reason: 'adapter-wrong' };
    const webgpu = await inspectGpu();
    return webgpu ? { webgpu } : { webgpu: null, reason: 'no-webgpu' };
  }
}

/** Compiles what the first question would otherwise wait for: one prompt, one choice, and one step. */
async function warmUp(model: Model, sampling: Sampling): Promise<GpuSamplers | null> {
  const { decoder } = model;
  const logits = await decoder.prefill({ ids: [2, 2, 2, 2].slice(0, Math.min(4, decoder.capacity - 1)), pictures: [] });
  const gpuLogits = logits.onGpu;
  const samplers =
    gpuLogits && model.sampler ? new GpuSamplers(gpuLogits.device, model.sampler, logits.vocabSize) : null;
  try {
    if (gpuLogits) await (await samplers?.begin(sampling))?.next(gpuLogits, []).id;
    if (decoder.length < decoder.capacity) (await decoder.step(model.config.eosTokenIds[0] ?? 1)).dispose();
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
  { model, prompting, answers }: Ready,
  messages: Message[],
  { continueAnswer = false }: FormatChoice,
): FormattedChat {
  if (hasPictures(messages) && !model.encoder) throw new EngineError('pictures-unsupported');
  return prompting.format(messages, { continueAnswer, assistantIds: (text) => answers.idsOf(text) });
}

/** Messages → token ids and encoded pictures. */
async function readMessages(
  ready: Ready,
  messages: Message[],
  { signal, ...choice }: FormatChoice & { signal?: AbortSignal },
): Promise<Prompt> {
  const { ids, pictures } = format(ready, messages, choice);
  const encoded: PromptPicture[] = [];
  for (const { image, start, length } of pictures) {
    if (signal?.aborted) throw new EngineError('aborted');
    encoded.push({ start, length, ...(await encode(ready, image, signal)) });
  }
  return { ids, pictures: encoded };
}

/** Rejects when it is aborted; what was waited for goes on. */
function unlessAborted<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new EngineError('aborted'));
    signal?.addEventListener('abort', abort);
    work.then(resolve, reject).finally(() => signal?.removeEventListener('abort', abort));
  });
}

async function encode(
  { model, prompting }: Ready,
  image: Blob,
  signal?: AbortSignal,
): Promise<{ key: string; features: Float32Array }> {
  const { encoder } = model;
  if (!encoder || !prompting.picture) throw new EngineError('pictures-unsupported');
  const key = await hashPicture(image);
  const known = encoder.cachedFeatures(key);
  if (known) return { key, features: known };
  // On a slow line that may take minutes.
  await unlessAborted(encoder.open(), signal);
  return { key, features: await encoder.encode(key, await preparePicture(image, prompting.picture)) };
}

async function answer(
  ready: Ready,
  messages: Message[],
  options: GenerateOptions & { onDelta: (text: string) => void; signal?: AbortSignal },
): Promise<Finish> {
  const began = performance.now();
  const { model, prompting, answers } = ready;
  const { decoder } = model;
  const { signal, onDelta, maxNewTokens = Infinity } = options;
  if (!(maxNewTokens >= 1)) throw new EngineError('bad-request', `maxNewTokens is ${String(maxNewTokens)}`);
  const sampling = mergeSampling(prompting.sampling, options.sampling ?? {});
  const usage = { promptTokens: 0, reusedTokens: 0, generatedTokens: 0, contextTokens: decoder.capacity };
  const generated: number[] = [];
  const stream = new StreamDecoder(prompting.tokenizer);
  let text = '';
  let firstToken = 0;
  const show = (delta: string) => {
    if (!delta) return;
    text += delta;
    onDelta(delta);
  };

  const onToken = (id: number) => {
    if (!firstToken) firstToken = performance.now();
    generated.push(id);
    usage.generatedTokens++;
    show(stream.push(id));
  };
  const run = async (prompt: Prompt): Promise<FinishReason> => {
    usage.promptTokens = prompt.ids.length;
    if (prompt.ids.length >= decoder.capacity)
      throw new EngineError('prompt-too-long', `${prompt.ids.length} tokens, room for ${decoder.capacity}`);
    usage.reusedTokens = await decoder.reuse(prompt);
    const logits = await decoder.prefill(prompt, signal);
    const { samplers } = ready;
    const { stopIds } = prompting;
    return decode(logits, { decoder, samplers, sampling, stopIds, maxNewTokens, signal, prompt: prompt.ids, onToken });
  };

  let reason: FinishReason;
  let readFrom = began;
  try {
    const prompt = await readMessages(ready, messages, options);
    readFrom = performance.now();
    reason = await run(prompt);
  } catch (cause) {
    if (!(cause instanceof EngineError) || cause.code !== 'aborted') throw cause;
    reason = 'aborted';
  }
  show(stream.end());
  rememberAnswer(answers, options.continueAnswer ? messages.at(-1) : undefined, text, generated);
  const ended = performance.now();
  const seconds = (from: number, to: number) => Math.max(to - from, 1e-3) / 1000;
  return {
    reason,
    usage,
    timing: {
      timeToFirstToken: (firstToken || ended) - began,
      // On the GPU the prompt has been read when the first token is known.
      prefillRate: (usage.promptTokens - usage.reusedTokens) / seconds(readFrom, firstToken || ended),
      decodeRate: generated.length > 1 ? (generated.length - 1) / seconds(firstToken, ended) : 0,
    },
  };
}

/** @param begun the message that was carried on: its ids and the new ones are the answer's, if both are known. */
function rememberAnswer(answers: AnswerMemory, begun: Message | undefined, text: string, ids: number[]): void {
  if (!begun) return answers.remember(text, ids);
  const before = typeof begun.content === 'string' ? begun.content : '';
  const known = answers.idsOf(before);
  if (known) answers.remember(before + text, [...known, ...ids]);
}
