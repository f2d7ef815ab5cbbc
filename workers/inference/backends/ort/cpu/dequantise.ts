/** Dequantises 4-bit blocks as MatMulNBits stores them: w = (q − zero) · scale. */

/** A matrix in 4-bit blocks. */
export interface BlockedMatrix {
  /** Columns of each row; the last block may be padded. */
  columns: number;
  /** Values in a block, an even number. */
  block: number;
  /** uint8 [rows, blocks, block / 2], the lower four bits of a byte first. */
  packed: Uint8Array;
  /** float32 [rows, blocks] */
  scales: Float32Array;
  /** uint8 [rows, ⌈blocks / 2⌉], the lower four bits of a byte first; null for a zero point of 8 everywhere. */
  zeroPoints: Uint8Array | null;
}

/**
 * Dequantises a matrix.
 * @param matrix the matrix
 * @param out float32 [rows, columns], all of which is written
 */
export function dequantise({ columns, block, packed, scales, zeroPoints }: BlockedMatrix, out: Float32Array): void {
  const blocks = Math.ceil(columns / block);
  const rows = out.length / columns;
  const zeroBytes = (blocks + 1) >> 1;
  let at = 0;
  for (let row = 0; row < rows; row++)
    for (let b = 0; b < blocks; b++) {
      const index = row * blocks + b;
      const scale = scales[index] as number;
      const zero = zeroPoints ? ((zeroPoints[row * zeroBytes + (b >> 1)] as number) >> (4 * (b & 1))) & 15 : 8;
      const from = (index * block) >> 1;
      const count = Math.min(block, columns - b * block);
      const to = from + (count >> 1);
      for (let i = from; i < to; i++) {
        const byte = packed[i] as number;
        out[at++] = ((byte & 15) - zero) * scale;
        out[at++] = ((byte >> 4) - zero) * scale;
      }
      if (count & 1) out[at++] = (((packed[to] as number) & 15) - zero) * scale;
    }
}
