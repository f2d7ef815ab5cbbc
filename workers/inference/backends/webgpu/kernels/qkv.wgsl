// For symmetric matrices only: with zero points there would be more bindings than some GPUs have.
@group(0) @binding(2) var<storage, read> a: array<vec4u>;
@group(0) @binding(3) var<storage, read> a_scales: array<f32>;
@group(0) @binding(4) var<storage, read> b: array<vec4u>;
@group(0) @binding(5) var<storage, read> b_scales: array<f32>;
@group(0) @binding(6) var<storage, read> c: array<vec4u>;
@group(0) @binding(7) var<storage, read> c_scales: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % LANES;
  let team = thread / LANES * ROWS;
  let first = group.x * ROWS_A_GROUP;
  var sum: array<f32, ROWS>;
  for (var block = lane; block < BLOCKS; block += LANES) {
    let s = slice(block);
    for (var r = 0u; r < ROWS; r++) {
      let row = min(first + team + r, N + N_B + N_C - 1u);
      if (row < N) {
        let at = row * BLOCKS + block;
        sum[r] += a_scales[at] * times(a[at], 8.0, s);
      } else if (row < N + N_B) {
        let at = (row - N) * BLOCKS + block;
        sum[r] += b_scales[at] * times(b[at], 8.0, s);
      } else {
        let at = (row - N - N_B) * BLOCKS + block;
        sum[r] += c_scales[at] * times(c[at], 8.0, s);
      }
    }
  }
  for (var r = 0u; r < ROWS; r++) { sums[(team + r) * LANES + lane] = sum[r]; }
  workgroupBarrier();
  if (thread < ROWS_A_GROUP && first + thread < N + N_B + N_C) { out[first + thread] = total(thread); }
}
