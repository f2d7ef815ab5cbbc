/**
 * Attention of one token's query heads to keys and values that they share. A long past is split into parts, which threads
 * take, and the parts' results are combined (FlashDecoding, https://crfm.stanford.edu/2023/10/12/flashdecoding.html).
 */
import { PART } from './constants';
import { Layer, Model } from './layout';
import { exp, inverseRoot, total } from './vectors';

/** Tokens whose values are added up together: 32 KiB, which stay in the cache. */
const TILE: i32 = 32;
const MIN_SCORE: f32 = -3e38;

/**
 * Normalises and rotates queries and keys, and writes keys and values to the cache.
 * @param projected float32 [rows of q, k and v]
 * @param angles float32 [headDim / 2, cosine and sine]
 */
export function applyRope(
  model: Model,
  layer: Layer,
  projected: usize,
  angles: usize,
  position: i32,
  queries: usize,
): void {
  const bytes = model.headDim << 2;
  const row = (position % layer.rows) * bytes;
  const cached = layer.rows * bytes;
  for (let head = 0; head < model.heads; head++) {
    rotateHead(model, projected, layer.qNorm, angles, model.scoreScale, queries);
    projected += bytes;
    queries += bytes;
  }
  for (let head = 0; head < model.kvHeads; head++) {
    rotateHead(model, projected, layer.kNorm, angles, 1, layer.keys + head * cached + row);
    projected += bytes;
  }
  for (let head = 0; head < model.kvHeads; head++) {
    memory.copy(layer.values + head * cached + row, projected, bytes);
    projected += bytes;
  }
}

/** out = RoPE(RMSNorm(head)) · scale (rotate_half) */
function rotateHead(model: Model, head: usize, weight: usize, angles: usize, scale: f32, out: usize): void {
  const half = model.headDim << 1;
  const by = f32x4.splat(inverseRoot(head, model.headDim, model.epsilon));
  const scales = f32x4.splat(scale);
  for (let at = 0; at < half; at += 16) {
    const first = v128.load(angles);
    const second = v128.load(angles, 16);
    const cos = v128.shuffle<f32>(first, second, 0, 2, 4, 6);
    const sin = v128.shuffle<f32>(first, second, 1, 3, 5, 7);
    angles += 32;
    const a = f32x4.mul(f32x4.mul(v128.load(head + at), by), v128.load(weight + at));
    const b = f32x4.mul(f32x4.mul(v128.load(head + half + at), by), v128.load(weight + half + at));
    v128.store(out + at, f32x4.mul(scales, f32x4.sub(f32x4.mul(a, cos), f32x4.mul(b, sin))));
    v128.store(out + half + at, f32x4.mul(scales, f32x4.add(f32x4.mul(b, cos), f32x4.mul(a, sin))));
  }
}

/** The first token that a query at `position` sees. */
export function firstSeen(layer: Layer, position: i32): i32 {
  return layer.window > 0 ? max(0, position + 1 - layer.window) : 0;
}

/** Scores of two queries with two keys: out0 for the first query, out1 for the second, `next` bytes from key to key. */
function twoByTwo(q0: usize, q1: usize, k0: usize, k1: usize, bytes: i32, out0: usize, out1: usize, next: i32): void {
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (let at = 0; at < bytes; at += 16) {
    const x = v128.load(q0 + at);
    const y = v128.load(q1 + at);
    const k = v128.load(k0 + at);
    const l = v128.load(k1 + at);
    a = f32x4.add(a, f32x4.mul(x, k));
    b = f32x4.add(b, f32x4.mul(x, l));
    c = f32x4.add(c, f32x4.mul(y, k));
    d = f32x4.add(d, f32x4.mul(y, l));
  }
  store<f32>(out0, total(a));
  store<f32>(out0 + next, total(b));
  store<f32>(out1, total(c));
  store<f32>(out1 + next, total(d));
}

/** Turns scores into weights, in place, and returns their sum; the last vector is padded with weights of 0. */
function softmax(scores: usize, count: i32, maxScore: f32): f32 {
  const end = scores + (count << 2);
  const padded = scores + (((count + 3) & ~3) << 2);
  for (let at = end; at < padded; at += 4) store<f32>(at, MIN_SCORE);
  let sums = f32x4.splat(0);
  for (let at = scores; at < padded; at += 16) {
    const weights = exp(f32x4.sub(v128.load(at), f32x4.splat(maxScore)));
    v128.store(at, weights);
    sums = f32x4.add(sums, weights);
  }
  return total(sums);
}

