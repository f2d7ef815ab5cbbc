/**
 * @file 4-bit quantisation: symmetric blocks of 32 along the input dimension, rounded as ggml's q4_0 does
 * (`quantize_row_q4_0_ref` in ggml-quants.c): scale = (the value of largest magnitude, with its sign) / −8,
 * q = min(15, ⌊w / scale + 8.5⌋), w ≈ (q − 8) · scale. Google's quantisation-aware Gemma 3 checkpoints were trained
 * for exactly this rounding. Nibbles are packed as onnxruntime's MatMulNBits wants them, the low one first.
 */

/** Weights in a block. */
export const BLOCK = 32;

/** A quantised matrix. */
export interface Quantised {
  /** uint8 [rows, blocks, 16]. */
  packed: Uint8Array;
  /** float32 [rows, blocks]. */
  scales: Float32Array;
}

/**
 * Counts the blocks of a row.
 * @param columns the row's length.
 * @returns the number of blocks, the last of which may not be full.
 */
export const blocksIn = (columns: number): number => Math.ceil(columns / BLOCK);

/**
 * Quantises a matrix. A last block that is not full is filled with zeros.
 * @param values float32 [rows, columns].
 * @param columns length of a row.
 * @returns packed values and scales.
 */
export function quantise(values: Float32Array, columns: number): Quantised {
  const rows = values.length / columns;
  const blocks = blocksIn(columns);
  const packed = new Uint8Array((rows * blocks * BLOCK) / 2);
  const scales = new Float32Array(rows * blocks);
  const nibbles = new Uint8Array(BLOCK);
  for (let row = 0, block = 0; row < rows; row++) {
    for (let b = 0; b < blocks; b++, block++) {
      const start = row * columns + b * BLOCK;
      const count = Math.min(BLOCK, columns - b * BLOCK);
      let extreme = 0;
      let magnitude = 0;
      for (let i = 0; i < count; i++) {
        const w = values[start + i] as number;
        const m = Math.abs(w);
        if (m > magnitude) {
          magnitude = m;
          extreme = w;
        }
      }
      const scale = extreme === 0 ? 0 : Math.fround(extreme / -8);
      const inverse = scale === 0 ? 0 : 1 / scale;
      scales[block] = scale;
      nibbles.fill(8);
      for (let i = 0; i < count; i++) {
        const q = Math.floor((values[start + i] as number) * inverse + 8.5);
        nibbles[i] = q > 15 ? 15 : q < 0 ? 0 : q;
      }
      const at = (block * BLOCK) / 2;
      for (let i = 0; i < BLOCK / 2; i++)
        packed[at + i] = (nibbles[2 * i] as number) | ((nibbles[2 * i + 1] as number) << 4);
    }
  }
  return { packed, scales };
}

/**
 * Restores the values that a quantised matrix stands for.
 * @param quantised packed values and scales.
 * @param columns length of a row.
 * @returns float32 [rows, columns].
 */
export function dequantise({ packed, scales }: Quantised, columns: number): Float32Array {
  const blocks = blocksIn(columns);
  const rows = scales.length / blocks;
  const out = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < columns; c++) {
      const block = row * blocks + Math.floor(c / BLOCK);
      const byte = packed[block * (BLOCK / 2) + ((c % BLOCK) >> 1)] as number;
      out[row * columns + c] = (((c & 1 ? byte >> 4 : byte & 15) - 8) * (scales[block] as number)) as number;
    }
  }
  return out;
}
