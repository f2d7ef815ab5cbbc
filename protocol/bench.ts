/**
 * @file Interfaces of the bench (`npm run bench` and bench.html): engines inside a worker, ours or another's, and the
 * results. Times are in ms. Types only.
 */
import type { Device, Dtype } from './engine.ts';

/** A model to measure. */
export interface BenchModel {
  /** URL of the folder that holds model folders, ending in `/`; or `stored:`, which only our engine knows. */
  base: string;
  /** Name of the model's folder, or its key in the store. */
  name: string;
  device: Device;
  dtype: Dtype;
}

/** Tokens that an engine generated. */
export interface BenchGeneration {
  /** Token ids, without the prompt. */
  tokens: number[];
  /** Number of the prompt's tokens that were computed and not found in a cache. */
  prefilledTokens: number;
}

/** Description of an engine with its model. */
export interface BenchAbout {
  /** The engine's version, or empty. */
  version: string;
  /** Version of onnxruntime. */
  onnxruntime: string;
  /** Threads on the CPU; 1 on WebGPU. */
  threads: number;
  vocabSize: number;
  /** Tokens of context that memory is reserved for. */
  contextLength: number;
  /** Side of a preprocessed picture in pixels, or null where the model sees none. */
  pictureSize: number | null;
}

/** An engine under measurement. */
export interface BenchEngine {
  about: BenchAbout;
  /**
   * Generates greedily and does not stop at the end of an answer. The engine may reuse its cache of earlier prompts.
   * @param ids token ids of the prompt.
   * @param count number of tokens to generate.
   * @param onToken called as soon as a token is known.
   */
  generate(ids: number[], count: number, onToken: () => void): Promise<BenchGeneration>;
  /** Forgets earlier prompts. */
  clearCache(): void;
  /**
   * Runs the vision encoder, also where it knows the picture.
   * @param pixels float32 [3, size, size].
   */
  encodePicture(pixels: Float32Array): Promise<void>;
  dispose(): Promise<void>;
}

/** Opens a model. A module with an engine exports such a function as `open`. */
export type OpenBenchEngine = (model: BenchModel) => Promise<BenchEngine>;

/** Calls of WebGPU. */
export interface GpuCounts {
  dispatches: number;
  bufferWrites: number;
  submits: number;
  /** Bytes mapped for reading. */
  bytesRead: number;
  buffersCreated: number;
}

/** Time of one kind of kernel or operator. */
export interface ProfileEntry {
  name: string;
  /** Sum over all calls, in ms. */
  time: number;
  calls: number;
}

/**
 * An additional measurement, which slows the engine down: the thread's work (`cpu`), whole compute passes (`passes`), or
 * every dispatch in a pass of its own (`kernels`).
 */
export type BenchTiming = 'none' | 'cpu' | 'passes' | 'kernels';

/** A generation with its measurements. */
export interface BenchGenerated extends BenchGeneration {
  /** Time from the request to the first token, in ms. */
  timeToFirstToken: number;
  /** Time from the first token to the last, in ms. */
  decodeTime: number;
  /**
   * Number of decode steps that `counts`, `busyTime` and `gpuTimes` are sums of: from the first token to the last but one.
   * The last step is left out, since an engine that works ahead begins none after it.
   */
  countedTokens: number;
  counts: GpuCounts;
  /** Time in which the worker's thread was busy, in ms, or null where it was not measured. */
  busyTime: number | null;
  /** Time on the GPU by kernel, or in all; null where it was not measured or the adapter has no timestamps. */
  gpuTimes: ProfileEntry[] | null;
}

/** Bytes in GPU buffers. A buffer that is left to garbage collection counts as long as the page lives. */
export interface GpuMemory {
  now: number;
  peak: number;
}

/** Calls of the bench worker: what is asked and answered. */
export interface BenchCalls {
  /** `entry` is the URL of a module with an engine, or null for ours. */
  open: { ask: { entry: string | null; model: BenchModel }; answer: BenchAbout };
  generate: { ask: { ids: number[]; count: number; clearCache: boolean; timing: BenchTiming }; answer: BenchGenerated };
  /** Answers with the time in ms. */
  encodePicture: { ask: { size: number }; answer: number };
  memory: { ask: null; answer: GpuMemory };
  close: { ask: null; answer: null };
}

/** Name of a call. */
export type BenchCallName = keyof BenchCalls;

/** A call, as it is posted to the worker. */
export interface BenchRequest<T extends BenchCallName = BenchCallName> {
  name: T;
  ask: BenchCalls[T]['ask'];
}

/** The worker's answer. Calls are made one after the other, so it needs no id. */
export type BenchReply = { answer: BenchCalls[BenchCallName]['answer'] } | { error: string };

/** An engine and the model to measure it with. */
export interface BenchJob {
  entry: string | null;
  model: BenchModel;
}

/** All values of one measure. */
export interface BenchSamples {
  measure: string;
  unit: string;
  values: number[];
}

/** Results of one round of one engine. */
export interface BenchRound {
  about: BenchAbout;
  samples: BenchSamples[];
  /** Greedy token ids by prompt. */
  tokens: Record<string, number[]>;
  /** Sentences that say which measurements were skipped, and why. */
  skipped: string[];
}

/** Time of a decode step's kernels on the GPU. */
export interface BenchProfile {
  /** Tokens in the context. */
  context: number;
  /** Number of decode steps that the times are sums of. */
  tokens: number;
  entries: ProfileEntry[];
}

/** Description of the device and browser. */
export interface BenchMachine {
  browser: string;
  /** Name of the GPU adapter, or null without WebGPU. */
  adapter: string | null;
  cores: number;
  /** Without isolation the CPU has no threads and the browser does not tell the heap's size. */
  crossOriginIsolated: boolean;
}

/** `window.engineBench` of bench.html, for tools that drive the page. One call at a time. */
export interface BenchPage {
  machine(): Promise<BenchMachine>;
  /** Measures everything but the heap. */
  round(job: BenchJob): Promise<BenchRound>;
  /** Largest size of the page's and the worker's heaps during an answer, in bytes; null where the browser does not tell. */
  heap(job: BenchJob): Promise<number | null>;
  /** Times kernels; null where the adapter has no timestamps. */
  profile(job: BenchJob): Promise<BenchProfile | null>;
  /** Counts GPU calls of a few tokens, and tokens that a second turn computes again. */
  counts(job: BenchJob): Promise<BenchCounts>;
}

/** Counts that do not depend on the device's speed. */
export interface BenchCounts {
  /** Calls per decoded token. */
  perToken: GpuCounts;
  /** Tokens of the second turn's prompt that were computed although the first turn had them in the cache. */
  recomputedTokens: number;
}

/** A row of the table. */
export interface BenchRow {
  engine: string;
  model: string;
  device: string;
  measure: string;
  unit: string;
  median: number;
  min: number;
  max: number;
  n: number;
}

/** Everything that the bench prints as JSON. */
export interface BenchResult {
  environment: BenchMachine & {
    /** Versions by engine. */
    engines: Record<string, Pick<BenchAbout, 'version' | 'onnxruntime' | 'threads'>>;
    skipped: string[];
  };
  rows: BenchRow[];
  /** Profiles by engine, where they were asked for. */
  profile?: Record<string, BenchProfile>;
}
