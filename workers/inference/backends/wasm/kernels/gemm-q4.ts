/**
 * Products of 4-bit matrices and float32 vectors. For one vector, the weights of a block (32, in four words) are isolated by
 * masks without shifting them: under the mask 0xF0, for example, a weight w reads as 16 w. The k-th weight of a word is so 16^k
 * times too large, and the vector's element is divided by 16^k beforehand, which is exact in float32. The vector is packed in the
 * order in which the masks find the weights. Weights are stored as 0 to 15 around a zero point: each packed block
 * also holds −Σx, which corrects the block's sum.
 */
import { PACKED_BLOCK } from './constants';
import { Matrix } from './layout';
import { gelu, total, totals } from './vectors';

/** Smaller values would become denormal, which is slow, when they are divided; they change no sum that they are part of. */
const LEAST: f32 = 1e-30;

/** Blocks of a row that are unpacked together, so that they stay in the first-level cache. */
const MAX_BLOCKS: i32 = 64;
const UNPACKED: i32 = 9216;

function flushed(x: usize, offset: i32): v128 {
  const v = v128.load(x + offset);
  return v128.and(v, f32x4.ge(f32x4.abs(v), f32x4.splat(LEAST)));
}

/** @param x float32 [32 · blocks] */
export function pack(x: usize, blocks: i32, out: usize): void {
  for (let block = 0; block < blocks; block++) {
    let sums = f32x4.splat(0);
    for (let half = 0; half < 2; half++) {
      // Lane i has the weights from 8i on, which is a transposition.
      const from = x + (half << 4);
      const a = flushed(from, 0);
      const b = flushed(from, 32);
      const c = flushed(from, 64);
      const d = flushed(from, 96);
      const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
      const ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
      const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
      const cd1 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
      const v0 = v128.shuffle<f32>(ab0, cd0, 0, 1, 4, 5);
      const v1 = v128.shuffle<f32>(ab0, cd0, 2, 3, 6, 7);
      const v2 = v128.shuffle<f32>(ab1, cd1, 0, 1, 4, 5);
      const v3 = v128.shuffle<f32>(ab1, cd1, 2, 3, 6, 7);
      sums = f32x4.sub(sums, f32x4.add(f32x4.add(v0, v1), f32x4.add(v2, v3)));
      const to = out + (half << 6);
      const by: f32 = half ? 1 / 65536.0 : 1;
      v128.store(to, f32x4.mul(v0, f32x4.splat(by)));
      v128.store(to, f32x4.mul(v1, f32x4.splat(by / 16)), 16);
      v128.store(to, f32x4.mul(v2, f32x4.splat(by / 256)), 32);
      // The last weights of a word are shifted, since their mask would include the sign.
      v128.store(to, f32x4.mul(v3, f32x4.splat(half ? 1 : by / 4096)), 48);
    }
    v128.store(out, sums, 128);
    x += 128;
    out += PACKED_BLOCK;
  }
}

function plus(sum: v128, x: v128, weights: v128): v128 {
  return f32x4.add(sum, f32x4.mul(x, f32x4.convert_i32x4_s(weights)));
}

function scaled(weights: v128, scale: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(weights), scale);
}

/**
 * Products of four rows and one packed vector, with a zero point of 8.
 * @param a, b, c, d the rows' values; sa, sb, sc and sd are their scales
 */
