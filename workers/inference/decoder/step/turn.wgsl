// Queries and keys: each head's RMSNorm, turned by the position (rotate_half); new keys and values go into the cache.
// One workgroup a head: queries, keys, values. Before this stand: DIM, HEADS, KV_HEADS, CAPACITY, EPSILON, SCALE (of
// attention's scores), ROPE (which of the two tables).

struct Moment {
  position: u32,
  // Tables of DIM / 2 pairs (cosine, sine): of sliding layers, of full ones.
  @align(16) turns: array<vec2f>,
}

@group(0) @binding(0) var<storage, read> projected: array<f32>;
@group(0) @binding(1) var<storage, read> q_weight: array<f32>;
@group(0) @binding(2) var<storage, read> k_weight: array<f32>;
@group(0) @binding(3) var<storage, read> moment: Moment;
@group(0) @binding(4) var<storage, read_write> queries: array<f32>;
@group(0) @binding(5) var<storage, read_write> keys: array<f32>;
@group(0) @binding(6) var<storage, read_write> cached: array<f32>;

const THREADS = 64u;
const HALF = DIM / 2u;
var<workgroup> sums: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let head = group.x;
  let base = head * DIM;
  if (head >= HEADS + KV_HEADS) {
    let to = ((head - HEADS - KV_HEADS) * CAPACITY + moment.position) * DIM;
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
  let to = ((head - HEADS) * CAPACITY + moment.position) * DIM;
  for (var i = thread; i < HALF; i += THREADS) {
    let turn = moment.turns[ROPE * HALF + i];
    var a = projected[base + i] * by;
    var b = projected[base + HALF + i] * by;
    if (head < HEADS) {
      a *= q_weight[i];
      b *= q_weight[HALF + i];
      queries[base + i] = SCALE * (a * turn.x - b * turn.y);
      queries[base + HALF + i] = SCALE * (b * turn.x + a * turn.y);
    } else {
      a *= k_weight[i];
      b *= k_weight[HALF + i];
      keys[to + i] = a * turn.x - b * turn.y;
      keys[to + HALF + i] = b * turn.x + a * turn.y;
    }
  }
}
