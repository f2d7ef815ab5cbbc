/** The kth highest of a quarter of a million scores, without sorting them and without allocating. */

/** Restores the heap order below `root`: each id's score is at most those of its children. */
function siftDown(ids: Int32Array, root: number, count: number, scores: Float32Array): void {
  const id = ids[root] ?? 0;
  const score = scores[id] ?? 0;
  let hole = root;
  for (let child = 2 * hole + 1; child < count; child = 2 * hole + 1) {
    if (child + 1 < count && (scores[ids[child + 1] ?? 0] ?? 0) < (scores[ids[child] ?? 0] ?? 0)) child++;
    const down = ids[child] ?? 0;
    if ((scores[down] ?? 0) >= score) break;
    ids[hole] = down;
    hole = child;
  }
  ids[hole] = id;
}

/**
 * Finds the `k`th highest score. A heap holds the `k` highest so far with the least at its root, so that most scores take one
 * comparison.
 * @param scores at least `k`, finite.
 * @param k at least 1.
 * @param heap scratch memory for at least `k` ids.
 * @returns the score; of equal scores each counts.
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
