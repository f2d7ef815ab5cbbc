/** Sampling settings: what the model's own files ask for, and what a caller changes. */
import { EngineError, type Sampling } from '../../../protocol/engine.ts';
import { type Limits, SAMPLING_LIMITS, withinLimits } from '../../../protocol/sampling.ts';

/** What Google publishes with Gemma 3 (its generation_config.json and model card). */
export const GEMMA_SAMPLING: Readonly<Sampling> = {
  temperature: 1,
  top_k: 64,
  top_p: 0.95,
  min_p: 0,
  repetition_penalty: 1,
};

type Key = keyof Sampling;
const KEYS = Object.keys(SAMPLING_LIMITS) as Key[];

const holds = (key: Key, value: unknown): value is number => withinLimits(SAMPLING_LIMITS[key], value);

/** What a setting must be, for the error. */
function ruleOf({ min, max, above, whole }: Limits): string {
  const from = Number.isSafeInteger(min) && min > Number.MIN_SAFE_INTEGER ? ` ${above ? 'above' : 'from'} ${min}` : '';
  const kind = `a ${whole ? 'whole ' : ''}number${from}`;
  return max === undefined ? kind : `${kind} to ${max}`;
}

/** @throws EngineError `bad-request` naming the first setting that is wrong. */
export function checkSampling(sampling: Partial<Record<Key, unknown>>): void {
  for (const key of KEYS) {
    const value = sampling[key];
    if (value !== undefined && !holds(key, value))
      throw new EngineError(
        'bad-request',
        `${key} is ${JSON.stringify(value) ?? String(value)}, not ${ruleOf(SAMPLING_LIMITS[key])}`,
      );
  }
}

/**
 * @param generationConfig generation_config.json, parsed, or undefined. `do_sample: false` means greedy. What it leaves
 *   out, or has wrong, is Gemma's.
 */
export function defaultSampling(generationConfig: unknown): Sampling {
  const given = (typeof generationConfig === 'object' && generationConfig !== null ? generationConfig : {}) as Partial<
    Record<Key | 'do_sample', unknown>
  >;
  const sampling: Sampling = { ...GEMMA_SAMPLING };
  for (const key of KEYS) {
    const value = given[key];
    // A seed in a model's files would give everybody the same answers.
    if (key !== 'seed' && holds(key, value)) sampling[key] = value;
  }
  if (given.do_sample === false) sampling.temperature = 0;
  return sampling;
}

/**
 * @param changes settings that are undefined stay as in `defaults`.
 * @throws EngineError `bad-request`
 */
export function mergeSampling(defaults: Sampling, changes: { [K in Key]?: Sampling[K] | undefined }): Sampling {
  checkSampling(changes);
  const sampling: Sampling = { ...defaults };
  for (const key of KEYS) {
    const value = changes[key];
    if (value !== undefined) sampling[key] = value;
  }
  return sampling;
}
