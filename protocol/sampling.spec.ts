import { describe, expect, it } from 'vitest';
import {
  DEFAULT_SAMPLING,
  GREEDY_SAMPLING,
  isInRange,
  MAX_NEW_TOKENS_RANGE,
  readSampling,
  SAMPLING_NAMES,
  SAMPLING_PARAMETERS,
  samplingParameter,
} from './sampling.ts';

describe('isInRange', () => {
  it('takes what the sampler can do, and nothing else', () => {
    const { temperature, top_k, top_p, min_p, repetition_penalty, seed } = SAMPLING_PARAMETERS;
    const cases = [
      [temperature, [0, 0.7, 100], [-0.1, NaN, Infinity, '1', null, undefined]],
      [top_k, [0, 64], [-1, 1.5, 2 ** 60]],
      [top_p, [0.01, 1], [0, 1.01]],
      [min_p, [0, 1], [-0.01, 1.01]],
      [repetition_penalty, [0.5, 1, 2], [0, -1, Infinity]],
      [seed, [-1, 0, 2 ** 53 - 1], [0.5, 2 ** 53]],
      [MAX_NEW_TOKENS_RANGE, [1, 4096], [0, 1.5, Infinity]],
    ] as const;
    for (const [limits, right, wrong] of cases) {
      for (const value of right) expect(isInRange(limits, value), String(value)).toBe(true);
      for (const value of wrong) expect(isInRange(limits, value), String(value)).toBe(false);
    }
  });
});

describe('the declared parameters', () => {
  it('give the defaults that Google publishes with Gemma 3, and greedy decoding without filters', () => {
    const gemma = { temperature: 1, top_k: 64, top_p: 0.95, min_p: 0, repetition_penalty: 1 };
    expect(DEFAULT_SAMPLING).toMatchObject(gemma);
    expect(GREEDY_SAMPLING).toMatchObject({ temperature: 0, top_k: 0, top_p: 1, min_p: 0, repetition_penalty: 1 });
  });

  it('have defaults and neutral values within their own ranges', () => {
    for (const name of SAMPLING_NAMES) {
      const parameter = samplingParameter(name);
      for (const value of [parameter.default, parameter.neutral])
        if (value !== undefined) expect(isInRange(parameter, value), name).toBe(true);
    }
  });
});

describe('readSampling', () => {
  const refuse = (name: string, value: unknown): never => {
    throw new Error(`${name} ${String(value)}`);
  };
  const read = (fields: Record<string, unknown>) => readSampling((name) => fields[name], refuse);

  it('picks the parameters, and leaves out what is left out', () => {
    expect(read({ top_k: 3, seed: -1, temperature: undefined, onload: 1 })).toEqual({ top_k: 3, seed: -1 });
    expect(Object.keys(read({ temperature: undefined }))).toEqual([]);
  });

  it('refuses the first that is out of range, with its value', () => {
    expect(() => read({ temperature: 1, top_p: 2, top_k: 0.5 })).toThrow('top_k 0.5');
    expect(() => read({ seed: null })).toThrow('seed null');
  });
});
