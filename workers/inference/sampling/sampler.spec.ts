import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GREEDY_SAMPLING, type Sampling } from '../../../protocol/sampling.ts';
import { seededRandom } from './random.ts';
import { Sampler } from './sampler.ts';

const OFF: Sampling = { ...GREEDY_SAMPLING, temperature: 1, seed: 1 };
const sampler = (changes: Partial<Sampling>) => new Sampler({ ...OFF, ...changes });
const random = seededRandom(2026);
/** Random logits with about the spread of a language model's. */
const randomLogits = (size: number) =>
  Float32Array.from({ length: size }, () => 12 * (random() + random() + random() - 1.5));

/** The filters as transformers' logits_process.py writes them: everything sorted, nothing clever. Probabilities by id. */
function naive(logits: Float32Array, history: number[], sampling: Sampling): number[] {
  const { temperature, top_k: k, top_p: p, min_p: minP, repetition_penalty: penalty } = sampling;
  let scores = [...logits];
  for (const id of new Set(history)) {
    const score = scores[id] ?? 0;
    scores[id] = Math.fround(score < 0 ? score * penalty : score / penalty);
  }
  scores = scores.map((score) => score / temperature);
  const softmax = () => {
    const high = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - high));
    const total = weights.reduce((a, b) => a + b, 0);
    return weights.map((weight) => weight / total);
  };
  const sorted = () => scores.map((_, id) => id).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  if (k > 0) {
    const kth = scores[sorted()[Math.min(k, scores.length) - 1] ?? 0] ?? 0;
    scores = scores.map((score) => (score < kth ? -Infinity : score));
  }
  if (p < 1) {
    const probabilities = softmax();
    let before = 0;
    for (const id of sorted()) {
      if (before >= p) scores[id] = -Infinity;
      before += probabilities[id] ?? 0;
    }
  }
  if (minP > 0) {
    const probabilities = softmax();
    const least = minP * Math.max(...probabilities);
    scores = scores.map((score, id) => ((probabilities[id] ?? 0) < least ? -Infinity : score));
  }
  return softmax();
}

/** How often each id is drawn. */
function draws(one: Sampler, logits: Float32Array, history: number[], count: number): number[] {
  const counts = new Array<number>(logits.length).fill(0);
  for (let i = 0; i < count; i++) {
    const id = one.next(logits, history);
    counts[id] = (counts[id] ?? 0) + 1;
  }
  return counts;
}

/** Pearson's statistic must stay near its degrees of freedom: six standard deviations above is no chance. */
function expectDistribution(counts: number[], probabilities: number[]): void {
  const count = counts.reduce((a, b) => a + b, 0);
  let statistic = 0;
  let freedom = 0;
  let rareSeen = 0;
  let rareExpected = 0;
  probabilities.forEach((probability, id) => {
    const expected = probability * count;
    const seen = counts[id] ?? 0;
    if (probability === 0) expect(seen, `id ${id} was filtered out`).toBe(0);
    if (expected < 5) {
      rareSeen += seen;
      rareExpected += expected;
      return;
    }
    statistic += (seen - expected) ** 2 / expected;
    freedom++;
  });
  expect(statistic).toBeLessThan(freedom + 6 * Math.sqrt(2 * freedom) + 10);
  expect(Math.abs(rareSeen - rareExpected)).toBeLessThan(6 * Math.sqrt(rareExpected) + 6);
}

describe('greedy', () => {
  it('takes the best, and the first of equals', () => {
    expect(sampler({ temperature: 0 }).next(Float32Array.of(1, 3, 2, 3), [])).toBe(1);
    expect(sampler({ temperature: 1e-320 }).next(Float32Array.of(1, 3, 2, 3), [])).toBe(1);
    expect(sampler({ temperature: 0 }).next(Float32Array.of(-5, -4), [])).toBe(1);
  });

  it('is subject to repetition_penalty: positive logits divided, negative multiplied, each id once', () => {
    const penalised = sampler({ temperature: 0, repetition_penalty: 2 });
    const logits = Float32Array.of(4, 3, 1.9);
    expect(penalised.next(logits, [0, 0, 0])).toBe(1);
    expect(penalised.next(logits, [0, 1])).toBe(0);
    expect(penalised.next(Float32Array.of(-1, -1.5), [0])).toBe(1);
    expect(penalised.next(logits, [-1, 7])).toBe(0);
    expect([...logits]).toEqual([4, 3, Math.fround(1.9)]);
  });
});

