/**
 * Logits to the next token. The same filters in the same order as transformers' `GenerationMixin._get_logits_processor`
 * (generation/utils.py), with the meaning they have in generation/logits_process.py: repetition_penalty, and when
 * sampling temperature, top_k (ties with the kth stay), top_p, min_p.
 */
import { EngineError, type Sampling } from '../../../protocol/engine.ts';
import { atLeast, Histogram, kthScore, sortBest } from './candidates.ts';
import { type Random, seededRandom } from './random.ts';
import { checkSampling } from './settings.ts';

export { defaultSampling, mergeSampling } from './settings.ts';

/** One for each answer: its random numbers go on from token to token. */
export class Sampler {
  private readonly random: Random;
  // Reused from token to token; made at the first, when the vocabulary's size is known.
  private scores = new Float32Array(0);
  private ids = new Int32Array(0);
  private weights = new Float64Array(0);
  /** For each id, the number of the call that last penalised it. */
  private penalised = new Uint32Array(0);
  private calls = 0;
  private readonly histogram = new Histogram();

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
    const { temperature } = this.sampling;
    const scale = 1 / temperature;
    // Also for temperatures so low that their inverse is no number.
    return scale === Infinity ? best : this.draw(scores, scores[best] ?? 0, scale);
  }

  /** Once for each id, however often it is in `history`. */
  private penalise(logits: Float32Array, history: ArrayLike<number>): Float32Array {
    const { repetition_penalty: penalty } = this.sampling;
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

  private draw(scores: Float32Array, best: number, scale: number): number {
    const { top_k: topK, top_p: topP, min_p: minP } = this.sampling;
    if (this.ids.length !== scores.length) {
      this.ids = new Int32Array(scores.length);
      this.weights = new Float64Array(scores.length);
    }
    const { ids, weights } = this;
    const hasTopK = topK > 0 && topK < scores.length;
    let least = -Infinity;
    if (hasTopK) least = kthScore(scores, topK, ids);
    else if (topP < 1) {
      this.histogram.measure(scores, best, scale);
      least = this.histogram.scoreHolding(topP);
    }
    let count = atLeast(scores, least, ids);
    // Best first, as on the GPU: the same seed gives the same answer. The whole vocabulary is not worth sorting.
    if (topP < 1 || hasTopK) sortBest(ids, count, scores);
    let total = 0;
    for (let i = 0; i < count; i++) {
      const weight = Math.exp(((scores[ids[i] ?? 0] ?? 0) - best) * scale);
      weights[i] = weight;
      total += weight;
    }
    // Without top_k the candidates are not everything, but top_p is a share of everything.
    if (topP < 1) count = holding(weights, count, topP * (hasTopK ? total : this.histogram.total));
    // The best one's weight is 1, and min_p is a share of it.
    if (minP > 0) count = keepWeights(ids, weights, count, minP);
    return this.pick(count);
  }

  private pick(count: number): number {
    const { ids, weights } = this;
    let total = 0;
    for (let i = 0; i < count; i++) total += weights[i] ?? 0;
    let left = this.random() * total;
    let chosen = 0;
    for (let i = 0; i < count; i++) {
      const weight = weights[i] ?? 0;
      // Rounding may leave a crumb at the end: it goes to the last one that can be chosen.
      if (weight > 0) chosen = i;
      left -= weight;
      if (left < 0) break;
    }
    return ids[chosen] ?? 0;
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

/** How many of the first weights are needed to hold `mass`; at least one. */
function holding(weights: Float64Array, count: number, mass: number): number {
  let held = 0;
  for (let i = 0; i < count; i++) {
    held += weights[i] ?? 0;
    if (held >= mass) return i + 1;
  }
  return count;
}

/** Keeps the weights of `least` and more, and their ids; returns how many. */
function keepWeights(ids: Int32Array, weights: Float64Array, count: number, least: number): number {
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const weight = weights[i] ?? 0;
    if (weight < least) continue;
    ids[kept] = ids[i] ?? 0;
    weights[kept++] = weight;
  }
  return kept;
}
