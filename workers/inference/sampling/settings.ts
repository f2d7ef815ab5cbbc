/** Sampling settings: what the model's own files ask for, and what a caller changes. */
import { EngineError } from '../../../protocol/engine.ts';
import {
  DEFAULT_SAMPLING,
  isInRange,
  type NumberRange,
  readSampling,
  type Sampling,
  SAMPLING_NAMES,
  type SamplingName,
  samplingParameter,
} from '../../../protocol/sampling.ts';

/** Describes a range, for the error. */
function describeRange({ min, max, exclusiveMin, integer }: NumberRange): string {
  const bounded = Number.isSafeInteger(min) && min > Number.MIN_SAFE_INTEGER;
  const from = bounded ? ` ${exclusiveMin ? 'above' : 'from'} ${min}` : '';
  const kind = `a ${integer ? 'whole ' : ''}number${from}`;
  return max === undefined ? kind : `${kind} to ${max}`;
}

function refuse(name: SamplingName, value: unknown): never {
  const shown = JSON.stringify(value) ?? String(value);
  throw new EngineError('bad-request', `${name} is ${shown}, not ${describeRange(samplingParameter(name))}`);
}

/**
 * Checks sampling parameters.
 * @param sampling the parameters
 * @returns the same, without those that are undefined
 * @throws EngineError `bad-request`, naming the first parameter that is out of range.
 */
export function checkSampling(sampling: Partial<Record<SamplingName, unknown>>): Partial<Sampling> {
  return readSampling((name) => sampling[name], refuse);
}

/**
 * The sampling parameters that a model's files ask for.
 * @param generationConfig the parsed `generation_config.json`, or undefined. `do_sample: false` means greedy decoding. What
 *   it leaves out, or has out of range, is Gemma's default.
 * @returns all parameters that have a default
 */
export function defaultSampling(generationConfig: unknown): Sampling {
  const given = (typeof generationConfig === 'object' && generationConfig !== null ? generationConfig : {}) as Partial<
    Record<SamplingName | 'do_sample', unknown>
  >;
  const sampling: Sampling = { ...DEFAULT_SAMPLING };
  for (const name of SAMPLING_NAMES) {
    const parameter = samplingParameter(name);
    const value = given[name];
    if (parameter.default !== undefined && isInRange(parameter, value)) sampling[name] = value;
  }
  if (given.do_sample === false) sampling.temperature = 0;
  return sampling;
}

/**
 * The defaults with a caller's changes.
 * @param defaults the model's parameters.
 * @param changes parameters that are undefined stay as in `defaults`.
 * @returns all parameters
 * @throws EngineError `bad-request`, naming the first parameter that is out of range.
 */
export function mergeSampling(
  defaults: Sampling,
  changes: { [Name in SamplingName]?: Sampling[Name] | undefined },
): Sampling {
  return { ...defaults, ...checkSampling(changes) };
}
