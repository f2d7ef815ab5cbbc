@group(0) @binding(2) var<storage, read> a: array<vec4u>;
@group(0) @binding(3) var<storage, read> a_scales: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % LANES;
  let team = thread / LANES * ROWS;
  let first = group.x * ROWS_A_GROUP;
  var sum: array<f32, ROWS>;
  for (var block = lane; block < BLOCKS; block += LANES) {
    let s = slice(block);
    for (var r = 0u; r < ROWS; r++) {
      let row = min(first + team + r, N - 1u);
      let at = row * BLOCKS + block;
      sum[r] += a_scales[at] * times(a[at], zero_a(row, block), s);
    }
  }
  for (var r = 0u; r < ROWS; r++) { sums[(team + r) * LANES + lane] = sum[r]; }
  workgroupBarrier();
  if (thread < ROWS_A_GROUP && first + thread < N) { out[START + first + thread] = total(thread); }
}
