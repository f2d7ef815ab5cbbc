/** @file Messages between the parity tool's page and the inference worker's parity entry. Types only. */
import type { Device, Dtype } from './engine.ts';

/** A reference prompt, and how the engine is to compute it. */
export interface ParityCase {
  name: string;
  ids: number[];
  /** Start and length, in tokens, of each picture's soft tokens, in order, and the picture's index in the pixel values. */
  pictures: { start: number; length: number; image: number }[];
  /** Number of positions, at the end of the prompt, whose logits are compared. */
  comparedPositions: number;
  /** Ways to cut the prompt into prefill chunks, each a list of the positions where chunks end. */
  chunkings: number[][];
  /** Number of tokens to generate greedily after the prompt. */
  greedy: number;
}

/** Everything to be computed with one model on one device. */
export interface ParityJob {
  /** URL of the exported model folder. */
  folder: string;
  device: Device;
  dtype: Dtype;
  /** URL of the pictures' pixel values, float32 [pictures, 3, size, size], or null without pictures. */
  pixelValues: string | null;
  cases: ParityCase[];
  /** URL for results: `<results>/<case>/<chunking>` receives float32 [comparedPositions, vocabSize]. */
  results: string;
}

/** The greedy continuation of a case. */
export interface ParityCaseResult {
  name: string;
  /** Token ids, as many as the case asks for. */
  greedy: number[];
}

/** Messages from the worker: progress, then the results with the adapter's name, or an error. */
export type ParityFromWorker = { progress: string } | { done: ParityCaseResult[]; adapter: string } | { error: string };
