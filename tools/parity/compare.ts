/** @file Differences of two sets of logits. */

/** @returns the largest |a − b|; NaN or a different length counts as infinitely far. */
export function maxAbsDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] ?? NaN) - (b[i] ?? NaN));
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
  }
  return worst;
}

function logSoftmax(row: Float32Array): Float64Array {
  let top = -Infinity;
  for (const x of row) top = Math.max(top, x);
  let sum = 0;
  for (const x of row) sum += Math.exp(x - top);
  const shift = top + Math.log(sum);
  return Float64Array.from(row, (x) => x - shift);
}

/**
 * @returns the mean over positions of KL(softmax(reference) ‖ softmax(other)), in nats; both [positions, vocabSize].
 */
export function meanKl(reference: Float32Array, other: Float32Array, vocabSize: number): number {
  let total = 0;
  for (let at = 0; at < reference.length; at += vocabSize) {
    const p = logSoftmax(reference.subarray(at, at + vocabSize));
    const q = logSoftmax(other.subarray(at, at + vocabSize));
    for (let i = 0; i < vocabSize; i++) total += Math.exp(p[i] ?? 0) * ((p[i] ?? 0) - (q[i] ?? 0));
  }
  return total / (reference.length / vocabSize);
}