describe('sampling', () => {
  it.each<[string, Partial<Sampling>]>([
    ['no filter', {}],
    ['a low temperature', { temperature: 0.3 }],
    ['a high temperature', { temperature: 5 }],
    ['top_k', { top_k: 7 }],
    ['top_p', { top_p: 0.8 }],
    ['min_p', { min_p: 0.05 }],
    ["Gemma's", { top_k: 64, top_p: 0.95 }],
    ['everything', { temperature: 1.7, top_k: 40, top_p: 0.9, min_p: 0.02, repetition_penalty: 1.3 }],
  ])('draws as often as the reference’s probabilities say: %s', (_, changes) => {
    const logits = randomLogits(300);
    const history = [1, 5, 5, 250];
    const expected = naive(logits, history, { ...OFF, ...changes });
    expectDistribution(draws(sampler(changes), logits, history, 20_000), expected);
  });

  it('filters as the naive implementation does, whatever the settings', () => {
    const settings = fc.record({
      temperature: fc.double({ min: 0.05, max: 4, noNaN: true }),
      top_k: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 30 })),
      top_p: fc.oneof(fc.constant(1), fc.double({ min: 0.01, max: 1, noNaN: true })),
      min_p: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true })),
      repetition_penalty: fc.oneof(fc.constant(1), fc.double({ min: 0.5, max: 2, noNaN: true })),
      seed: fc.integer(),
    });
    // A quarter of a step apart, so that there are ties.
    const logit = fc.integer({ min: -40, max: 40 }).map((n) => n / 4);
    const logits = fc.array(logit, { minLength: 1, maxLength: 24 }).map((all) => Float32Array.from(all));
    fc.assert(
      fc.property(logits, fc.array(fc.nat(30), { maxLength: 6 }), settings, (all, history, sampling) => {
        const known = history.filter((id) => id < all.length);
        expectDistribution(draws(new Sampler(sampling), all, history, 400), naive(all, known, sampling));
      }),
      { numRuns: 400, seed: 7 },
    );
  });

  it('finds the same tokens in a vocabulary of a real size', () => {
    const logits = randomLogits(262_144);
    for (const changes of [{ top_k: 64, top_p: 0.95 }, { top_p: 0.5 }, { top_k: 1 }, { min_p: 0.3 }, {}]) {
      const expected = naiveLarge(logits, changes);
      const counts = draws(sampler(changes), logits, [], 50);
      counts.forEach((count, id) => {
        if (count > 0) expect(expected.has(id)).toBe(true);
      });
    }
  });

  it('keeps all that tie with the kth', () => {
    const counts = draws(sampler({ top_k: 2 }), Float32Array.of(1, 2, 1, 1, 0), [], 500);
    expect(counts.map((count) => count > 0)).toEqual([true, true, true, true, false]);
  });

  it('always leaves the best one', () => {
    expect(sampler({ top_p: 1e-9 }).next(Float32Array.of(0, 0.1, 0), [])).toBe(1);
    expect(sampler({ min_p: 1 }).next(Float32Array.of(0, 0.1, 0), [])).toBe(1);
    expect(sampler({ top_k: 1 }).next(Float32Array.of(0, 0.1, 0), [])).toBe(1);
    expect(sampler({ top_p: 0.5, top_k: 9 }).next(Float32Array.of(0, 99, 0), [])).toBe(1);
    expect(sampler({}).next(Float32Array.of(7), [])).toBe(0);
  });

  it('gives the same answer for the same seed, and another without one', () => {
    const logits = randomLogits(1000);
    const answer = (one: Sampler) => Array.from({ length: 20 }, () => one.next(logits, []));
    const hot = { temperature: 9 };
    expect(answer(sampler({ ...hot, seed: 5 }))).toEqual(answer(sampler({ ...hot, seed: 5 })));
    expect(answer(sampler({ ...hot, seed: 5 }))).not.toEqual(answer(sampler({ ...hot, seed: 6 })));
    const unseeded: Sampling = { ...OFF, ...hot };
    delete unseeded.seed;
    expect(answer(new Sampler(unseeded))).not.toEqual(answer(new Sampler(unseeded)));
  });
});

/** The ids that may come; sorted once, since the naive way takes seconds. */
function naiveLarge(
  logits: Float32Array,
  { top_k: k = 0, top_p: p = 1, min_p: minP = 0 }: Partial<Sampling>,
): Set<number> {
  const order = [...logits.keys()].sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b);
  const kept = k > 0 ? order.slice(0, k) : order;
  const high = logits[order[0] ?? 0] ?? 0;
  const weights = kept.map((id) => Math.exp((logits[id] ?? 0) - high));
  const total = weights.reduce((a, b) => a + b, 0);
  let before = 0;
  return new Set(
    kept.filter((_, i) => {
      const keep = before < p * total && (weights[i] ?? 0) >= minP;
      before += weights[i] ?? 0;
      return keep;
    }),
  );
}

