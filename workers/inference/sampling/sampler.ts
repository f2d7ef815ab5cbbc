/**
 * Logits to the next token. The filters, their order and their meaning are those of transformers'
 * `GenerationMixin._get_logits_processor` (generation/utils.py) and generation/logits_process.py: repetition_penalty, and when
 * sampling temperature, top_k (scores that tie with the kth are kept), top_p (of scores that tie with the last, the lower ids
 * are kept), min_p. The draw goes through the candidates in order of id, which needs no sorting here or on the GPU; the same
 * seed gives the same answer.
 */
import { EngineError } from '../../../protocol/engine.ts';
import type { Sampling } from '../../../protocol/sampling.ts';
import { distanceOf, minWeight, NEGLIGIBLE, octavesPerUnit, timesQ32, toQ32, weightAt } from './fixed-point.ts';
import { kthScore } from './kth-score.ts';
import { type Random, seededRandom } from './random.ts';
import { checkSampling } from './settings.ts';

/** Right shifts of the three digits of a distance, nine bits each, the highest first. */
const DIGIT_SHIFTS = [18, 9, 0] as const;
const DIGIT_BITS = 9;
const DIGIT_VALUES = 2 ** DIGIT_BITS;

/** The place where top_p cuts. */
interface Cut {
  /** Candidates with a smaller distance from the highest score are kept. */
  distance: number;
  /** Number of candidates at exactly that distance that are kept, in order of id. */
  ties: number;
}

/** Chooses the tokens of one answer: its random numbers go on from token to token. */
export class Sampler {
  private readonly random: Random;
  // Scratch memory for a vocabulary, allocated with the first token and reused.
  private scores = new Float32Array(0);
  /** Ids of the candidates, ascending. */
  private ids = new Int32Array(0);
  private distances = new Uint32Array(0);
  private weights = new Uint32Array(0);
  /** For each id, the number of the call that penalised it last. */
  private penalisedIn = new Uint32Array(0);
  private calls = 0;
  private readonly digitWeights = new Float64Array(DIGIT_VALUES);

  /** @throws EngineError `bad-request` for settings that are out of range */
  constructor(private readonly sampling: Sampling) {
    checkSampling(sampling);
    this.random = seededRandom(sampling.seed);
  }

  /**
   * Chooses a token.
   * @param logits float32 [vocabulary]; they stay as they are.
   * @param history ids of the prompt and of the answer so far, for repetition_penalty.
   * @returns its id
   * @throws EngineError `internal` when a logit is not a finite number: the model went wrong
   */
  next(logits: Float32Array, history: ArrayLike<number>): number {
    if (logits.length === 0) throw new EngineError('internal', 'there are no logits');
    const scores = this.penalise(logits, history);
    const best = argmax(scores);
    const octaves = octavesPerUnit(this.sampling.temperature);
    return octaves === Infinity ? best : this.draw(scores, scores[best] ?? 0, octaves);
  }

  /** Applies repetition_penalty, once for each id, however often it is in `history`. */
  private penalise(logits: Float32Array, history: ArrayLike<number>): Float32Array {
    // The GPU is given the penalty as float32.
    const penalty = Math.fround(this.sampling.repetition_penalty);
    if (penalty === 1) return logits;
    if (this.scores.length !== logits.length) {
      this.scores = new Float32Array(logits.length);
      this.penalisedIn = new Uint32Array(logits.length);
    }
    const { scores, penalisedIn } = this;
    const call = ++this.calls;
    scores.set(logits);
    for (let i = history.length - 1; i >= 0; i--) {
      const id = history[i] ?? -1;
      const score = scores[id];
      if (score === undefined || penalisedIn[id] === call) continue;
      penalisedIn[id] = call;
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
      if (distance === NEGLIGIBLE) continue;
      ids[count] = id;
      distances[count] = distance;
      total += weights[count++] = weightAt(distance);
    }
    // The highest score has MAX_WEIGHT whatever top_p cuts, so min_p needs no second pass.
    if (topP < 1 || minP > 0) total = this.keep(count, this.cut(count, topP, total), minWeight(minP));
    return this.pick(count, timesQ32(total, toQ32(this.random())));
  }

  /** Finds where the nearest candidates reach a fraction `topP` of the weight, digit by digit of the distance. */
  private cut(count: number, topP: number, total: number): Cut {
    if (topP === 1) return { distance: NEGLIGIBLE, ties: 0 };
    const { distances, weights, digitWeights } = this;
    let prefix = 0;
    let wanted = Math.max(1, timesQ32(total, toQ32(topP)));
    for (const shift of DIGIT_SHIFTS) {
      digitWeights.fill(0);
      for (let i = 0; i < count; i++) {
        const digits = (distances[i] ?? 0) >>> shift;
        const digit = digits % DIGIT_VALUES;
        if (digits >>> DIGIT_BITS === prefix) digitWeights[digit] = (digitWeights[digit] ?? 0) + (weights[i] ?? 0);
      }
      let digit = 0;
      while (wanted > (digitWeights[digit] ?? Infinity)) wanted -= digitWeights[digit++] ?? 0;
      prefix = prefix * DIGIT_VALUES + digit;
    }
    return { distance: prefix, ties: Math.ceil(wanted / weightAt(prefix)) };
  }

  /** Sets the weight of candidates that are not kept to 0. @returns the sum of the others */
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

  /** @returns the id of the candidate with whose weight the sum passes `target` */
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

/** @returns the id of the highest score, the lowest id among equals. @throws EngineError `internal` for NaN and infinities */
function argmax(scores: Float32Array): number {
  let best = 0;
  let high = scores[0] ?? 0;
  // A finite number times 0 is 0, any other is NaN, which a sum keeps.
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
