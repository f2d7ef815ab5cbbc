/**
 * @file The settings of an answer. A sampling parameter is declared here once: the engine's validation and defaults, the settings
 * panel, lessons and their schema, requests of embedding pages and saved conversations follow from it. What else a new one
 * needs, its messages `setting.NAME` and `setting.NAME.about` and its place in the public type `EmbedOptions`, fails to
 * compile where it is missing.
 */

/** A range of numbers. */
export interface NumberRange {
  min: number;
  max?: number;
  /** `min` itself is excluded. */
  exclusiveMin?: true;
  /** Only integers are allowed. */
  integer?: true;
}

/** Declaration of a sampling parameter. */
export interface SamplingParameter extends NumberRange {
  /**
   * Value where the model's `generation_config.json` says nothing: the one that Google publishes with Gemma 3. A parameter
   * without a default is optional and is never read from a model's files.
   */
  default?: number;
  /** Value at which the parameter has no effect. */
  neutral?: number;
  /** A sentence about its values, for the lesson schema. */
  description: string;
}

/** All parameters, named as in transformers' GenerationConfig, in the order of the settings panel. */
export const SAMPLING_PARAMETERS = {
  temperature: { min: 0, default: 1, neutral: 1, description: '0: always the likeliest token.' },
  top_k: { min: 0, integer: true, default: 64, neutral: 0, description: '0: off.' },
  top_p: { min: 0, exclusiveMin: true, max: 1, default: 0.95, neutral: 1, description: '1: off.' },
  min_p: { min: 0, max: 1, default: 0, neutral: 0, description: '0: off.' },
  repetition_penalty: { min: 0, exclusiveMin: true, default: 1, neutral: 1, description: '1: off.' },
  // A seed in a model's files would give everybody the same answers. Without one, each answer gets a new seed.
  seed: { min: Number.MIN_SAFE_INTEGER, integer: true, description: 'Same seed, same answer.' },
} as const satisfies Record<string, SamplingParameter>;

type Parameters = typeof SAMPLING_PARAMETERS;
/** Name of a parameter. */
export type SamplingName = keyof Parameters;
type WithDefault = {
  [Name in SamplingName]: Parameters[Name] extends { default: number } ? Name : never;
}[SamplingName];

/** Values of all parameters. `temperature` 0 decodes greedily. */
export type Sampling = Record<WithDefault, number> & Partial<Record<Exclude<SamplingName, WithDefault>, number>>;

/** Names of all parameters, in order. */
export const SAMPLING_NAMES = Object.keys(SAMPLING_PARAMETERS) as SamplingName[];

/**
 * Finds a parameter's declaration, typed for code that handles them all alike.
 * @param name of the parameter.
 * @returns its declaration.
 */
export const samplingParameter = (name: SamplingName): SamplingParameter => SAMPLING_PARAMETERS[name];

const valuesOf = (field: 'default' | 'neutral'): Sampling =>
  Object.fromEntries(
    SAMPLING_NAMES.flatMap((name) => {
      const value = samplingParameter(name)[field];
      return value === undefined ? [] : [[name, value]];
    }),
  ) as Sampling;

/** Default values. */
export const DEFAULT_SAMPLING: Readonly<Sampling> = valuesOf('default');

/** Greedy decoding without filters. */
export const GREEDY_SAMPLING: Readonly<Sampling> = { ...valuesOf('neutral'), temperature: 0 };

/** The range of an answer's maximum length, in tokens. */
export const MAX_NEW_TOKENS_RANGE: NumberRange = { min: 1, integer: true };

/**
 * Checks a value that comes from outside.
 * @param range the numbers that are allowed.
 * @param value anything.
 * @returns whether it is a finite number within the range.
 */
export function isInRange(range: NumberRange, value: unknown): value is number {
  const { min, max = Number.MAX_VALUE, exclusiveMin, integer } = range;
  if (typeof value !== 'number' || !(exclusiveMin ? value > min : value >= min) || !(value <= max)) return false;
  return !integer || Number.isSafeInteger(value);
}

/**
 * Reads sampling parameters from untrusted fields and ignores other fields.
 * @param valueOf gives a field's value, or undefined where it is left out.
 * @param refuse throws for the first value that is out of range.
 * @returns the parameters that are there.
 */
export function readSampling(
  valueOf: (name: SamplingName) => unknown,
  refuse: (name: SamplingName, value: unknown) => never,
): Partial<Sampling> {
  const sampling: Partial<Sampling> = {};
  for (const name of SAMPLING_NAMES) {
    const value = valueOf(name);
    if (value !== undefined) sampling[name] = isInRange(samplingParameter(name), value) ? value : refuse(name, value);
  }
  return sampling;
}
