// RMSNorm over the hidden size by one workgroup (transformers Gemma3RMSNorm; the exported weights are factors, with the 1
// added). Needs SIZE and EPSILON.

const THREADS = 256u;
var<workgroup> sums: array<f32, THREADS>;

/** 1 / √(mean of squares + ε) of the workgroup. @param squares this thread's sum of squares */
fn inverse_root(thread: u32, squares: f32) -> f32 {
  sums[thread] = squares;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    if (thread < half) { sums[thread] += sums[thread + half]; }
    workgroupBarrier();
  }
  let mean = sums[0] / f32(SIZE);
  // The caller may use the sums again.
  workgroupBarrier();
  return inverseSqrt(mean + EPSILON);
}