function fourRows(
  a: usize,
  b: usize,
  c: usize,
  d: usize,
  sa: usize,
  sb: usize,
  sc: usize,
  sd: usize,
  packed: usize,
  blocks: i32,
): v128 {
  let rowA = f32x4.splat(0);
  let rowB = rowA;
  let rowC = rowA;
  let rowD = rowA;
  for (let block = 0; block < blocks; block++) {
    const wa = v128.load(a);
    const wb = v128.load(b);
    const wc = v128.load(c);
    const wd = v128.load(d);
    let x = f32x4.mul(v128.load(packed, 128), f32x4.splat(8));
    let sumA = x;
    let sumB = x;
    let sumC = x;
    let sumD = x;
    x = v128.load(packed);
    let mask = i32x4.splat(0xf);
    sumA = plus(sumA, x, v128.and(wa, mask));
    sumB = plus(sumB, x, v128.and(wb, mask));
    sumC = plus(sumC, x, v128.and(wc, mask));
    sumD = plus(sumD, x, v128.and(wd, mask));
    x = v128.load(packed, 16);
    mask = i32x4.splat(0xf0);
    sumA = plus(sumA, x, v128.and(wa, mask));
    sumB = plus(sumB, x, v128.and(wb, mask));
    sumC = plus(sumC, x, v128.and(wc, mask));
    sumD = plus(sumD, x, v128.and(wd, mask));
    x = v128.load(packed, 32);
    mask = i32x4.splat(0xf00);
    sumA = plus(sumA, x, v128.and(wa, mask));
    sumB = plus(sumB, x, v128.and(wb, mask));
    sumC = plus(sumC, x, v128.and(wc, mask));
    sumD = plus(sumD, x, v128.and(wd, mask));
    x = v128.load(packed, 48);
    mask = i32x4.splat(0xf000);
    sumA = plus(sumA, x, v128.and(wa, mask));
    sumB = plus(sumB, x, v128.and(wb, mask));
    sumC = plus(sumC, x, v128.and(wc, mask));
    sumD = plus(sumD, x, v128.and(wd, mask));
    x = v128.load(packed, 64);
    mask = i32x4.splat(0xf0000);
    sumA = plus(sumA, x, v128.and(wa, mask));
    sumB = plus(sumB, x, v128.and(wb, mask));
    sumC = plus(sumC, x, v128.and(wc, mask));
    sumD = plus(sumD, x, v128.and(wd, mask));
    x = v128.load(packed, 80);
    mask = i32x4.splat(0xf00000);
    sumA = plus(sumA, x, v128.and(wa, mask));
    sumB = plus(sumB, x, v128.and(wb, mask));
    sumC = plus(sumC, x, v128.and(wc, mask));
    sumD = plus(sumD, x, v128.and(wd, mask));
    x = v128.load(packed, 96);
    mask = i32x4.splat(0xf000000);
    sumA = plus(sumA, x, v128.and(wa, mask));
    sumB = plus(sumB, x, v128.and(wb, mask));
    sumC = plus(sumC, x, v128.and(wc, mask));
    sumD = plus(sumD, x, v128.and(wd, mask));
    x = v128.load(packed, 112);
    sumA = plus(sumA, x, i32x4.shr_u(wa, 28));
    sumB = plus(sumB, x, i32x4.shr_u(wb, 28));
    sumC = plus(sumC, x, i32x4.shr_u(wc, 28));
    sumD = plus(sumD, x, i32x4.shr_u(wd, 28));
    rowA = f32x4.add(rowA, f32x4.mul(sumA, v128.load32_splat(sa)));
    rowB = f32x4.add(rowB, f32x4.mul(sumB, v128.load32_splat(sb)));
    rowC = f32x4.add(rowC, f32x4.mul(sumC, v128.load32_splat(sc)));
    rowD = f32x4.add(rowD, f32x4.mul(sumD, v128.load32_splat(sd)));
    a += 16;
    b += 16;
    c += 16;
    d += 16;
    sa += 4;
    sb += 4;
    sc += 4;
    sd += 4;
    packed += PACKED_BLOCK;
  }
  return totals(rowA, rowB, rowC, rowD);
}

/** Zero point of a row's block. @param zeros the row's zero points; null for 8 everywhere */
function zeroOf(zeros: usize, block: i32): f32 {
  return zeros ? ((((load<u8>(zeros + (block >> 1)) as i32) >> ((block & 1) << 2)) & 15) as f32) : 8;
}

/** Unpacks blocks of a row so that their product with a packed vector is a dot product of floats. */
function unpackRow(matrix: Matrix, row: i32, first: i32, blocks: i32, out: usize): void {
  let values = valuesOf(matrix, row) + (first << 4);
  let scales = scalesOf(matrix, row) + (first << 2);
  const zeros = zerosOf(matrix, row);
  for (let block = first; block < first + blocks; block++) {
    const scale = v128.load32_splat(scales);
    const w = v128.load(values);
    v128.store(out, scaled(v128.and(w, i32x4.splat(0xf)), scale));
    v128.store(out, scaled(v128.and(w, i32x4.splat(0xf0)), scale), 16);
    v128.store(out, scaled(v128.and(w, i32x4.splat(0xf00)), scale), 32);
    v128.store(out, scaled(v128.and(w, i32x4.splat(0xf000)), scale), 48);
    v128.store(out, scaled(v128.and(w, i32x4.splat(0xf0000)), scale), 64);
    v128.store(out, scaled(v128.and(w, i32x4.splat(0xf00000)), scale), 80);
    v128.store(out, scaled(v128.and(w, i32x4.splat(0xf000000)), scale), 96);
    v128.store(out, scaled(i32x4.shr_u(w, 28), scale), 112);
    v128.store(out, f32x4.mul(scale, f32x4.splat(zeroOf(zeros, block))), 128);
    values += 16;
    scales += 4;
    out += PACKED_BLOCK;
  }
}

