/** What ../memory-plan.ts writes into memory, in its order: every field takes four bytes. */

/** A 4-bit matrix in blocks of 32 columns. */
@unmanaged
export class Matrix {
  /** [rows, blocks, 16], the lower half of a byte first. */
  values: usize;
  /** float32 [rows, blocks] */
  scales: usize;
  /** [rows, ⌈blocks / 2⌉], the lower half of a byte first; 0: 8 stands for 0 everywhere. */
  zeros: usize;
  rows: i32;
  blocks: i32;
}

@unmanaged
export class Layer {
  /** float32 [kvHeads, rows, headDim]: the token at a position stands in the row of that number modulo the rows. */
  keys: usize;
  values: usize;
  /** Of a ring a multiple of PART, so that no part of the past goes round. */
  rows: i32;
  /** Tokens that a query sees, itself included; 0: all. */
  window: i32;
  /** Bytes from a token's RoPE tables to this layer's table. */
  rope: usize;
  inputNorm: usize;
  qNorm: usize;
  kNorm: usize;
  postAttentionNorm: usize;
  preFeedforwardNorm: usize;
  postFeedforwardNorm: usize;
  q: Matrix;
  k: Matrix;
  v: Matrix;
  out: Matrix;
  gate: Matrix;
  up: Matrix;
  down: Matrix;
}

@unmanaged
export class Model {
  hiddenSize: i32;
  intermediateSize: i32;
  heads: i32;
  kvHeads: i32;
  headDim: i32;
  epsilon: f32;
  /** Of attention's scores. */
  scoreScale: f32;
  embeddingScale: f32;
  layerCount: i32;
  /** Layers one after another. */
  layers: usize;
  embedding: Matrix;
  head: Matrix;
  finalNorm: usize;
  pool: Pool;
  /** Of each token, what is read and what passes from kernel to kernel: */
  ids: usize;
  /** One past the last token that it sees. */
  ends: usize;
  /** [2 tables, headDim / 2, cosine and sine] */
  rope: usize;
  ropeBytes: i32;
  /** [hiddenSize] */
  x: usize;
  branch: usize;
  /** The widest that products read or give, and its packed form. */
  wide: usize;
  wideBytes: i32;
  packed: usize;
  packedBytes: i32;
  /** Packed, between the two halves of an MLP. */
  active: usize;
  /** [heads, headDim] */
  queries: usize;
  /** [heads, parts, headDim] and [heads, parts, 2] */
  parts: usize;
  stats: usize;
  /** Parts that there is room for. */
  maxParts: i32;
  /** [vocabSize] */
  logits: usize;
  /** What threads compute in. */
  scratch: usize;
  scratchBytes: i32;
}

/** Threads' meeting place. The words that they wait on are lines apart. */
@unmanaged
export class Pool {
  threads: i32;
  /** Set to 1 to make the threads return. */
  stop: i32;
  /** The number of the job. */
  job: i32;
  kind: i32;
  chunks: i32;
  model: Model;
  layer: Layer;
  /** Of products: what is multiplied, and how their rows are shared out. */
  a: Matrix;
  b: Matrix;
  c: Matrix;
  matrices: i32;
  chunkRows: i32;
  /** Packed, of `tokens` tokens that are `packedBytes` apart. */
  from: usize;
  to: usize;
  toBytes: i32;
  tokens: i32;
  /** Of attention: the first token among those that are read, its position, and parts a token. */
  token: i32;
  position: i32;
  parts: i32;
}
