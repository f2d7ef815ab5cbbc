// Adds a branch to the residual stream, x += norm(branch), and normalises it for the next branch: a workgroup for each token.
// Needs rms-norm.wgsl.
@group(0) @binding(0) var<storage, read> branch: array<f32>;
@group(0) @binding(1) var<storage, read> branch_weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;
@group(0) @binding(3) var<storage, read> next_weight: array<f32>;
@group(0) @binding(4) var<storage, read_write> next: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let base = group.x * SIZE;
  var squares = 0.0;
  for (var i = thread; i < SIZE; i += THREADS) { squares += branch[base + i] * branch[base + i]; }
  let branch_inv_rms = inverse_root(thread, squares);
  squares = 0.0;
  for (var i = thread; i < SIZE; i += THREADS) {
    let sum = x[base + i] + branch[base + i] * branch_inv_rms * branch_weight[i];
    x[base + i] = sum;
    squares += sum * sum;
  }
  let inv_rms = inverse_root(thread, squares);
  for (var i = thread; i < SIZE; i += THREADS) { next[base + i] = x[base + i] * inv_rms * next_weight[i]; }
}