/** Dot products of two rows of floats and four vectors. @param out float32 [2, 4] */
function twoTimesFour(a: usize, b: usize, p0: usize, p1: usize, p2: usize, p3: usize, bytes: i32, out: usize): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  for (let at = 0; at < bytes; at += 16) {
    const fa = v128.load(a + at);
    const fb = v128.load(b + at);
    let x = v128.load(p0 + at);
    a0 = f32x4.add(a0, f32x4.mul(x, fa));
    b0 = f32x4.add(b0, f32x4.mul(x, fb));
    x = v128.load(p1 + at);
    a1 = f32x4.add(a1, f32x4.mul(x, fa));
    b1 = f32x4.add(b1, f32x4.mul(x, fb));
    x = v128.load(p2 + at);
    a2 = f32x4.add(a2, f32x4.mul(x, fa));
    b2 = f32x4.add(b2, f32x4.mul(x, fb));
    x = v128.load(p3 + at);
    a3 = f32x4.add(a3, f32x4.mul(x, fa));
    b3 = f32x4.add(b3, f32x4.mul(x, fb));
  }
  v128.store(out, totals(a0, a1, a2, a3));
  v128.store(out, totals(b0, b1, b2, b3), 16);
}

/** Correction to add to a row's product because its zero points are not 8. */
function correctionOf(matrix: Matrix, row: i32, packed: usize): f32 {
  const zeros = zerosOf(matrix, row);
  let scales = scalesOf(matrix, row);
  let sums = f32x4.splat(0);
  for (let block = 0; block < matrix.blocks; block++) {
    const by = (zeroOf(zeros, block) - 8) * load<f32>(scales);
    sums = f32x4.add(sums, f32x4.mul(v128.load(packed, 128), f32x4.splat(by)));
    scales += 4;
    packed += PACKED_BLOCK;
  }
  return total(sums);
}

function valuesOf(matrix: Matrix, row: i32): usize {
  return matrix.values + ((row * matrix.blocks) << 4);
}

function scalesOf(matrix: Matrix, row: i32): usize {
  return matrix.scales + ((row * matrix.blocks) << 2);
}

/** Null if the matrix has no zero points. */
function zerosOf(matrix: Matrix, row: i32): usize {
  return matrix.zeros ? matrix.zeros + row * ((matrix.blocks + 1) >> 1) : 0;
}

/** Products of rows `first`…`end − 1` and one packed vector. */
function gemv(matrix: Matrix, first: i32, end: i32, packed: usize, out: usize): void {
  const last = end - 1;
  for (let row = first; row < end; row += 4) {
    // Beyond the last row, the last row is computed again.
    const b = min(row + 1, last);
    const c = min(row + 2, last);
    const d = min(row + 3, last);
    const sums = fourRows(
      valuesOf(matrix, row),
      valuesOf(matrix, b),
      valuesOf(matrix, c),
      valuesOf(matrix, d),
      scalesOf(matrix, row),
      scalesOf(matrix, b),
      scalesOf(matrix, c),
      scalesOf(matrix, d),
      packed,
      matrix.blocks,
    );
    v128.store32_lane(out + (row << 2), sums, 0);
    v128.store32_lane(out + (b << 2), sums, 1);
    v128.store32_lane(out + (c << 2), sums, 2);
    v128.store32_lane(out + (d << 2), sums, 3);
  }
  if (!matrix.zeros) return;
  for (let row = first; row < end; row++) {
    const to = out + (row << 2);
    store<f32>(to, load<f32>(to) + correctionOf(matrix, row, packed));
  }
}

