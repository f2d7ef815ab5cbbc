// A token's embedding, a row of the 4-bit table times √hidden, and its norm for the first layer.
@group(0) @binding(0) var<storage, read> token: array<u32>;
@group(0) @binding(1) var<storage, read> values: array<u32>;
@group(0) @binding(2) var<storage, read> scales: array<f32>;
@group(0) @binding(3) var<storage, read_write> x: array<f32>;
@group(0) @binding(4) var<storage, read> next_weight: array<f32>;
@group(0) @binding(5) var<storage, read_write> next: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32) {
  // No token is past the table; what a sampler that failed leaves behind must not be read from.
  let row = min(token[0], VOCABULARY - 1u);
  var squares = 0.0;
  for (var i = thread; i < SIZE; i += THREADS) {
    let word = values[(row * SIZE + i) / 8u];
    let weight = f32((word >> (i % 8u * 4u)) & 15u) - zero_a(row, i / 32u);
    let value = weight * scales[(row * SIZE + i) / 32u] * FACTOR;
    x[i] = value;
    squares += value * value;
  }
  let then = inverse_root(thread, squares);
  for (var i = thread; i < SIZE; i += THREADS) { next[i] = x[i] * then * next_weight[i]; }
}
