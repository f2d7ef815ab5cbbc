/** @file The engine's interface, its values and its errors, for the page and the inference worker. */
import type { Sampling } from './sampling.ts';

/** Where a model runs: the GPU, or the CPU through WebAssembly. */
export type Device = 'webgpu' | 'wasm';

/** Tokens of context that memory is reserved for where nothing else is asked; at most what the model offers. */
export const DEFAULT_CONTEXT = 4096;

/**
 * Tokens that sliding-window layers keep in the KV cache beyond their window. A prompt can be changed this far back
 * without being computed anew from its beginning.
 */
export const CACHE_SLACK = 1024;

/** Data type of a model's weights. `q4f16` computes in float16 and needs the adapter's feature `shader-f16`. */
export type Dtype = 'fp32' | 'fp16' | 'q4' | 'q4f16';

/** Author of a message, as in chat templates. */
export type Role = 'system' | 'user' | 'assistant';

/** Largest picture file in megabytes. The page refuses larger ones before they are sent, and so does the worker. */
export const MAX_PICTURE_MB = 50;

/** Largest picture in millions of pixels. */
export const MAX_PICTURE_MEGAPIXELS = 100;

/** A part of a message. A picture is the file that the person gave; the worker decodes it. */
export type ContentPart = { type: 'text'; text: string } | { type: 'image'; image: Blob };

/** A message of a conversation. */
export interface Message {
  role: Role;
  content: string | ContentPart[];
}

/** Settings of an answer. */
export interface GenerateOptions {
  /** Sampling parameters. The model's `generation_config.json` has the defaults. */
  sampling?: Partial<Sampling>;
  /** Maximum length of the answer, in tokens. */
  maxNewTokens?: number;
  /** Continues the last message, an answer that was cut off, instead of beginning a new one. */
  continueAnswer?: boolean;
}

/** Share of the context that a prompt would take, in tokens. */
export interface ContextUse {
  /** Tokens of the whole prompt, pictures included. */
  promptTokens: number;
  /** Tokens of the prompt that are in the KV cache now. */
  reusedTokens: number;
  /** Tokens that the context can hold. */
  contextTokens: number;
}

/** Number of tokens that an answer took. */
export interface Usage {
  /** Tokens of the whole prompt, pictures included. */
  promptTokens: number;
  /** Tokens of the prompt that were in the KV cache and needed no prefill. */
  reusedTokens: number;
  generatedTokens: number;
  /** Tokens that the context can hold. */
  contextTokens: number;
}

/** Speed of an answer. */
export interface Timing {
  /** Time from the request to the first token, in ms. */
  timeToFirstToken: number;
  /** Prompt tokens per second, without reused ones. */
  prefillRate: number;
  /** Generated tokens per second, after the first. */
  decodeRate: number;
}

/**
 * Why an answer ended: the model ended it (`stop`), it reached `maxNewTokens` (`length`), the context is full, or the
 * person stopped it.
 */
export type FinishReason = 'stop' | 'length' | 'context-full' | 'aborted';

/** Result of an answer. */
export interface Finish {
  reason: FinishReason;
  usage: Usage;
  timing: Timing;
}

/** Stages of loading, in order. */
export type LoadStage = 'files' | 'session' | 'warmup';

/** How far loading is. */
export interface LoadProgress {
  stage: LoadStage;
  /** Bytes in the stage `files`, steps in the others. */
  done: number;
  total: number;
}

/** How a model is to be loaded. */
export interface LoadOptions {
  dtype?: Dtype;
  /** Without a device, WebGPU where it works and WebAssembly elsewhere. */
  device?: Device;
  /** Tokens of context to reserve memory for, at most what the model supports. */
  contextLength?: number;
}

/** A model that is ready to answer. */
export interface LoadedModel {
  id: string;
  dtype: Dtype;
  device: Device;
  /** Why the model runs on the CPU although the caller allowed the GPU. */
  fallback?: 'no-webgpu' | 'adapter-wrong';
  /** The adapter's own description, such as "apple metal-3". Empty on the CPU. */
  adapter: string;
  vision: boolean;
  contextLength: number;
  sampling: Sampling;
}

/** Capabilities of this device, known without loading a model. */
export interface DeviceReport {
  webgpu: {
    /** The adapter's own description, which may be empty. */
    adapter: string;
    /** Limits of the adapter in bytes. */
    maxBufferSize: number;
    maxStorageBufferBindingSize: number;
  } | null;
  /** Why WebGPU cannot be used. */
  reason?: 'no-webgpu' | 'adapter-wrong';
}

/** State of the engine. */
export type EngineState =
  { state: 'empty' } | { state: 'loading'; id: string } | { state: 'ready' | 'generating'; model: LoadedModel };

/** Codes of failures. The page has a sentence for each; the technical cause goes into the error's `detail`. */
export const ENGINE_ERRORS = [
  'model-missing',
  'model-damaged',
  'model-unsupported',
  'network',
  'no-webgpu',
  'adapter-wrong',
  'device-lost',
  'out-of-memory',
  'picture-broken',
  'picture-too-large',
  'pictures-unsupported',
  'prompt-too-long',
  'bad-request',
  'busy',
  'aborted',
  'internal',
] as const;

/** Code of a failure. */
export type EngineErrorCode = (typeof ENGINE_ERRORS)[number];

/** A failure of the engine. Between worker and page it travels as its code and detail. */
export class EngineError extends Error {
  /**
   * @param code the kind of failure.
   * @param detail the technical cause, for the curious.
   */
  constructor(
    readonly code: EngineErrorCode,
    readonly detail = '',
  ) {
    super(detail ? `${code}: ${detail}` : code);
    this.name = 'EngineError';
  }
}

/** The engine. The worker implements it, and the page has a client with the same methods. */
export interface Engine {
  /**
   * Loads a model in place of the one before.
   * @param model URL of a model folder (docs/contributing/model-format.md), or `stored:KEY` (store.ts).
   * @throws EngineError
   */
  load(
    model: string,
    options: LoadOptions & { onProgress?: (progress: LoadProgress) => void; signal?: AbortSignal },
  ): Promise<LoadedModel>;
  /**
   * Generates an answer and streams its text. Resolves when the answer has ended, also where it was stopped.
   * @throws EngineError
   */
  generate(
    messages: Message[],
    options: GenerateOptions & { onDelta: (text: string) => void; signal?: AbortSignal },
  ): Promise<Finish>;
  /**
   * Counts a prompt's tokens without computing anything, also while an answer is being generated.
   * @throws EngineError
   */
  count(messages: Message[], options?: Pick<GenerateOptions, 'continueAnswer'>): Promise<ContextUse>;
  /** Resolves when everything that loading postponed has been loaded or has failed, so that nothing more is fetched. */
  settled(): Promise<void>;
  unload(): Promise<void>;
  status(): Promise<EngineState>;
  /** Describes the device. A loaded model stays. */
  inspect(): Promise<DeviceReport>;
}
