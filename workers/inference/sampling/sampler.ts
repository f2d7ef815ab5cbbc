/**
 * Logits to the next token. The same filters in the same order as transformers' `GenerationMixin._get_logits_processor`
 * (generation/utils.py), with the meaning they have in generation/logits_process.py: repetition_penalty, and when
 * sampling temperature, top_k (ties with the kth stay), top_p (of ties with the last the lower ids), min_p. What they
 * leave is drawn from in order of id: that needs no sorting, here or on the GPU, and the same seed gives the same answer.
 */
import { EngineError } from '../../../protocol/engine.ts';
import type { Sampling } from '../../../protocol/sampling.ts';
import { kthScore } from './kth-score.ts';
import { type Random, seededRandom } from './random.ts';
import { checkSampling } from './settings.ts';
import { distanceOf, FAR, fraction, leastWeight, octavesAScore, share, weightAt } from './weights.ts';

export { defaultSampling, mergeSampling } from './settings.ts';

/** A digit of a distance from the best score, which has three. */
const DIGITS = [18, 9, 0] as const;
const DIGIT = 2 ** 9;

/** Where top_p cuts. */
interface Cut {
  /** From the best score: what is nearer stays. */
  distance: number;
  /** How many at just that distance stay. */
  ties: number;
}

/** One for each answer: its random numbers go on from token to token. */
export class Sampler {
  private readonly random: Random;
  // Reused from token to token; made at the first, when the vocabulary's size is known.
  private scores = new Float32Array(0);
  /** Of the candidates, in order of id. */
  private ids = new Int32Array(0);
  private distances = new Uint32Array(0);
  private weights = new Uint32Array(0);
  /** For each id, the number of the call that last penalised it. */
  private penalised = new Uint32Array(0);
  private calls = 0;
  private readonly mass = new Float64Array(DIGIT);

  /** @throws EngineError `bad-request` */
  constructor(private readonly sampling: Sampling) {
    checkSampling(sampling);
    this.random = seededRandom(sampling.seed);
  }

  /**
   * @param logits [vocabulary]; left as they are.
   * @param history ids of the prompt and of the answer so far, for repetition_penalty.
   * @throws EngineError `internal` when a logit is not a finite number: the model went wrong.
   */
  next(logits: Float32Array, history: ArrayLike<number>): number {
    if (logits.length === 0) throw new EngineError('internal', 'there are no logits');
    const scores = this.penalise(logits, history);
    const best = argmax(scores);
    const octaves = octavesAScore(this.sampling.temperature);
    return octaves === Infinity ? best : this.draw(scores, scores[best] ?? 0, octaves);
  }

  /** Once for each id, however often it is in `history`. */
  private penalise(logits: Float32Array, history: ArrayLike<number>): Float32Array {
    // As on the GPU.
    const penalty = Math.fround(this.sampling.repetition_penalty);
    if (penalty === 1) return logits;
    if (this.scores.length !== logits.length) {
      this.scores = new Float32Array(logits.length);
      this.penalised = new Uint32Array(logits.length);
    }
    const { scores, penalised } = this;
    const call = ++this.calls;
    scores.set(logits);
    for (let i = history.length - 1; i >= 0; i--) {
      const id = history[i] ?? -1;
      const score = scores[id];
      if (score === undefined || penalised[id] === call) continue;
      penalised[id] = call;
      scores[id] = score < 0 ? score * penalty : score / penalty;
    }
    return scores;
  }

  private draw(scores: Float32Array, best: number, octaves: number): number {
    const { top_k: topK, top_p: topP, min_p: minP } = this.sampling;
    if (this.ids.length !== scores.length) {
      this.ids = new Int32Array(scores.length);
      this.distances = new Uint32Array(scores.length);
      this.weights = new Uint32Array(scores.length);
    }
    const { ids, distances, weights } = this;
    const least = topK > 0 && topK < scores.length ? kthScore(scores, topK, ids) : -Infinity;
    let count = 0;
    let total = 0;
    for (let id = 0; id < scores.length; id++) {
      const score = scores[id] ?? 0;
      if (score < least) continue;
      const distance = distanceOf(score, best, octaves);
      if (distance === FAR) continue;
      ids[count] = id;
      distances[count] = distance;
      total += weights[count++] = weightAt(distance);
    }
    // The best one's weight is known, and min_p is a share of it.
    if (topP < 1 || minP > 0) total = this.keep(count, this.cut(count, topP, total), leastWeight(minP));
    return this.pick(count, share(total, fraction(this.random())));
  }

  /** Where the nearest candidates hold their share. Digit by digit: nothing is sorted. */
  private cut(count: number, topP: number, total: number): Cut {
    if (topP === 1) return { distance: FAR, ties: 0 };
    const { distances, weights, mass } = this;
    let known = 0;
    let wanted = Math.max(1, share(total, fraction(topP)));
    for (const shift of DIGITS) {
      mass.fill(0);
      for (let i = 0; i < count; i++) {
        const digits = (distances[i] ?? 0) >>> shift;
        const digit = digits % DIGIT;
        if (digits >>> 9 === known) mass[digit] = (mass[digit] ?? 0) + (weights[i] ?? 0);
      }
      let digit = 0;
      while (wanted > (mass[digit] ?? Infinity)) wanted -= mass[digit++] ?? 0;
      known = known * DIGIT + digit;
    }
    return { distance: known, ties: Math.ceil(wanted / weightAt(known)) };
  }

  /** What does not stay weighs nothing. @returns the sum of what stays */
  private keep(count: number, { distance, ties }: Cut, least: number): number {
    const { distances, weights } = this;
    let total = 0;
    for (let i = 0; i < count; i++) {
      const far = distances[i] ?? 0;
      const weight = weights[i] ?? 0;
      if (weight >= least && (far < distance || (far === distance && ties-- > 0))) total += weight;
      else weights[i] = 0;
    }
    return total;
  }

  /** The candidate with whose weight the sum passes `target`. */
  private pick(count: number, target: number): number {
    const { ids, weights } = this;
    let i = 0;
    for (let left = target; i < count - 1; i++) {
      left -= weights[i] ?? 0;
      if (left < 0) break;
    }
    return ids[i] ?? 0;
  }
}

/** The highest score's id, the lowest id among equals. @throws EngineError `internal` for NaN and infinities. */
function argmax(scores: Float32Array): number {
  let best = 0;
  let high = scores[0] ?? 0;
  // 0 times a finite number is 0; times anything else it is NaN, and stays so.
  let finite = 0;
  for (let id = 0; id < scores.length; id++) {
    const score = scores[id] ?? 0;
    finite += score * 0;
    if (score > high) {
      high = score;
      best = id;
    }
  }
  if (finite !== 0) throw new EngineError('internal', 'the model gave logits that are not finite numbers');
  return best;
}
