/** Arithmetic on vectors of floats, four at a time: lengths are multiples of four. */

/** Sum of the four lanes. */
export function total(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

/** Sums of the lanes of each of four vectors. */
export function totals(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
}

/** e^x to within two units in the last place (range reduction and polynomial of Cephes expf); at least 1e-38. */
export function exp(x: v128): v128 {
  const within = f32x4.min(f32x4.max(x, f32x4.splat(-87.3)), f32x4.splat(88));
  const n = f32x4.nearest(f32x4.mul(within, f32x4.splat(1.4426950408889634)));
  let r = f32x4.sub(within, f32x4.mul(n, f32x4.splat(0.693359375)));
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(-2.1219444e-4)));
  let p = f32x4.splat(1.98756915e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  p = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(r, r), p), r), f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return f32x4.mul(p, power);
}

/** The tanh approximation of GELU: g / (1 + e^(−2 √(2/π) (g + 0.044715 g³))) */
export function gelu(g: v128): v128 {
  const cubic = f32x4.mul(f32x4.mul(f32x4.mul(g, g), g), f32x4.splat(0.044715));
  const t = f32x4.mul(f32x4.add(g, cubic), f32x4.splat(-1.5957691216057308));
  return f32x4.div(g, f32x4.add(exp(t), f32x4.splat(1)));
}

/** 1 / √(mean of squares + ε) */
export function inverseRoot(x: usize, size: i32, epsilon: f32): f32 {
  let sums = f32x4.splat(0);
  for (const end = x + (size << 2); x < end; x += 16) {
    const v = v128.load(x);
    sums = f32x4.add(sums, f32x4.mul(v, v));
  }
  return 1 / sqrt<f32>(total(sums) / (size as f32) + epsilon);
}

/** RMSNorm: out = x / √(mean of squares + ε) · weight */
export function norm(x: usize, weight: usize, size: i32, epsilon: f32, out: usize): void {
  const by = f32x4.splat(inverseRoot(x, size, epsilon));
  for (const end = x + (size << 2); x < end; x += 16) {
    v128.store(out, f32x4.mul(f32x4.mul(v128.load(x), by), v128.load(weight)));
    weight += 16;
    out += 16;
  }
}

/** x += norm(branch) */
export function addNormed(x: usize, branch: usize, weight: usize, size: i32, epsilon: f32): void {
  const by = f32x4.splat(inverseRoot(branch, size, epsilon));
  for (const end = x + (size << 2); x < end; x += 16) {
    const normed = f32x4.mul(f32x4.mul(v128.load(branch), by), v128.load(weight));
    v128.store(x, f32x4.add(v128.load(x), normed));
    branch += 16;
    weight += 16;
  }
}
