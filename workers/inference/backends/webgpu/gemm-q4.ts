/**
 * A 4-bit matrix times many vectors: `out[token] = A x[token]`, or, as the second half of a gated MLP,
 * `out[token] = gelu(out[token]) * (A x[token])`. A thread holds sums of four rows for TOKENS tokens: weights that it unpacks
 * serve all tokens, and what it reads of a vector serves four rows. LANES threads go through a row's blocks side by side;
 * what they summed is added at the end. Written out, since arrays that are looked up by a loop's counter may end up in
 * memory.
 *
 * The matrix's shape, and which of the two it is, are a binding and no constants, so that one compilation serves all
 * matrices. Before the source stand zero_a and gelu.
 */

/** Tokens a thread holds sums of; buffers of many tokens have room for a multiple of it. */
export const GEMM_TOKENS = 8;
const THREADS = 64;
const LANES = 4;
const ROWS = 4;
/** Rows of a workgroup. */
const ROWS_A_GROUP = (THREADS / LANES) * ROWS;

/** How a matrix's products are written. */
export interface GemmOutput {
  /** In a token's row of `out`: where the products begin, and from one token's row to the next. */
  start: number;
  stride: number;
  /** Whether they multiply what is there, after its gelu. */
  geglu: boolean;
}

/** What `shape` is given. */
export const gemmShape = (matrix: { rows: number; columns: number }, { start, stride, geglu }: GemmOutput) =>
  Uint32Array.of(matrix.columns / 32, matrix.rows, start, stride, Number(geglu));

export const gemmGroups = (rows: number): number => Math.ceil(rows / ROWS_A_GROUP);

const times = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');
const list = (count: number, item: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => item(i)).join(', ');

const shift = (from: number) => `vec4u(${list(4, (i) => `${from + 4 * i}u`)})`;
/** Four of each row's weights, from bit `from` of its word on: x * it are the four rows' products. */
const quads = (from: number) => `mat4x4f(${list(ROWS, (r) => `quad(w${r}, ${shift(from)}, zero${r}, scale${r})`)})`;

const HALF = GEMM_TOKENS / 2;
/** Adds up what the lanes summed for half of the tokens. */
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

export const gemmSource = `
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<storage, read> a: array<u32>;
@group(0) @binding(3) var<storage, read> a_scales: array<f32>;
@group(0) @binding(4) var<uniform> shape: Shape;

struct Shape {
  /** In a row. */
  blocks: u32,
  rows: u32,
  /** In a token's row of out: where this product begins, and from one token's to the next. */
  start: u32,
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
  // A thread for each row. Half of the tokens at a time: memory of a workgroup is slow to compile on software adapters.
  let row = first + thread;
${times(2, halfTotal)}
}
`;
