// Queries and keys: RMSNorm of each head, then RoPE (rotate_half). New keys and values are written to the cache. A workgroup
// for each head (of queries, keys and values) and token. Needs step-params.wgsl, EPSILON, and SCALE (of attention's scores).

@group(0) @binding(0) var<storage, read> projected: array<f32>;
@group(0) @binding(1) var<storage, read> q_weight: array<f32>;
@group(0) @binding(2) var<storage, read> k_weight: array<f32>;
@group(0) @binding(3) var<storage, read> params: StepParams;
@group(0) @binding(4) var<storage, read_write> queries: array<f32>;
@group(0) @binding(5) var<storage, read_write> keys: array<f32>;
@group(0) @binding(6) var<storage, read_write> cached: array<f32>;
@group(0) @binding(7) var<uniform> layer: Layer;

const THREADS = 64u;
const HALF = DIM / 2u;
var<workgroup> sums: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let head = group.x;
  let token = group.y;
  let rows = params.rows[layer.layer_type];
  let base = (token * (HEADS + 2u * KV_HEADS) + head) * DIM;
  let row = (params.position + token) % rows;
  if (head >= HEADS + KV_HEADS) {
    let to = ((head - HEADS - KV_HEADS) * rows + row) * DIM;
    for (var i = thread; i < DIM; i += THREADS) { cached[to + i] = projected[base + i]; }
    return;
  }
  var squares = 0.0;
  for (var i = thread; i < DIM; i += THREADS) { squares += projected[base + i] * projected[base + i]; }
  sums[thread] = squares;
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i < THREADS; i++) { sum += sums[i]; }
  let by = inverseSqrt(sum / f32(DIM) + EPSILON);
  let query = (token * HEADS + head) * DIM;
  let to = ((head - HEADS) * rows + row) * DIM;
  let table = token * RECORD + 1u + layer.layer_type * HALF;
  for (var i = thread; i < HALF; i += THREADS) {
    let rotation = bitcast<vec2f>(params.tokens[table + i]);
    var a = projected[base + i] * by;
    var b = projected[base + HALF + i] * by;
    if (head < HEADS) {
      a *= q_weight[i];
      b *= q_weight[HALF + i];
      queries[query + i] = SCALE * (a * rotation.x - b * rotation.y);
      queries[query + HALF + i] = SCALE * (b * rotation.x + a * rotation.y);
    } else {
      a *= k_weight[i];
      b *= k_weight[HALF + i];
      keys[to + i] = a * rotation.x - b * rotation.y;
      keys[to + HALF + i] = b * rotation.x + a * rotation.y;
    }
  }
}
