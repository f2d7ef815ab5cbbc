@group(0) @binding(2) var<storage, read> a: array<vec4u>;
@group(0) @binding(3) var<storage, read> a_scales: array<f32>;
@group(0) @binding(4) var<storage, read> b: array<vec4u>;
@group(0) @binding(5) var<storage, read> b_scales: array<f32>;

var<workgroup> up_sums: array<f32, ROWS_A_GROUP * LANES>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % LANES;
  let team = thread / LANES * ROWS;
  let first = group.x * ROWS_A_GROUP;
  var gate: array<f32, ROWS>;
  var up: array<f32, ROWS>;
  for (var block = lane; block < BLOCKS; block += LANES) {
    let s = slice(block);
    for (var r = 0u; r < ROWS; r++) {
      let row = min(first + team + r, N - 1u);
      let at = row * BLOCKS + block;
      gate[r] += a_scales[at] * times(a[at], zero_a(row, block), s);
      up[r] += b_scales[at] * times(b[at], zero_b(row, block), s);
    }
  }
  for (var r = 0u; r < ROWS; r++) {
    sums[(team + r) * LANES + lane] = gate[r];
    up_sums[(team + r) * LANES + lane] = up[r];
  }
  workgroupBarrier();
  if (thread < ROWS_A_GROUP && first + thread < N) {
    var by = 0.0;
    for (var l = 0u; l < LANES; l++) { by += up_sums[thread * LANES + l]; }
    out[first + thread] = gelu(total(thread)) * by;
  }
}
