/**
 * What `npm run bench` and bench.html ask of an engine inside a worker, ours or another's, and what comes of it.
 * Types only.
 */
import type { Device, Dtype } from './engine.ts';

export interface BenchModel {
  /** URL of the folder that models are in, with `/` at its end; or `stored:`, where only our engine looks. */
  base: string;
  /** The model's folder in it, or its key in the store. */
  name: string;
  device: Device;
  dtype: Dtype;
}

export interface BenchGeneration {
  tokens: number[];
  /** Tokens of the prompt that were read, and not found in a cache. */
  prefilledTokens: number;
}

export interface BenchAbout {
  /** Of the engine, or empty. */
  version: string;
  onnxruntime: string;
  /** Of the CPU; 1 on WebGPU. */
  threads: number;
  vocabSize: number;
  /** Tokens of context that there is room for. */
  contextLength: number;
  /** Null where it sees no pictures. */
  pictureSize: number | null;
}

export interface BenchEngine {
  about: BenchAbout;
  /**
   * Reads the ids and chooses `count` tokens greedily, ends of answers among them. What the engine knows of earlier
   * prompts it may use, unless `forget` was called.
   * @param onToken called when a token is known.
   */
  generate(ids: number[], count: number, onToken: () => void): Promise<BenchGeneration>;
  clearCache(): void;
  /** @param pixels [3, size, size]; encoded anew each time. */
  encodePicture(pixels: Float32Array): Promise<void>;
  dispose(): Promise<void>;
}

/** Model and tokenizer, opened. A module with an engine exports this as `open`. */
export type OpenBenchEngine = (model: BenchModel) => Promise<BenchEngine>;

/** What WebGPU was asked to do. */
export interface GpuCounts {
  dispatches: number;
  bufferWrites: number;
  submits: number;
  bytesRead: number;
  buffersCreated: number;
}

/** A kind of kernel or operator in what was profiled. */
export interface ProfileEntry {
  name: string;
  /** ms in all */
  time: number;
  calls: number;
}

/**
 * What is timed besides, which costs something: the thread's work (`cpu`), whole compute passes, or `kernels`, where every
 * dispatch gets a pass of its own.
 */
export type BenchTiming = 'none' | 'cpu' | 'passes' | 'kernels';

export interface BenchGenerated extends BenchGeneration {
  /** ms */
  timeToFirstToken: number;
  /** From the first token to the last. */
  decodeTime: number;
  /**
   * Tokens that what follows is the sum of: from the first token to the last but one. An engine that begins a step ahead of
   * its token begins none after the last.
   */
  countedTokens: number;
  counts: GpuCounts;
  /** ms in which the worker's thread had work; null where it was not asked for. */
  busyTime: number | null;
  /** By kernel, or all of it under one name; null where it was not asked for or the adapter has no timestamps. */
  gpuTimes: ProfileEntry[] | null;
}

/** GPU memory in buffers, bytes; those left to garbage collection count until then. */
export interface GpuMemory {
  now: number;
  peak: number;
}

/** The worker's calls; `generate` with `fresh` begins with nothing kept. */
export interface BenchCalls {
  /** @param entry URL of a module with an engine; null is ours. */
  open: { ask: { entry: string | null; model: BenchModel }; answer: BenchAbout };
  generate: { ask: { ids: number[]; count: number; clearCache: boolean; timing: BenchTiming }; answer: BenchGenerated };
  /** ms */
  encodePicture: { ask: { size: number }; answer: number };
  memory: { ask: null; answer: GpuMemory };
  close: { ask: null; answer: null };
}
export type BenchCallName = keyof BenchCalls;
export interface BenchRequest<T extends BenchCallName = BenchCallName> {
  name: T;
  ask: BenchCalls[T]['ask'];
}
export type BenchReply = { answer: BenchCalls[BenchCallName]['answer'] } | { error: string };

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

/** What one round of one engine gave. */
export interface BenchRound {
  about: BenchAbout;
  samples: BenchSamples[];
  /** Greedy tokens by prompt. */
  tokens: Record<string, number[]>;
  /** What was not measured, and why; sentences. */
  skipped: string[];
}

/** A decode step's kernels on the GPU, the longest first. */
export interface BenchProfile {
  context: number;
  /** Steps that the times are the sum of. */
  tokens: number;
  entries: ProfileEntry[];
}

export interface BenchMachine {
  browser: string;
  /** For a person to read; null without WebGPU. */
  adapter: string | null;
  cores: number;
  /** Cross-origin isolated: only then has the CPU threads, and is the heap's size told. */
  crossOriginIsolated: boolean;
}

/** What a browser's page can be asked for: `window.engineBench` of bench.html. One call at a time. */
export interface BenchPage {
  machine(): Promise<BenchMachine>;
  /** All but what the heap takes. */
  round(job: BenchJob): Promise<BenchRound>;
  /** Largest size of the page's and the worker's heaps while a prompt is answered, bytes; null where it is not told. */
  heap(job: BenchJob): Promise<number | null>;
  profile(job: BenchJob): Promise<BenchProfile | null>;
  /** What a few tokens ask of the GPU, and what the second turn reads again. */
  counts(job: BenchJob): Promise<BenchCounts>;
}

export interface BenchCounts {
  /** Each divided by the tokens decoded. */
  perToken: GpuCounts;
  /** Tokens of the second turn's prompt that were in the cache already, but read again. */
  recomputedTokens: number;
}

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

export interface BenchResult {
  environment: BenchMachine & {
    /** By engine. */
    engines: Record<string, Pick<BenchAbout, 'version' | 'onnxruntime' | 'threads'>>;
    skipped: string[];
  };
  rows: BenchRow[];
  /** By engine, where it was asked for. */
  profile?: Record<string, BenchProfile>;
}
