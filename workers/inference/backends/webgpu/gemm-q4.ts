/**
 * GEMM of a 4-bit matrix and many vectors: `out[token] = A x[token]`, or, as the second half of a gated MLP,
 * `out[token] = gelu(out[token]) * (A x[token])`. A thread holds sums of ROWS rows for GEMM_TOKENS tokens: a weight that it
 * unpacks serves all tokens, and a value of a vector that it reads serves all rows. LANES threads process a row's blocks side by
 * side; their sums are added at the end. The loops are unrolled here, since arrays that are indexed by a loop's counter may be
 * kept in memory instead of registers.
 *
 * The matrix's shape, and which of the two products it is, are a binding instead of constants, so that one compilation serves
 * all matrices. The source needs zero_a and gelu before it.
 */

/** Tokens that a thread holds sums of. Buffers of several tokens have room for a multiple of it. */
export const GEMM_TOKENS = 8;
const THREADS = 64;
const LANES = 4;
const ROWS = 4;
/** Rows that a workgroup computes. */
const ROWS_A_GROUP = (THREADS / LANES) * ROWS;

/** Where a product is written. */
export interface GemmOutput {
  /** Index of the first product in a token's row of `out`. */
  start: number;
  /** Values from one token's row of `out` to the next. */
  stride: number;
  /** True to multiply the gelu of the values in `out` instead of replacing them. */
  geglu: boolean;
}

/**
 * The uniform `shape`.
 * @param matrix number of rows and columns
 * @param output where the product is written
 * @returns the struct Shape
 */
export const gemmShape = (matrix: { rows: number; columns: number }, { start, stride, geglu }: GemmOutput) =>
  Uint32Array.of(matrix.columns / 32, matrix.rows, start, stride, Number(geglu));

/**
 * Workgroups for a matrix.
 * @param rows rows of the matrix
 * @returns number of workgroups in x
 */
export const gemmGroups = (rows: number): number => Math.ceil(rows / ROWS_A_GROUP);

const times = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');
const list = (count: number, item: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => item(i)).join(', ');

const shift = (from: number) => `vec4u(${list(4, (i) => `${from + 4 * i}u`)})`;
/** Four weights of each row, from bit `from` of its word on, as a matrix whose product with x is the four rows' products. */
const quads = (from: number) => `mat4x4f(${list(ROWS, (r) => `quad(w${r}, ${shift(from)}, zero${r}, scale${r})`)})`;

const HALF = GEMM_TOKENS / 2;
/** Adds up the lanes' sums for half of the tokens. */
const halfTotal = (half: number) => `
${times(HALF, (t) => `  sums[${t * THREADS}u + thread] = sum${half * HALF + t};`)}
  workgroupBarrier();
  for (var t = 0u; t < ${HALF}u && row < shape.rows; t++) {
    var sum = 0.0;
    for (var l = 0u; l < ${LANES}u; l++) { sum += sums[t * ${THREADS}u + thread / ${ROWS}u * ${LANES}u + l][thread % ${ROWS}u]; }
    let at = (token + ${half * HALF}u + t) * shape.stride + shape.start + row;
    if (shape.gated > 0u) { sum *= gelu(out[at]); }
    out[at] = sum;
  }
  workgroupBarrier();`;

/** WGSL of the kernel. */
export const gemmSource = `
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<storage, read> a: array<u32>;
@group(0) @binding(3) var<storage, read> a_scales: array<f32>;
@group(0) @binding(4) var<uniform> shape: Shape;

struct Shape {
  /** Blocks in a row. */
  blocks: u32,
  rows: u32,
  /** Index of the first product in a token's row of out. */
  start: u32,
  /** Values from one token's row of out to the next. */
  stride: u32,
  gated: u32,
}
var<workgroup> sums: array<vec4f, ${THREADS * HALF}>;

fn quad(word: u32, shift: vec4u, zero: f32, scale: f32) -> vec4f {
  return (vec4f((vec4u(word) >> shift) & vec4u(15u)) - zero) * scale;
}

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % ${LANES}u;
  let first = group.x * ${ROWS_A_GROUP}u;
  let mine = first + thread / ${LANES}u * ${ROWS}u;
  let token = group.y * ${GEMM_TOKENS}u;
${times(ROWS, (r) => `  let row${r} = min(mine + ${r}u, shape.rows - 1u);`)}
${times(GEMM_TOKENS, (t) => `  var sum${t} = vec4f();`)}
  for (var block = lane; block < shape.blocks; block += ${LANES}u) {
${times(ROWS, (r) => `    let at${r} = row${r} * shape.blocks + block; let scale${r} = a_scales[at${r}]; let zero${r} = zero_a(row${r}, block);`)}
    // Eight weights of each row at a time.
    for (var word = 0u; word < 4u; word++) {
${times(ROWS, (r) => `      let w${r} = a[at${r} * 4u + word];`)}
      let low = ${quads(0)};
      let high = ${quads(16)};
      let x0 = (token * shape.blocks + block) * 8u + word * 2u;
${times(GEMM_TOKENS, (t) => `      sum${t} += x[x0 + ${8 * t}u * shape.blocks] * low + x[x0 + ${8 * t}u * shape.blocks + 1u] * high;`)}
    }
  }
  // One thread for each row, half of the tokens at a time: software adapters compile large workgroup memory slowly.
  let row = first + thread;
${times(2, halfTotal)}
}
`;
