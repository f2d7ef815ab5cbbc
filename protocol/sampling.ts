/** What the settings of an answer may be: the engine refuses others, and the page says so before it asks. */
import type { Sampling } from './engine.ts';

export interface Limits {
  min: number;
  max?: number;
  /** `min` itself is too little. */
  above?: true;
  whole?: true;
}

export const SAMPLING_LIMITS: Readonly<Record<keyof Sampling, Limits>> = {
  temperature: { min: 0 },
  top_k: { min: 0, whole: true },
  top_p: { min: 0, above: true, max: 1 },
  min_p: { min: 0, max: 1 },
  repetition_penalty: { min: 0, above: true },
  seed: { min: Number.MIN_SAFE_INTEGER, whole: true },
};

/** Tokens of an answer, at most. */
export const LENGTH_LIMITS: Limits = { min: 1, whole: true };

export function withinLimits({ min, max = Number.MAX_VALUE, above, whole }: Limits, value: unknown): value is number {
  if (typeof value !== 'number' || !(above ? value > min : value >= min) || !(value <= max)) return false;
  return !whole || Number.isSafeInteger(value);
}
