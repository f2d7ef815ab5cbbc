import { describe, expect, it } from 'vitest';
import { DEFAULT_SAMPLING, type Sampling } from '../../../protocol/sampling.ts';
import { defaultSampling, mergeSampling } from './settings.ts';

describe('defaultSampling', () => {
  it("is Gemma's where the model says nothing", () => {
    expect(defaultSampling(undefined)).toEqual(DEFAULT_SAMPLING);
    expect(defaultSampling({})).toEqual(DEFAULT_SAMPLING);
  });

  it('is greedy where the model does not sample', () => {
    expect(defaultSampling({ do_sample: false }).temperature).toBe(0);
    expect(defaultSampling({ do_sample: true, temperature: 0.7 }).temperature).toBe(0.7);
  });

  it('takes what is right, and neither what is wrong nor a seed', () => {
    const given = { top_k: 10, top_p: 2, min_p: null, repetition_penalty: '1.1', seed: 4, other: 1 };
    expect(defaultSampling(given)).toEqual({ ...DEFAULT_SAMPLING, top_k: 10 });
  });
});

describe('mergeSampling', () => {
  it('changes what is given', () => {
    expect(mergeSampling(DEFAULT_SAMPLING, { temperature: 0, top_k: undefined, seed: 3 })).toEqual({
      ...DEFAULT_SAMPLING,
      temperature: 0,
      seed: 3,
    });
    expect(DEFAULT_SAMPLING.temperature).toBe(1);
  });

  it.each<[keyof Sampling, unknown]>([
    ['temperature', -0.1],
    ['temperature', NaN],
    ['temperature', Infinity],
    ['temperature', '1'],
    ['top_k', 1.5],
    ['top_k', -1],
    ['top_p', 0],
    ['top_p', 1.01],
    ['min_p', -0.1],
    ['min_p', 2],
    ['repetition_penalty', 0],
    ['seed', 0.5],
    ['seed', null],
  ])('refuses %s = %s by name', (key, value) => {
    expect(() => mergeSampling(DEFAULT_SAMPLING, { [key]: value })).toThrow(new RegExp(`^bad-request: ${key} is`));
  });
});
