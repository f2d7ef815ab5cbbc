// GEMV of a 4-bit matrix. A block is 32 weights, 16 bytes. LANES threads process a row's blocks side by side, each for ROWS rows
// at a time, so that the values of the vector that it reads serve them all. The lanes' sums are added at the end.
//
// Needs COLUMNS, LANES, ROWS and N (rows), and is followed by one of:
//   gemv-q4-plain  out = A x, from START on
//   qkv            out = A x, B x and C x, one after another, of N, N_B and N_C rows
//   geglu          out = gelu(A x) * (B x), both of N rows

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

const THREADS = 64u;
const BLOCKS = COLUMNS / 32u;
const ROWS_A_GROUP = THREADS / LANES * ROWS;

/** Dot product of eight weights (0 to 15) and the vector's values with even and with odd indices. */
fn eight(word: u32, even: vec4f, odd: vec4f) -> f32 {
  let low = vec4f((vec4u(word) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(15u));
  let high = vec4f((vec4u(word) >> vec4u(4u, 12u, 20u, 28u)) & vec4u(15u));
  return dot(low, even) + dot(high, odd);
}

/** The part of the vector that a block is multiplied by. */
struct Slice {
  even0: vec4f, odd0: vec4f, even1: vec4f, odd1: vec4f,
  even2: vec4f, odd2: vec4f, even3: vec4f, odd3: vec4f,
  sum: f32,
}

fn slice(block: u32) -> Slice {
  let at = block * 8u;
  let a = x[at]; let b = x[at + 1u]; let c = x[at + 2u]; let d = x[at + 3u];
  let e = x[at + 4u]; let f = x[at + 5u]; let g = x[at + 6u]; let h = x[at + 7u];
  return Slice(
    vec4f(a.xz, b.xz), vec4f(a.yw, b.yw), vec4f(c.xz, d.xz), vec4f(c.yw, d.yw),
    vec4f(e.xz, f.xz), vec4f(e.yw, f.yw), vec4f(g.xz, h.xz), vec4f(g.yw, h.yw),
    dot(a + b + c + d + e + f + g + h, vec4f(1.0)),
  );
}

/** Dot product of a block of weights with zero point `zero` and a part of the vector. */
fn times(weights: vec4u, zero: f32, s: Slice) -> f32 {
  return eight(weights.x, s.even0, s.odd0) + eight(weights.y, s.even1, s.odd1)
       + eight(weights.z, s.even2, s.odd2) + eight(weights.w, s.even3, s.odd3) - zero * s.sum;
}

var<workgroup> sums: array<f32, ROWS_A_GROUP * LANES>;

/** Sum of all lanes of a row. */
fn total(row: u32) -> f32 {
  var sum = 0.0;
  for (var lane = 0u; lane < LANES; lane++) { sum += sums[row * LANES + lane]; }
  return sum;
}
