// Attention of new tokens to one partition of the KV cache: a workgroup for each key head, partition and QUERIES tokens, for all
// query heads that share the key head. Softmax is computed online, TILE keys at a time. Output for each query: the weighted sum of values,
// not yet divided, with its largest score and sum of weights. Needs step-params.wgsl, TILE, SLOTS (parts of all tokens) and
// QUERIES.

@group(0) @binding(0) var<storage, read> queries: array<vec4f>;
@group(0) @binding(1) var<storage, read> keys: array<vec4f>;
@group(0) @binding(2) var<storage, read> values: array<f32>;
@group(0) @binding(3) var<storage, read> params: StepParams;
@group(0) @binding(4) var<storage, read_write> parts: array<f32>;
@group(0) @binding(5) var<storage, read_write> stats: array<vec2f>;
@group(0) @binding(6) var<uniform> layer: Layer;

const THREADS = 128u;
const GROUP = HEADS / KV_HEADS;
// A query is a token's query of one head; the queries of a token are neighbours.
const QUERY_ROWS = GROUP * QUERIES;
const LANES = THREADS / TILE;
const QUADS = DIM / 4u;
const DIMS_A_THREAD = (DIM + THREADS - 1u) / THREADS;
const MIN_SCORE = -3.0e38;

var<workgroup> partial_scores: array<f32, THREADS * QUERY_ROWS>;
var<workgroup> scores: array<f32, TILE * QUERY_ROWS>;
// For each query: the largest score so far, the sum of weights, the factor for older sums, and the keys that it sees.
var<workgroup> max_score: array<f32, QUERY_ROWS>;
var<workgroup> weight_sum: array<f32, QUERY_ROWS>;
var<workgroup> rescale: array<f32, QUERY_ROWS>;
var<workgroup> first: array<u32, QUERY_ROWS>;
var<workgroup> end: array<u32, QUERY_ROWS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let kv = group.x;
  let token = group.z * QUERIES;
  let count = params.count;
  let rows = params.rows[layer.layer_type];
  let window = params.windows[layer.layer_type];
  let begin = first_of(params.position, window, token) + group.y * params.lengths[layer.layer_type];
  var until = 0u;
  for (var q = 0u; q < QUERIES; q++) {
    if (token + q < count) { until = max(until, params.tokens[(token + q) * RECORD].x); }
  }
  until = min(until, begin + params.lengths[layer.layer_type]);
  let head = kv * rows;
  var sums: array<f32, QUERY_ROWS * DIMS_A_THREAD>;
  if (thread < QUERY_ROWS) {
    let own = token + thread / GROUP;
    max_score[thread] = MIN_SCORE;
    weight_sum[thread] = 0.0;
    first[thread] = first_of(params.position, window, own);
    end[thread] = select(0u, params.tokens[min(own, count - 1u) * RECORD].x, own < count);
  }
  workgroupBarrier();

  for (var tile = begin; tile < until; tile += TILE) {
    let key = tile + thread / LANES;
    let lane = thread % LANES;
    // The initialiser is needed: not every compiler zeroes the variable again in each iteration.
    var lane_scores = array<f32, QUERY_ROWS>();
    if (key < until) {
      let row = (head + key % rows) * QUADS;
      for (var i = lane; i < QUADS; i += LANES) {
        let k = keys[row + i];
        for (var q = 0u; q < QUERIES; q++) {
          let at = ((token + q) * HEADS + kv * GROUP) * QUADS + i;
          for (var g = 0u; g < GROUP; g++) { lane_scores[q * GROUP + g] += dot(k, queries[at + g * QUADS]); }
        }
      }
    }
    for (var g = 0u; g < QUERY_ROWS; g++) { partial_scores[g * THREADS + thread] = lane_scores[g]; }
    workgroupBarrier();
    for (var i = thread; i < TILE * QUERY_ROWS; i += THREADS) {
      let at = i / TILE * THREADS + i % TILE * LANES;
      var score = 0.0;
      for (var l = 0u; l < LANES; l++) { score += partial_scores[at + l]; }
      let seen = tile + i % TILE;
      scores[i] = select(MIN_SCORE, score, seen >= first[i / TILE] && seen < min(end[i / TILE], until));
    }
    workgroupBarrier();
    if (thread < QUERY_ROWS) {
      var high = max_score[thread];
      for (var i = 0u; i < TILE; i++) { high = max(high, scores[thread * TILE + i]); }
      rescale[thread] = exp(max_score[thread] - high);
      max_score[thread] = high;
    }
    workgroupBarrier();
    for (var i = thread; i < TILE * QUERY_ROWS; i += THREADS) {
      let score = scores[i];
      scores[i] = select(exp(score - max_score[i / TILE]), 0.0, score == MIN_SCORE);
    }
    workgroupBarrier();
    if (thread < QUERY_ROWS) {
      var sum = weight_sum[thread] * rescale[thread];
      for (var i = 0u; i < TILE; i++) { sum += scores[thread * TILE + i]; }
      weight_sum[thread] = sum;
    }
    let tokens = min(TILE, until - tile);
    for (var j = 0u; j < DIMS_A_THREAD; j++) {
      let dim = j * THREADS + thread;
      if (dim >= DIM) { break; }
      for (var g = 0u; g < QUERY_ROWS; g++) { sums[g * DIMS_A_THREAD + j] *= rescale[g]; }
      for (var i = 0u; i < tokens; i++) {
        let v = values[(head + (tile + i) % rows) * DIM + dim];
        for (var g = 0u; g < QUERY_ROWS; g++) { sums[g * DIMS_A_THREAD + j] += scores[g * TILE + i] * v; }
      }
    }
    // The next iteration overwrites scores and factors.
    workgroupBarrier();
  }

  for (var g = 0u; g < QUERY_ROWS; g++) {
    let own = token + g / GROUP;
    if (own >= count) { break; }
    let at = (kv * GROUP + g % GROUP) * SLOTS + group.y * count + own;
    for (var j = 0u; j < DIMS_A_THREAD; j++) {
      let dim = j * THREADS + thread;
      if (dim < DIM) { parts[at * DIM + dim] = sums[g * DIMS_A_THREAD + j]; }
    }
    if (thread == 0u) { stats[at] = vec2f(max_score[g], weight_sum[g]); }
  }
}
