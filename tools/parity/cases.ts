/** @file Reads a parity folder's cases (`cases.json` beside the checkpoint, see reference/README.md). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Gemma3Config } from '../../protocol/gemma3-config.ts';
import type { ParityCase } from '../../protocol/parity.ts';
import type { Reference } from './reference.ts';

export interface ReferenceCase extends ParityCase {
  /** Names of the reference's logits [comparedPositions, vocabSize] in reference.safetensors. */
  logits: string;
  logitsCausal: string | null;
  /** Tokens that the reference generates. */
  greedyTokens: number[];
}

/**
 * @returns ways of dividing a prompt of `length` tokens into chunks, each as a list of ends; no chunk ends within a
 * picture.
 */
export function chunkings(length: number, pictures: readonly { start: number; length: number }[]): number[][] {
  const whole = (ends: number[]): number[] => {
    const legal = ends.filter(
      (end) => end > 0 && end <= length && !pictures.some((p) => p.start < end && end < p.start + p.length),
    );
    return [...new Set([...legal, length])].sort((a, b) => a - b);
  };
  const every = (step: number) =>
    Array.from({ length: Math.ceil(length / step) }, (_, i) => Math.min(length, (i + 1) * step));
  const ways = [
    [length],
    [length - 1, length],
    [Math.floor(length / 3), Math.floor(length / 2), length],
    every(32),
    every(7).slice(-12),
    // The end is read token by token, as in decoding.
    Array.from({ length: Math.min(length, 8) }, (_, i) => length - i),
    pictures.flatMap((p) => [p.start, p.start + p.length]),
  ];
  return [...new Map(ways.map(whole).map((ends) => [ends.join(), ends])).values()];
}

interface RawCase {
  name: string;
  input_ids: number[];
  images?: number[];
  logits: string;
  logits_with_causal_image_tokens?: string;
  [greedy: `greedy_${string}`]: number[] | undefined;
}

function pictureSpans(raw: RawCase, config: Gemma3Config): ParityCase['pictures'] {
  const tokens = config.vision?.tokensPerImage;
  if (!tokens) return [];
  const images = raw.images ?? [];
  const spans: ParityCase['pictures'] = [];
  for (let at = 0; at + tokens <= raw.input_ids.length; at++) {
    // A single image token is not a picture.
    if (raw.input_ids.slice(at, at + tokens).some((id) => id !== config.imageTokenId)) continue;
    spans.push({ start: at, length: tokens, image: images[spans.length] ?? -1 });
    at += tokens - 1;
  }
  if (spans.length !== images.length)
    throw new Error(`cases.json: ${raw.name} has ${spans.length} pictures in its ids and names ${images.length}`);
  return spans;
}

/** @throws Error where the folder has no readable cases. */
export async function readCases(folder: string, { config, tensor }: Reference): Promise<ReferenceCase[]> {
  const { cases } = JSON.parse(await readFile(join(folder, 'cases.json'), 'utf8')) as { cases: RawCase[] };
  return cases.map((raw) => {
    const greedyKey = Object.keys(raw).find((key): key is `greedy_${string}` => key.startsWith('greedy_'));
    const greedyTokens = (greedyKey && raw[greedyKey]) || [];
    const pictures = pictureSpans(raw, config);
    const comparedPositions = tensor(raw.logits).length / config.text.vocabSize;
    if (!Number.isInteger(comparedPositions) || comparedPositions < 1 || comparedPositions > raw.input_ids.length)
      throw new Error(`reference.safetensors: ${raw.logits} is not of ${raw.input_ids.length} positions or fewer`);
    return {
      name: raw.name,
      ids: raw.input_ids,
      pictures,
      comparedPositions,
      chunkings: chunkings(raw.input_ids.length, pictures),
      greedy: greedyTokens.length,
      logits: raw.logits,
      logitsCausal: raw.logits_with_causal_image_tokens ?? null,
      greedyTokens,
    };
  });
}
