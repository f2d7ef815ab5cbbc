// Embeds tokens, as rows of the 4-bit table times √hidden, and normalises them for the first layer: a workgroup for each
// token. If the id is NO_TOKEN_ID, the row is in x already, as a picture's features are. Needs rms-norm.wgsl, zero_a, VOCABULARY,
// BLOCKS, FACTOR and NO_TOKEN_ID.
@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read> values: array<u32>;
@group(0) @binding(2) var<storage, read> scales: array<f32>;
@group(0) @binding(3) var<storage, read_write> x: array<f32>;
@group(0) @binding(4) var<storage, read> next_weight: array<f32>;
@group(0) @binding(5) var<storage, read_write> next: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let id = ids[group.x];
  let base = group.x * SIZE;
  // A sampler that failed may leave any id behind: the row is clamped to the table.
  let row = min(id, VOCABULARY - 1u);
  var squares = 0.0;
  for (var i = thread; i < SIZE; i += THREADS) {
    let word = values[(row * SIZE + i) / 8u];
    let weight = f32((word >> (i % 8u * 4u)) & 15u) - zero_a(row, i / 32u);
    let value = select(weight * scales[(row * SIZE + i) / 32u] * FACTOR, x[base + i], id == NO_TOKEN_ID);
    x[base + i] = value;
    squares += value * value;
  }
  let inv_rms = inverse_root(thread, squares);
  for (var i = thread; i < SIZE; i += THREADS) { next[base + i] = x[base + i] * inv_rms * next_weight[i]; }
}
