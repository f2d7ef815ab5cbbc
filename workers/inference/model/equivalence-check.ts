/**
 * Our kernels know others' graphs by their form alone. So they are tried on what the graph computes in the way that every
 * export allows: with a cache that grows.
 */
import type { Decoder } from '../cache/decoder.ts';
import type { Logits } from '../backend-interface/logits.ts';

/** More than a tile of any kernel. */
const PROMPT = 40;
const STEPS = 2;
/**
 * Cosine of logits less their mean. Kernels that round activations to 8 bits come to 0.999; a layer left out, another
 * rotation or another zero are far below.
 */
const MIN_SIMILARITY = 0.995;

function cosineSimilarity(a: Float32Array, b: Float32Array): number {
  const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (const [i, value] of a.entries()) {
    const [x, y] = [value - meanA, (b[i] ?? NaN) - meanB];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / Math.sqrt(aa * bb);
}

/** Logits after a prompt and after each of some tokens. The decoder is empty afterwards. */
async function read(decoder: Decoder, ids: readonly number[]): Promise<Float32Array[]> {
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

/** Whether a decoder computes what another, which is trusted, does. One that fails does not. */
export async function checkEquivalence(decoder: Decoder, trusted: Decoder): Promise<boolean> {
  if (decoder.capacity < PROMPT + STEPS) return false;
  const ids = Array.from({ length: PROMPT + STEPS }, (_, i) => 2 + ((i * i * 7) % 200));
  const wanted = await read(trusted, ids);
  try {
    const found = await read(decoder, ids);
    return wanted.every((row, i) => cosineSimilarity(found[i] ?? new Float32Array(), row) >= MIN_SIMILARITY);
  } catch (cause) {
    console.warn('Our kernels failed the equivalence check on this export:', cause);
    return false;
  }
}
