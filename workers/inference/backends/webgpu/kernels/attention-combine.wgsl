// Attention's parts put together: a workgroup for each query head and token. Before this stand those of moment.wgsl and
// SLOTS (parts of all tokens).

@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read> stats: array<vec2f>;
@group(0) @binding(2) var<storage, read> moment: Moment;
@group(0) @binding(3) var<storage, read_write> attended: array<f32>;
@group(0) @binding(4) var<uniform> layer: Layer;

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let count = moment.count;
  let last = moment.parts[layer.kind] * count;
  let at = group.x * SLOTS + group.y;
  var most = stats[at].x;
  for (var i = count; i < last; i += count) { most = max(most, stats[at + i].x); }
  var weight = 0.0;
  for (var i = 0u; i < last; i += count) { weight += stats[at + i].y * exp(stats[at + i].x - most); }
  for (var dim = thread; dim < DIM; dim += THREADS) {
    var sum = 0.0;
    for (var i = 0u; i < last; i += count) { sum += parts[(at + i) * DIM + dim] * exp(stats[at + i].x - most); }
    attended[(group.y * HEADS + group.x) * DIM + dim] = sum / weight;
  }
}
