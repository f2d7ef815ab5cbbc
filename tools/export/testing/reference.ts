/** @file Reads the reference cases (reference/README.md). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readAll, Safetensors } from '../safetensors.ts';
import type { Prompt, Span } from './node-model.ts';

/** A prompt, the names of its reference logits, and its greedy continuation. */
export interface Case {
  name: string;
  prompt: Prompt;
  /** Number of positions, at the end of the prompt, that the reference has logits of. */
  comparedPositions: number;
  logits: string;
  logitsCausal: string;
  greedy: number[];
}

/** The open reference of one checkpoint. */
export interface ReferenceFolder {
  cases: Case[];
  tensor: (name: string) => Promise<Float32Array>;
  close: () => Promise<void>;
}

interface RawCase {
  name: string;
  input_ids: number[];
  token_type_ids?: number[];
  images?: number[];
  logits: string;
  logits_cover?: string;
  logits_with_causal_image_tokens?: string;
  greedy_32?: number[];
  greedy_48?: number[];
}

function spans(raw: RawCase): Span[] {
  const found: Span[] = [];
  const types = raw.token_type_ids ?? [];
  types.forEach((type, t) => {
    if (type !== 1) return;
    const last = found.at(-1);
    if (last && types[t - 1] === 1) last.length++;
    else found.push({ start: t, length: 1, image: raw.images?.[found.length] ?? -1 });
  });
  return found;
}

/**
 * Opens a reference.
 * @param folder the checkpoint with its reference.
 * @returns its cases and tensors; the caller closes it.
 */
export async function openReference(folder: string): Promise<ReferenceFolder> {
  const files = await Safetensors.openFiles(folder, ['reference.safetensors']);
  const { cases } = JSON.parse(await readFile(join(folder, 'cases.json'), 'utf8')) as { cases: RawCase[] };
  return {
    cases: cases.map((raw) => ({
      name: raw.name,
      prompt: { ids: raw.input_ids, pictures: spans(raw) },
      comparedPositions: Number(/last (\d+)/.exec(raw.logits_cover ?? '')?.[1] ?? raw.input_ids.length),
      logits: raw.logits,
      logitsCausal: raw.logits_with_causal_image_tokens ?? raw.logits,
      greedy: raw.greedy_48 ?? raw.greedy_32 ?? [],
    })),
    tensor: async (name) => {
      const stored = files.tensors.get(name);
      if (!stored) throw new Error(`the reference lacks ${name}`);
      return readAll(stored);
    },
    close: () => files.close(),
  };
}

/**
 * Cuts a prompt into chunks in several ways, never through a picture.
 * @param prompt the prompt.
 * @returns for each way, the positions where chunks end.
 */
export function cuttings(prompt: Prompt): number[][] {
  const { ids, pictures = [] } = prompt;
  const n = ids.length;
  const inside = (end: number) => pictures.some((p) => p.start < end && end < p.start + p.length);
  const ways = [
    [],
    [n - 1],
    [Math.floor(n / 3), Math.floor(n / 2)],
    Array.from({ length: Math.ceil(n / 32) }, (_, i) => 32 * (i + 1)),
    Array.from({ length: Math.min(n, 8) }, (_, i) => n - 8 + i),
    pictures.flatMap((p) => [p.start, p.start + p.length]),
  ].map((ends) => [...new Set(ends.filter((e) => e > 0 && e < n && !inside(e))), n]);
  return [...new Map(ways.map((w) => [w.join(), w])).values()];
}

/**
 * Compares two vectors.
 * @param a any values.
 * @param b as many values.
 * @returns the largest |a − b|, infinite for different lengths or NaN.
 */
export function maxDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity;
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const d = Math.abs((a[i] as number) - (b[i] as number));
    if (!(d <= most)) most = Number.isNaN(d) ? Infinity : d;
  }
  return most;
}
