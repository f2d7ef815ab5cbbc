// RMSNorm over the hidden size by one workgroup (transformers Gemma3RMSNorm, with weights that are factors already).
// Before this stand: SIZE, EPSILON, and for the embedding VOCABULARY, BLOCKS, FACTOR and NO_TOKEN_ID.

const THREADS = 256u;
var<workgroup> sums: array<f32, THREADS>;

/** 1 / √(mean of squares + ε), of what all threads' squares add up to. */
fn inverse_root(thread: u32, squares: f32) -> f32 {
  sums[thread] = squares;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (thread < half) { sums[thread] += sums[thread + half]; }
    workgroupBarrier();
  }
  let mean = sums[0] / f32(SIZE);
  // The sums are used again.
  workgroupBarrier();
  return inverseSqrt(mean + EPSILON);
}
