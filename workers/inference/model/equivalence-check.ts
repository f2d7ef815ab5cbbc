/**
 * Compares our kernels with onnxruntime on an export by others, which the kernels know by its form only. onnxruntime runs it
 * with a cache that grows, as every export allows.
 */
import type { Decoder } from '../cache/decoder.ts';
import type { Logits } from '../backend-interface/logits.ts';

/** Tokens of the prompt: more than a tile of any kernel. */
const PROMPT = 40;
/** Tokens that are processed one by one after it. */
const STEPS = 2;
/**
 * Cosine similarity of logits less their mean, at least. Kernels that round activations to 8 bits reach 0.999; a missing
 * layer, another rotation or other zero points are far below.
 */
const MIN_SIMILARITY = 0.995;

/** NaN for rows of different lengths and for values that are not finite. */
function cosineSimilarity(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return NaN;
  const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (const [i, value] of a.entries()) {
    const [x, y] = [value - meanA, (b[i] ?? 0) - meanB];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / Math.sqrt(aa * bb);
}

/** Logits after a prompt and after each step, float32 [1 + STEPS][vocabSize]. Leaves the decoder's cache empty. */
async function logitsOf(decoder: Decoder, ids: readonly number[]): Promise<Float32Array[]> {
  decoder.clear();
  const take = async (logits: Logits) => {
    try {
      return await logits.lastRows();
    } finally {
      logits.dispose();
    }
  };
  const rows = [await take(await decoder.prefill({ ids: ids.slice(0, PROMPT), pictures: [] }))];
  for (const id of ids.slice(PROMPT)) rows.push(await take(await decoder.step(id)));
  decoder.clear();
  return rows;
}

/**
 * Checks whether a decoder computes what a trusted one does, after a prompt and after single tokens.
 * @param decoder the decoder to check. If it fails, the failure is logged and it does not count as equivalent.
 * @param trusted computes the expected logits.
 * @returns whether all logits are alike. Rejects with whatever the trusted decoder does.
 */
export async function checkEquivalence(decoder: Decoder, trusted: Decoder): Promise<boolean> {
  if (decoder.capacity < PROMPT + STEPS) return false;
  const ids = Array.from({ length: PROMPT + STEPS }, (_, i) => 2 + ((i * i * 7) % 200));
  const expected = await logitsOf(trusted, ids);
  try {
    const found = await logitsOf(decoder, ids);
    return expected.every((row, i) => cosineSimilarity(found[i] ?? new Float32Array(), row) >= MIN_SIMILARITY);
  } catch (cause) {
    console.warn('Our kernels failed the equivalence check on this export:', cause);
    return false;
  }
}
