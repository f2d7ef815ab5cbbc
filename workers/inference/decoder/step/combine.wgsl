// Attention's parts put together: a workgroup for each query head.

struct Moment {
  position: u32,
}

@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read> stats: array<vec2f>;
@group(0) @binding(2) var<storage, read> moment: Moment;
@group(0) @binding(3) var<storage, read_write> attended: array<f32>;

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let s = span(moment.position);
  let count = (s.end - s.first + s.length - 1u) / s.length;
  let at = group.x * MOST_PARTS;
  var most = stats[at].x;
  for (var i = 1u; i < count; i++) { most = max(most, stats[at + i].x); }
  var weight = 0.0;
  for (var i = 0u; i < count; i++) { weight += stats[at + i].y * exp(stats[at + i].x - most); }
  for (var dim = thread; dim < DIM; dim += THREADS) {
    var sum = 0.0;
    for (var i = 0u; i < count; i++) { sum += parts[(at + i) * DIM + dim] * exp(stats[at + i].x - most); }
    attended[group.x * DIM + dim] = sum / weight;
  }
}
