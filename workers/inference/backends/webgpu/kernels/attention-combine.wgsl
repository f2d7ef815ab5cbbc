// Combines the parts of attention: a workgroup for each query head and token. Needs step-params.wgsl and SLOTS (parts of all
// tokens).

@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read> stats: array<vec2f>;
@group(0) @binding(2) var<storage, read> params: StepParams;
@group(0) @binding(3) var<storage, read_write> attention_out: array<f32>;
@group(0) @binding(4) var<uniform> layer: Layer;

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let count = params.count;
  let last = params.parts[layer.layer_type] * count;
  let at = group.x * SLOTS + group.y;
  var max_score = stats[at].x;
  for (var i = count; i < last; i += count) { max_score = max(max_score, stats[at + i].x); }
  var weight_sum = 0.0;
  for (var i = 0u; i < last; i += count) { weight_sum += stats[at + i].y * exp(stats[at + i].x - max_score); }
  for (var dim = thread; dim < DIM; dim += THREADS) {
    var sum = 0.0;
    for (var i = 0u; i < last; i += count) { sum += parts[(at + i) * DIM + dim] * exp(stats[at + i].x - max_score); }
    attention_out[(group.y * HEADS + group.x) * DIM + dim] = sum / weight_sum;
  }
}
