/**
 * What the page and the inference worker agree on: the engine's interface and its values.
 * Types and validation only; names are the field's.
 */
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

/** How a model's weights are stored. `q4f16` needs the adapter's `shader-f16`. */
export type Dtype = 'fp32' | 'fp16' | 'q4' | 'q4f16';

export type Role = 'system' | 'user' | 'assistant';

/** Heavier and larger pictures are refused: by the page before they are sent, and by the worker. */
export const MAX_PICTURE_MB = 50;
export const MAX_PICTURE_MEGAPIXELS = 100;

/** A picture travels as the file the person gave; the worker decodes it, off the page. */
export type ContentPart = { type: 'text'; text: string } | { type: 'image'; image: Blob };

export interface Message {
  role: Role;
  content: string | ContentPart[];
}

export interface GenerateOptions {
  /** What is left out comes from the model's `generation_config.json`. */
  sampling?: Partial<Sampling>;
  maxNewTokens?: number;
  /** The last message is an answer that was cut: it is carried on from its last word. */
  continueAnswer?: boolean;
}

/** What a prompt would take of the context. */
export interface ContextUse {
  /** Tokens of the whole prompt, pictures included. */
  promptTokens: number;
  /** Of these, tokens that are in the KV cache now. */
  reusedTokens: number;
  /** Tokens the context can hold. */
  contextTokens: number;
}

export interface Usage {
  /** Tokens of the whole prompt, pictures included. */
  promptTokens: number;
  /** Of these, tokens found in the KV cache and not read again. */
  reusedTokens: number;
  generatedTokens: number;
  /** Tokens the context can hold. */
  contextTokens: number;
}

export interface Timing {
  /** From the request to the first token, ms. */
  timeToFirstToken: number;
  /** Prompt tokens read a second (reused ones not counted). */
  prefillRate: number;
  /** Tokens generated a second, after the first. */
  decodeRate: number;
}

/** Why an answer ended: the model said so; `maxNewTokens`; no room left in the context; the person stopped it. */
export type FinishReason = 'stop' | 'length' | 'context-full' | 'aborted';

export interface Finish {
  reason: FinishReason;
  usage: Usage;
  timing: Timing;
}

export type LoadStage = 'files' | 'session' | 'warmup';

export interface LoadProgress {
  stage: LoadStage;
  /** Bytes, while `stage` is `files`; otherwise steps. */
  done: number;
  total: number;
}

export interface LoadOptions {
  dtype?: Dtype;
  /** Left out: WebGPU where it works, WebAssembly elsewhere. */
  device?: Device;
  /** Tokens of context to make room for; at most what the model offers. */
  contextLength?: number;
}

export interface LoadedModel {
  id: string;
  dtype: Dtype;
  device: Device;
  /** Why the CPU is used although the GPU was not ruled out by the caller; absent on WebGPU. */
  fallback?: 'no-webgpu' | 'adapter-wrong';
  /** The adapter's own description, e.g. "apple metal-3"; empty on wasm. */
  adapter: string;
  vision: boolean;
  contextLength: number;
  sampling: Sampling;
}

/** What this computer offers a model, known without loading one. */
export interface DeviceReport {
  webgpu: {
    /** The adapter's own description; may be empty. */
    adapter: string;
    maxBufferSize: number;
    maxStorageBufferBindingSize: number;
  } | null;
  /** Why there is no `webgpu`. */
  reason?: 'no-webgpu' | 'adapter-wrong';
}

export type EngineState =
  { state: 'empty' } | { state: 'loading'; id: string } | { state: 'ready' | 'generating'; model: LoadedModel };

/** Kinds of failure a person can act on; the page has a sentence for each, the technical cause goes in `detail`. */
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
export type EngineErrorCode = (typeof ENGINE_ERRORS)[number];

export class EngineError extends Error {
  constructor(
    readonly code: EngineErrorCode,
    readonly detail = '',
  ) {
    super(detail ? `${code}: ${detail}` : code);
    this.name = 'EngineError';
  }
}

/** The engine as its callers see it, on either side of the bridge. */
export interface Engine {
  /** `model` is the URL of a model folder (docs/contributing/model-format.md), or `stored:KEY` (store.ts). @throws EngineError */
  load(
    model: string,
    options: LoadOptions & { onProgress?: (progress: LoadProgress) => void; signal?: AbortSignal },
  ): Promise<LoadedModel>;
  /** Streams text as it is made; resolves when the answer ended, also when it was stopped. @throws EngineError */
  generate(
    messages: Message[],
    options: GenerateOptions & { onDelta: (text: string) => void; signal?: AbortSignal },
  ): Promise<Finish>;
  /** Counts without reading anything; also while an answer is being made. @throws EngineError */
  count(messages: Message[], options?: Pick<GenerateOptions, 'continueAnswer'>): Promise<ContextUse>;
  /** Resolves when what loading put off for later is there, too, or has failed: nothing more is fetched unasked. */
  settled(): Promise<void>;
  unload(): Promise<void>;
  status(): Promise<EngineState>;
  /** Looks at the device; a loaded model is left alone. */
  inspect(): Promise<DeviceReport>;
}
