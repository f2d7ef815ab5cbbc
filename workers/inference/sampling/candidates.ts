/**
 * Choosing the best of a quarter of a million scores without sorting them all, and without allocating.
 * "Better" is a higher score, and among equals the lower id.
 */

const worse = (scores: Float32Array, a: number, b: number): boolean => {
  const x = scores[a] ?? 0;
  const y = scores[b] ?? 0;
  return x < y || (x === y && a > b);
};

/** Sorts the first `count` ids, best first. A heap sort: the heap's root is the worst. */
export function sortBest(ids: Int32Array, count: number, scores: Float32Array): void {
  for (let i = (count >> 1) - 1; i >= 0; i--) siftDown(ids, i, count, scores);
  for (let end = count - 1; end > 0; end--) {
    const worst = ids[0] ?? 0;
    ids[0] = ids[end] ?? 0;
    ids[end] = worst;
    siftDown(ids, 0, end, scores);
  }
}

function siftDown(ids: Int32Array, root: number, count: number, scores: Float32Array): void {
  const id = ids[root] ?? 0;
  let hole = root;
  for (let child = 2 * hole + 1; child < count; child = 2 * hole + 1) {
    if (child + 1 < count && worse(scores, ids[child + 1] ?? 0, ids[child] ?? 0)) child++;
    const down = ids[child] ?? 0;
    if (!worse(scores, down, id)) break;
    ids[hole] = down;
    hole = child;
  }
  ids[hole] = id;
}

/**
 * The `k`th highest score. One comparison for most scores: a heap holds the `k` highest so far.
 * @param heap room for `k` ids at least.
 */
export function kthScore(scores: Float32Array, k: number, heap: Int32Array): number {
  for (let id = 0; id < k; id++) heap[id] = id;
  for (let i = (k >> 1) - 1; i >= 0; i--) siftDown(heap, i, k, scores);
  let least = scores[heap[0] ?? 0] ?? 0;
  for (let id = k; id < scores.length; id++) {
    if ((scores[id] ?? 0) <= least) continue;
    heap[0] = id;
    siftDown(heap, 0, k, scores);
    least = scores[heap[0] ?? 0] ?? 0;
  }
  return least;
}

/** Writes the ids whose score is at least `least`, in order of id, and returns how many there are. */
export function atLeast(scores: Float32Array, least: number, ids: Int32Array): number {
  let count = 0;
  for (let id = 0; id < scores.length; id++) if ((scores[id] ?? 0) >= least) ids[count++] = id;
  return count;
}

/** Beyond this a weight is under 1e-17 of the best one's: all of a vocabulary's together hold nothing that shows. */
const FAR = 40;
const BINS = 1024;

/**
 * Where the probability lies, by distance from the best score: finds the few scores that hold most of it, so that only
 * those are sorted.
 */
export class Histogram {
  private readonly mass = new Float64Array(BINS);
  private width = 0;
  private best = 0;
  /** The sum of all weights, the best one's being 1. */
  total = 0;

  /** @param scale 1 / temperature. */
  measure(scores: Float32Array, best: number, scale: number): void {
    this.mass.fill(0);
    this.width = FAR / scale / BINS;
    this.best = best;
    this.total = 0;
    for (const score of scores) {
      const distance = best - score;
      if (distance * scale >= FAR) continue;
      const weight = Math.exp(-distance * scale);
      const bin = Math.min(BINS - 1, Math.floor(distance / this.width));
      this.mass[bin] = (this.mass[bin] ?? 0) + weight;
      this.total += weight;
    }
  }

  /** A score such that the ids scoring at least as much hold `share` of the probability, and a little more. */
  scoreHolding(share: number): number {
    let held = 0;
    for (let bin = 0; bin < BINS; bin++) {
      held += this.mass[bin] ?? 0;
      // A bin more than needed: sums in another order differ in their last bits.
      if (held >= share * this.total) return this.best - this.width * (bin + 2);
    }
    return -Infinity;
  }
}
