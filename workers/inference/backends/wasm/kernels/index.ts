/**
 * A model's forward pass: the functions that ../wasm-decoder.ts and ../worker-thread.ts call. Everything is in the memory that
 * ../memory-plan.ts laid out; nothing is allocated.
 */
import { combineParts, firstSeen, partsOf, applyRope } from './attention';
import { MAX_TOKENS } from './constants';
import { Layer, Matrix, Model, Pool } from './layout';
import { ATTENTION, chunksOf, GEGLU, GEMM, runJob, runThread as threadLoop, stopThreads as stopAll } from './pool';
import { copyRow, pack } from './gemm-q4';
import { addNormed, norm } from './vectors';

/** Multiply-adds of one chunk of a job (weights times tokens); a chunk takes a few microseconds. */
const CHUNK = 65536;
const LAYER_BYTES: i32 = offsetof<Layer>() as i32;

/** Rows of a matrix that make a chunk: a multiple of `unit`, and so many that a ticket can count the chunks. */
function rowsOf(matrix: Matrix, tokens: i32, unit: i32): i32 {
  const some = CHUNK / ((matrix.blocks << 5) * tokens);
  const least = matrix.rows / 32768 + 1;
  return ((max(some, max(least, unit)) + unit - 1) / unit) * unit;
}

function gemm(
  model: Model,
  a: Matrix,
  b: Matrix,
  c: Matrix,
  matrices: i32,
  from: usize,
  tokens: i32,
  to: usize,
  toBytes: i32,
): void {
  const pool = model.pool;
  const rows = rowsOf(a, tokens, 4);
  pool.kind = GEMM;
  pool.a = a;
  pool.b = b;
  pool.c = c;
  pool.chunkRows = rows;
  pool.chunks = chunksOf(a, rows) + (matrices > 1 ? chunksOf(b, rows) + chunksOf(c, rows) : 0);
  pool.from = from;
  pool.tokens = tokens;
  pool.to = to;
  pool.toBytes = toBytes;
  runJob(pool);
}

function geglu(model: Model, layer: Layer, tokens: i32): void {
  const pool = model.pool;
  const rows = rowsOf(layer.gate, tokens << 1, 32);
  pool.kind = GEGLU;
  pool.a = layer.gate;
  pool.b = layer.up;
  pool.chunkRows = rows;
  pool.chunks = chunksOf(layer.gate, rows);
  pool.from = model.packed;
  pool.tokens = tokens;
  pool.to = model.active;
  runJob(pool);
}

/** Attention of some tokens, from index `token` in the forward pass on. */
function attention(model: Model, layer: Layer, position: i32, token: i32, tokens: i32): void {
  const pool = model.pool;
  const ends = model.ends + (token << 2);
  let parts = 1;
  for (let t = 0; t < tokens; t++)
    parts = max(parts, partsOf(firstSeen(layer, position + t), load<i32>(ends + (t << 2))));
  pool.kind = ATTENTION;
  pool.layer = layer;
  pool.token = token;
  pool.position = position;
  pool.parts = parts;
  pool.chunks = tokens * model.kvHeads * parts;
  runJob(pool);
  const headBytes = model.headDim << 2;
  for (let t = 0; t < tokens; t++) {
    const count = partsOf(firstSeen(layer, position + t), load<i32>(ends + (t << 2)));
    const first = t * model.heads * model.maxParts;
    const out = model.wide + (token + t) * model.wideBytes;
    combineParts(model, count, model.parts + first * headBytes, model.stats + (first << 3), out);
    pack(out, layer.out.blocks, model.packed + (token + t) * model.packedBytes);
  }
}

/** Normalises each token's x, and packs it. */
function packedNorm(model: Model, weight: usize, first: i32, tokens: i32): void {
  const blocks = model.hiddenSize >> 5;
  const bytes = model.hiddenSize << 2;
  for (let t = 0; t < tokens; t++) {
    const out = model.wide + t * model.wideBytes;
    norm(model.x + (first + t) * bytes, weight, model.hiddenSize, model.epsilon, out);
    pack(out, blocks, model.packed + t * model.packedBytes);
  }
}

function addNorm(model: Model, weight: usize, tokens: i32): void {
  const bytes = model.hiddenSize << 2;
  for (let t = 0; t < tokens; t++)
    addNormed(model.x + t * bytes, model.branch + t * bytes, weight, model.hiddenSize, model.epsilon);
}

function runLayer(model: Model, layer: Layer, position: i32, tokens: i32): void {
  const hiddenBytes = model.hiddenSize << 2;
  packedNorm(model, layer.inputNorm, 0, tokens);
  gemm(model, layer.q, layer.k, layer.v, 3, model.packed, tokens, model.wide, model.wideBytes);
  const queryBytes = (model.heads * model.headDim) << 2;
  for (let t = 0; t < tokens; t++) {
    const angles = model.rope + t * model.ropeBytes + layer.rope;
    applyRope(model, layer, model.wide + t * model.wideBytes, angles, position + t, model.queries + t * queryBytes);
  }
  for (let t = 0; t < tokens; t += MAX_TOKENS) attention(model, layer, position + t, t, min(MAX_TOKENS, tokens - t));
  gemm(model, layer.out, layer.out, layer.out, 1, model.packed, tokens, model.branch, hiddenBytes);
  addNorm(model, layer.postAttentionNorm, tokens);
  packedNorm(model, layer.preFeedforwardNorm, 0, tokens);
  geglu(model, layer, tokens);
  gemm(model, layer.down, layer.down, layer.down, 1, model.active, tokens, model.branch, hiddenBytes);
  addNorm(model, layer.postFeedforwardNorm, tokens);
}

/** Stands for the id of a token whose embedding is in x already, as a picture's features are. */
const NO_TOKEN_ID: u32 = 0xffffffff;

/**
 * Processes tokens whose ids, ends and RoPE tables are in place. Keys and values are written to the cache, final hidden states
 * to x.
 * @param position position of the first token
 */
export function forward(model: Model, position: i32, tokens: i32): void {
  model.pool.model = model;
  const hiddenBytes = model.hiddenSize << 2;
  for (let t = 0; t < tokens; t++) {
    const id = load<u32>(model.ids + (t << 2));
    // An id outside the vocabulary is clamped to the table.
    const row = min(id, (model.embedding.rows as u32) - 1);
    if (id != NO_TOKEN_ID) copyRow(model.embedding, row, model.embeddingScale, model.x + t * hiddenBytes);
  }
  for (let i = 0; i < model.layerCount; i++)
    runLayer(model, changetype<Layer>(model.layers + i * LAYER_BYTES), position, tokens);
}

/** Computes logits from the final hidden states in x, of `count` tokens from index `first` on. */
export function computeLogits(model: Model, first: i32, count: i32): void {
  const head = model.head;
  packedNorm(model, model.finalNorm, first, count);
  gemm(model, head, head, head, 1, model.packed, count, model.logits, head.rows << 2);
}

/** The body of a worker thread. @param thread from 1 on */
export function runThread(pool: Pool, thread: i32): void {
  threadLoop(pool, thread);
}

export function stopThreads(pool: Pool): void {
  stopAll(pool);
}
