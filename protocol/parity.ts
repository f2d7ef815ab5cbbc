/** What the parity tool's page asks of the inference worker's parity entry. Types only. */
import type { Device, Dtype } from './engine.ts';

export interface ParityCase {
  name: string;
  ids: number[];
  /** Start and length of each picture's soft tokens, in order, and which picture it is. */
  pictures: { start: number; length: number; image: number }[];
  /** How many of the last positions' logits are compared. */
  comparedPositions: number;
  /** Each is one way to read the prompt: where its chunks end. */
  chunkings: number[][];
  /** Tokens to generate greedily after the prompt. */
  greedy: number;
}

export interface ParityJob {
  /** URL of the exported model folder. */
  folder: string;
  device: Device;
  dtype: Dtype;
  /** URL of the pictures' pixel values, float32 [n, 3, S, S], or null. */
  pixelValues: string | null;
  cases: ParityCase[];
  /** Where results are posted: `<results>/<case>/<chunking>` gets float32 [covered, vocabSize]. */
  results: string;
}

export interface ParityCaseResult {
  name: string;
  /** Greedy tokens, `greedy` of them. */
  greedy: number[];
}

export type ParityFromWorker = { progress: string } | { done: ParityCaseResult[]; adapter: string } | { error: string };