describe('what is refused', () => {
  it.each([NaN, Infinity, -Infinity])('a logit of %s', (bad) => {
    expect(() => sampler({}).next(Float32Array.of(1, bad, 2), [])).toThrow(/^internal/);
    expect(() => sampler({ temperature: 0 }).next(Float32Array.of(1, 2, bad), [])).toThrow(/^internal/);
    expect(() => sampler({ repetition_penalty: 2 }).next(Float32Array.of(bad), [0])).toThrow(/^internal/);
  });

  it('no logits, and settings that are wrong', () => {
    expect(() => sampler({}).next(new Float32Array(0), [])).toThrow(/^internal/);
    expect(() => sampler({ temperature: -1 })).toThrow(/^bad-request: temperature/);
  });
});

describe('a sampler', () => {
  it('is used with logits of several sizes, in turn', () => {
    const draws = (sizes: number[]) => {
      const one = sampler({ top_k: 3, top_p: 0.9, min_p: 0.01, repetition_penalty: 1.5, seed: 3 });
      return sizes.map((size) =>
        one.next(
          Float32Array.from({ length: size }, (_, i) => (i * 7) % 5),
          [1, 2],
        ),
      );
    };
    // Random numbers are taken alike, so that the same draws come after the same number of others.
    const mixed = draws([9, 4, 9, 20, 4]);
    for (const [i, size] of [9, 4, 9, 20, 4].entries()) {
      const alone = draws([...new Array<number>(i).fill(6), size]);
      expect(mixed[i]).toBe(alone[i]);
    }
  });

  it('penalises what is in the history now, and nothing of the history before', () => {
    const one = sampler({ temperature: 0, repetition_penalty: 2 });
    const logits = Float32Array.of(4, 3, 1);
    expect(one.next(logits, [0])).toBe(1);
    expect(one.next(logits, [])).toBe(0);
    expect(one.next(logits, [1])).toBe(0);
    expect(one.next(logits, [0, 0, 1, 0])).toBe(0);
    expect(one.next(Float32Array.of(4, 3, 2.5), [0, 1])).toBe(2);
  });

  it('favours what is in the history with a penalty below 1', () => {
    const one = sampler({ temperature: 0, repetition_penalty: 0.5 });
    expect(one.next(Float32Array.of(3, 2), [1])).toBe(1);
    expect(one.next(Float32Array.of(-3, -4), [1])).toBe(1);
  });

  it('leaves zero as it is, whatever the penalty', () => {
    expect(sampler({ temperature: 0, repetition_penalty: 2 }).next(Float32Array.of(0, -1), [0])).toBe(0);
  });

  it('takes one random number for each token, in order', () => {
    const logits = Float32Array.of(1, 1, 1, 1);
    const seeded = seededRandom(11);
    const expected = Array.from({ length: 20 }, () => Math.floor(4 * seeded()));
    const one = sampler({ seed: 11 });
    expect(Array.from({ length: 20 }, () => one.next(logits, []))).toEqual(expected);
  });

  it('draws no candidate that weighs nothing, also at the end', () => {
    // top_p keeps the first two; min_p and the distance leave nothing of the others.
    const one = sampler({ top_p: 0.5, seed: 5 });
    const logits = Float32Array.of(2, 2, 0, -90);
    const drawn = new Set(Array.from({ length: 300 }, () => one.next(logits, [])));
    expect([...drawn].sort()).toEqual([0, 1]);
  });

  it('keeps the lower ids of those that tie where top_p cuts', () => {
    const logits = new Float32Array(10).fill(1);
    const drawnWith = (topP: number) => {
      const one = sampler({ top_p: topP, seed: 9 });
      return Math.max(...Array.from({ length: 400 }, () => one.next(logits, [])));
    };
    expect([0.05, 0.1, 0.11, 0.5, 0.95].map(drawnWith)).toEqual([0, 0, 1, 4, 9]);
  });

  it('cuts at the last place of a distance, too', () => {
    // Scores of nearly the same weight: all three digits of the distance decide.
    const logits = Float32Array.from({ length: 64 }, (_, i) => 1 - i * 2 ** -20);
    const one = sampler({ top_p: 0.25, seed: 4 });
    const drawn = Array.from({ length: 2000 }, () => one.next(logits, []));
    expect(Math.max(...drawn)).toBe(15);
    expect(new Set(drawn).size).toBe(16);
  });

  it('keeps what min_p allows, with top_p or without', () => {
    const logits = Float32Array.of(0, -Math.LN2, -2 * Math.LN2 - 1e-3);
    for (const topP of [1, 0.999]) {
      const one = sampler({ top_p: topP, min_p: 0.25, seed: 8 });
      expect(Math.max(...Array.from({ length: 500 }, () => one.next(logits, [])))).toBe(1);
    }
    const one = sampler({ min_p: 0.249, seed: 8 });
    expect(Math.max(...Array.from({ length: 500 }, () => one.next(logits, [])))).toBe(2);
  });
});
