/** Structures that ../memory-plan.ts writes to memory, field by field in this order. Every field takes four bytes. */

/** A 4-bit matrix in blocks of 32 columns. */
@unmanaged
export class Matrix {
  /** uint8 [rows, blocks, 16], the lower four bits of a byte first. */
  values: usize;
  /** float32 [rows, blocks] */
  scales: usize;
  /** uint8 [rows, ⌈blocks / 2⌉], the lower four bits of a byte first; null for a zero point of 8 everywhere. */
  zeros: usize;
  rows: i32;
  blocks: i32;
}

/** A layer's cache and weights. */
@unmanaged
export class Layer {
  /** float32 [kvHeads, rows, headDim]: the token at position p is in row p modulo rows. */
  keys: usize;
  values: usize;
  /** Rows of the cache; a multiple of PART in sliding-window layers, so that no part wraps around. */
  rows: i32;
  /** Tokens that a query sees, itself included; 0 for full attention. */
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

/** A model, and the activations of a forward pass. */
@unmanaged
export class Model {
  hiddenSize: i32;
  intermediateSize: i32;
  heads: i32;
  kvHeads: i32;
  headDim: i32;
  epsilon: f32;
  /** Factor of attention's scores. */
  scoreScale: f32;
  embeddingScale: f32;
  layerCount: i32;
  /** Address of the first layer; the others follow. */
  layers: usize;
  embedding: Matrix;
  head: Matrix;
  finalNorm: usize;
  pool: Pool;
  /** uint32 [tokens] */
  ids: usize;
  /** Position after the last token that each token attends to: uint32 [tokens] */
  ends: usize;
  /** float32 [tokens, 2 tables, headDim / 2, cosine and sine] */
  rope: usize;
  ropeBytes: i32;
  /** Residual stream: float32 [tokens, hiddenSize] */
  x: usize;
  /** Output of a branch (attention or MLP): float32 [tokens, hiddenSize] */
  branch: usize;
  /** Inputs and outputs of products, of any width: float32 [tokens, wideBytes / 4]; and inputs in packed form. */
  wide: usize;
  wideBytes: i32;
  packed: usize;
  packedBytes: i32;
  /** Activations between the two halves of the MLP, packed. */
  active: usize;
  /** float32 [tokens, heads, headDim] */
  queries: usize;
  /** Weighted sums of values of each part of attention: float32 [tokens, heads, maxParts, headDim] */
  parts: usize;
  /** Largest score and sum of weights of each part: float32 [tokens, heads, maxParts, 2] */
  stats: usize;
  /** Parts of a token's past that there is room for. */
  maxParts: i32;
  /** float32 [MAX_TOKENS, vocabSize] */
  logits: usize;
  /** Scratch memory of all threads, and its size for each. */
  scratch: usize;
  scratchBytes: i32;
}

/** The job that threads share. The words that they wait on follow, each on a cache line of its own (pool.ts). */
@unmanaged
export class Pool {
  /** Number of worker threads, besides the one that runs the model. */
  threads: i32;
  /** Set to 1 to make the threads return. */
  stop: i32;
  /** Number of the current job. */
  job: i32;
  kind: i32;
  chunks: i32;
  model: Model;
  layer: Layer;
  /** GEMM and GEGLU: the matrices, and how many rows make a chunk. */
  a: Matrix;
  b: Matrix;
  c: Matrix;
  chunkRows: i32;
  /** Packed inputs of `tokens` tokens, `packedBytes` apart. */
  from: usize;
  to: usize;
  toBytes: i32;
  tokens: i32;
  /** Attention: index of the first token in the forward pass, its position, and parts for each token. */
  token: i32;
  position: i32;
  parts: i32;
}
