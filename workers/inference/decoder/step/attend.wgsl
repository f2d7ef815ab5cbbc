// Attention of one new token over a part of the cache, for all query heads that share a key head: a workgroup for each key
// head and part. Softmax as the tokens come, TILE at a time. Out: sums of values, not yet divided, and of each the
// largest score and the sum of weights.

struct Moment {
  position: u32,
}

@group(0) @binding(0) var<storage, read> queries: array<vec4f>;
@group(0) @binding(1) var<storage, read> keys: array<vec4f>;
@group(0) @binding(2) var<storage, read> cached: array<f32>;
@group(0) @binding(3) var<storage, read> moment: Moment;
@group(0) @binding(4) var<storage, read_write> parts: array<f32>;
@group(0) @binding(5) var<storage, read_write> stats: array<vec2f>;

const THREADS = 128u;
const GROUP = HEADS / KV_HEADS;
const LANES = THREADS / TILE;
const QUADS = DIM / 4u;
const DIMS_A_THREAD = (DIM + THREADS - 1u) / THREADS;
const LEAST = -3.0e38;

var<workgroup> shares: array<f32, THREADS * GROUP>;
var<workgroup> scores: array<f32, TILE * GROUP>;
// Of each query head: the largest score so far, the sum of weights, and what older sums are worth.
var<workgroup> most: array<f32, GROUP>;
var<workgroup> weight: array<f32, GROUP>;
var<workgroup> keep: array<f32, GROUP>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let kv = group.x;
  let s = span(moment.position);
  let begin = s.first + group.y * s.length;
  let end = min(begin + s.length, s.end);
  let rows = kv * CAPACITY;
  var sums: array<f32, GROUP * DIMS_A_THREAD>;
  if (thread < GROUP) {
    most[thread] = LEAST;
    weight[thread] = 0.0;
  }

  for (var tile = begin; tile < end; tile += TILE) {
    let key = tile + thread / LANES;
    let lane = thread % LANES;
    // With its value: not every compiler makes it zero again in each round.
    var share = array<f32, GROUP>();
    if (key < end) {
      for (var i = lane; i < QUADS; i += LANES) {
        let k = keys[(rows + key) * QUADS + i];
        for (var g = 0u; g < GROUP; g++) { share[g] += dot(k, queries[(kv * GROUP + g) * QUADS + i]); }
      }
    }
    for (var g = 0u; g < GROUP; g++) { shares[g * THREADS + thread] = share[g]; }
    workgroupBarrier();
    for (var i = thread; i < TILE * GROUP; i += THREADS) {
      let at = i / TILE * THREADS + i % TILE * LANES;
      var score = 0.0;
      for (var l = 0u; l < LANES; l++) { score += shares[at + l]; }
      scores[i] = select(LEAST, score, tile + i % TILE < end);
    }
    workgroupBarrier();
    if (thread < GROUP) {
      var high = most[thread];
      for (var i = 0u; i < TILE; i++) { high = max(high, scores[thread * TILE + i]); }
      keep[thread] = exp(most[thread] - high);
      most[thread] = high;
    }
    workgroupBarrier();
    for (var i = thread; i < TILE * GROUP; i += THREADS) {
      scores[i] = select(0.0, exp(scores[i] - most[i / TILE]), tile + i % TILE < end);
    }
    workgroupBarrier();
    if (thread < GROUP) {
      var sum = weight[thread] * keep[thread];
      for (var i = 0u; i < TILE; i++) { sum += scores[thread * TILE + i]; }
      weight[thread] = sum;
    }
    let count = min(TILE, end - tile);
    for (var j = 0u; j < DIMS_A_THREAD; j++) {
      let dim = j * THREADS + thread;
      if (dim >= DIM) { break; }
      for (var g = 0u; g < GROUP; g++) { sums[g * DIMS_A_THREAD + j] *= keep[g]; }
      for (var i = 0u; i < count; i++) {
        let v = cached[(rows + tile + i) * DIM + dim];
        for (var g = 0u; g < GROUP; g++) { sums[g * DIMS_A_THREAD + j] += scores[g * TILE + i] * v; }
      }
    }
    // Scores and what is kept are written anew.
    workgroupBarrier();
  }

  for (var g = 0u; g < GROUP; g++) {
    let at = (kv * GROUP + g) * MOST_PARTS + group.y;
    for (var j = 0u; j < DIMS_A_THREAD; j++) {
      let dim = j * THREADS + thread;
      if (dim < DIM) { parts[at * DIM + dim] = sums[g * DIMS_A_THREAD + j]; }
    }
    if (thread == 0u) { stats[at] = vec2f(most[g], weight[g]); }
  }
}