/** The same for two vectors or more: weights are unpacked to floats first, two rows at a time. */
function gemm(
  matrix: Matrix,
  first: i32,
  end: i32,
  packed: usize,
  packedBytes: i32,
  tokens: i32,
  out: usize,
  outBytes: i32,
  scratch: usize,
): void {
  const last = end - 1;
  const sums = scratch + 2 * UNPACKED;
  for (let block = 0; block < matrix.blocks; block += MAX_BLOCKS) {
    const blocks = min(MAX_BLOCKS, matrix.blocks - block);
    const bytes = blocks * PACKED_BLOCK;
    const from = packed + block * PACKED_BLOCK;
    for (let row = first; row < end; row += 2) {
      const other = min(row + 1, last);
      unpackRow(matrix, row, block, blocks, scratch);
      unpackRow(matrix, other, block, blocks, scratch + UNPACKED);
      for (let token = 0; token < tokens; token += 4) {
        const count = min(4, tokens - token);
        const p0 = from + token * packedBytes;
        // Beyond the last token, the last token is computed again.
        const p1 = p0 + min(1, count - 1) * packedBytes;
        const p2 = p0 + min(2, count - 1) * packedBytes;
        const p3 = p0 + min(3, count - 1) * packedBytes;
        twoTimesFour(scratch, scratch + UNPACKED, p0, p1, p2, p3, bytes, sums);
        for (let t = 0; t < count; t++) {
          const to = out + (token + t) * outBytes;
          accumulate(to + (row << 2), load<f32>(sums + (t << 2)), block);
          if (other > row) accumulate(to + (other << 2), load<f32>(sums + (t << 2), 16), block);
        }
      }
    }
  }
}

/** Stores the sum of the first blocks, or adds the sum of later ones. */
function accumulate(at: usize, sum: f32, block: i32): void {
  store<f32>(at, block == 0 ? sum : load<f32>(at) + sum);
}

/**
 * Products of rows `first`…`end − 1` of a matrix and the packed vectors of `tokens` tokens: out[token][row].
 * @param scratch this thread's scratch memory
 */
export function gemmRows(
  matrix: Matrix,
  first: i32,
  end: i32,
  packed: usize,
  packedBytes: i32,
  tokens: i32,
  out: usize,
  outBytes: i32,
  scratch: usize,
): void {
  if (tokens == 1) gemv(matrix, first, end, packed, out);
  else gemm(matrix, first, end, packed, packedBytes, tokens, out, outBytes, scratch);
}

/**
 * gelu(gate x) · (up x) of rows `first`…`end − 1`, multiples of 32, packed for the next product.
 * @param wide float32 [tokens, rows of gate and up], for intermediate results
 */
export function gegluRows(
  gate: Matrix,
  up: Matrix,
  first: i32,
  end: i32,
  packed: usize,
  packedBytes: i32,
  tokens: i32,
  wide: usize,
  wideBytes: i32,
  out: usize,
  scratch: usize,
): void {
  const rows = gate.rows << 2;
  gemmRows(gate, first, end, packed, packedBytes, tokens, wide, wideBytes, scratch);
  gemmRows(up, first, end, packed, packedBytes, tokens, wide + rows, wideBytes, scratch);
  for (let token = 0; token < tokens; token++) {
    const from = wide + token * wideBytes + (first << 2);
    const to = wide + token * wideBytes + (end << 2);
    for (let at = from; at < to; at += 16) v128.store(at, f32x4.mul(gelu(v128.load(at)), v128.load(at + rows)));
    pack(from, (end - first) >> 5, out + token * packedBytes + (first >> 5) * PACKED_BLOCK);
  }
}

/** Dequantises a row of a matrix, times a factor. */
export function copyRow(matrix: Matrix, row: i32, by: f32, out: usize): void {
  let values = valuesOf(matrix, row);
  const scales = scalesOf(matrix, row);
  const zeros = zerosOf(matrix, row);
  for (let block = 0; block < matrix.blocks; block++) {
    const zero = zeroOf(zeros, block);
    const scale = load<f32>(scales + (block << 2)) * by;
    for (let i = 0; i < 16; i++) {
      const both = load<u8>(values) as i32;
      store<f32>(out, (((both & 15) as f32) - zero) * scale);
      store<f32>(out, (((both >> 4) as f32) - zero) * scale, 4);
      values++;
      out += 8;
    }
  }
}