/** out[0…15] += Σ weights · values, for two queries */
function addValues(w0: usize, w1: usize, values: usize, bytes: i32, count: i32, out0: usize, out1: usize): void {
  let a0 = v128.load(out0);
  let a1 = v128.load(out0, 16);
  let a2 = v128.load(out0, 32);
  let a3 = v128.load(out0, 48);
  let b0 = v128.load(out1);
  let b1 = v128.load(out1, 16);
  let b2 = v128.load(out1, 32);
  let b3 = v128.load(out1, 48);
  for (let i = 0; i < count; i++) {
    const x = v128.load32_splat(w0);
    const y = v128.load32_splat(w1);
    let v = v128.load(values);
    a0 = f32x4.add(a0, f32x4.mul(x, v));
    b0 = f32x4.add(b0, f32x4.mul(y, v));
    v = v128.load(values, 16);
    a1 = f32x4.add(a1, f32x4.mul(x, v));
    b1 = f32x4.add(b1, f32x4.mul(y, v));
    v = v128.load(values, 32);
    a2 = f32x4.add(a2, f32x4.mul(x, v));
    b2 = f32x4.add(b2, f32x4.mul(y, v));
    v = v128.load(values, 48);
    a3 = f32x4.add(a3, f32x4.mul(x, v));
    b3 = f32x4.add(b3, f32x4.mul(y, v));
    w0 += 4;
    w1 += 4;
    values += bytes;
  }
  v128.store(out0, a0);
  v128.store(out0, a1, 16);
  v128.store(out0, a2, 32);
  v128.store(out0, a3, 48);
  v128.store(out1, b0);
  v128.store(out1, b1, 16);
  v128.store(out1, b2, 32);
  v128.store(out1, b3, 48);
}

/**
 * Computes one part, of one token and the query heads that share one key/value head.
 * @param queries float32 [heads, headDim], the token's
 * @param seen, end the first token that it sees, and one past the last
 * @param parts, stats float32 [heads, maxParts, headDim] and [heads, maxParts, maxScore and sum], the token's
 * @param scores float32 [2, PART], this thread's
 */
export function attendPart(
  model: Model,
  layer: Layer,
  queries: usize,
  kvHead: i32,
  seen: i32,
  end: i32,
  part: i32,
  parts: usize,
  stats: usize,
  scores: usize,
): void {
  const bytes = model.headDim << 2;
  const group = model.heads / model.kvHeads;
  const maxParts = model.maxParts;
  const begin = (seen / PART + part) * PART;
  const first = max(seen, begin);
  const count = min(begin + PART, end) - first;
  const from = (kvHead * layer.rows + (first % layer.rows)) * bytes;
  const keys = layer.keys + from;
  const otherScores = scores + (PART << 2);
  for (let g = 0; g < group; g += 2) {
    // If their number is odd, the last head is computed twice.
    const head = kvHead * group + g;
    const other = kvHead * group + min(g + 1, group - 1);
    const to0 = head * maxParts + part;
    const to1 = other * maxParts + part;
    const q0 = queries + head * bytes;
    const q1 = queries + other * bytes;
    for (let i = 0; i < count; i += 2) {
      const next: i32 = i + 1 < count ? 1 : 0;
      const key = keys + i * bytes;
      const at = i << 2;
      twoByTwo(q0, q1, key, key + next * bytes, bytes, scores + at, otherScores + at, next << 2);
    }
    const max0 = maxOf(scores, count);
    const max1 = maxOf(otherScores, count);
    store<f32>(stats + (to0 << 3), max0);
    store<f32>(stats + (to0 << 3), softmax(scores, count, max0), 4);
    store<f32>(stats + (to1 << 3), max1);
    store<f32>(stats + (to1 << 3), softmax(otherScores, count, max1), 4);
    const out0 = parts + to0 * bytes;
    const out1 = parts + to1 * bytes;
    memory.fill(out0, 0, bytes);
    memory.fill(out1, 0, bytes);
    for (let tile = 0; tile < count; tile += TILE) {
      const size = min(TILE, count - tile);
      const at = tile << 2;
      const values = layer.values + from + tile * bytes;
      for (let dim = 0; dim < bytes; dim += 64)
        addValues(scores + at, otherScores + at, values + dim, bytes, size, out0 + dim, out1 + dim);
    }
  }
}

function maxOf(scores: usize, count: i32): f32 {
  let maxScore = MIN_SCORE;
  for (const end = scores + (count << 2); scores < end; scores += 4) maxScore = max(maxScore, load<f32>(scores));
  return maxScore;
}

/** Number of parts that the tokens a token sees are split into. */
export function partsOf(seen: i32, end: i32): i32 {
  return (end - 1) / PART - seen / PART + 1;
}

/** Combines a token's parts: out float32 [heads, headDim]. */
export function combineParts(model: Model, count: i32, parts: usize, stats: usize, out: usize): void {
  const bytes = model.headDim << 2;
  for (let head = 0; head < model.heads; head++) {
    const first = head * model.maxParts;
    const from = parts + first * bytes;
    const stat = stats + (first << 3);
    let maxScore = MIN_SCORE;
    for (let i = 0; i < count; i++) maxScore = max(maxScore, load<f32>(stat + (i << 3)));
    let sum: f32 = 0;
    for (let i = 0; i < count; i++) {
      const at = stat + (i << 3);
      const by = f32x4.extract_lane(exp(f32x4.splat(load<f32>(at) - maxScore)), 0);
      sum += by * load<f32>(at, 4);
      store<f32>(at, by);
    }
    for (let dim = 0; dim < bytes; dim += 16) {
      let all = f32x4.splat(0);
      for (let i = 0; i < count; i++)
        all = f32x4.add(all, f32x4.mul(v128.load32_splat(stat + (i << 3)), v128.load(from + i * bytes + dim)));
      v128.store(out + dim, f32x4.div(all, f32x4.splat(sum)));
    }
    out += bytes;
  }
}
