/** Checkpoint weights as the tensors that graphs hold: transposed, quantised, rounded; always piece by piece. */
import type { Weight } from './checkpoint.ts';
import { ExportError } from './failure.ts';
import { float32ToFloat16 } from './float-formats.ts';
import { BLOCK, blocksIn, dequantise, quantise } from './quantise.ts';
import { bytesOf, type LazyTensor } from './tensor.ts';

/** The types floats are computed and stored in. */
export type FloatType = 'float32' | 'float16';

/** How the weights of one export are stored. */
export interface Precision {
  dtype: 'fp32' | 'q4' | 'q4f16';
  /**
   * fp32 only: weights are rounded to 4 bits and back, so that the graph computes exactly what a q4 export stands for.
   * For tests.
   */
  roundWeights: boolean;
}

/** Attention, its cache and the gate of the MLP in fp16 for q4f16; everything in fp32 for the others. */
export const computeType = ({ dtype }: Precision): FloatType => (dtype === 'q4f16' ? 'float16' : 'float32');

/** @throws ExportError for a value that float16 cannot hold. */
export function toFloat16(values: Float32Array, name: string): Uint16Array {
  const halves = float32ToFloat16(values);
  for (let i = 0; i < halves.length; i++)
    if (((halves[i] as number) & 0x7c00) === 0x7c00)
      throw new ExportError(`${name} holds ${String(values[i])}, which 16-bit floats cannot: export as q4 instead.`);
  return halves;
}

const store = (values: Float32Array, type: FloatType, name: string): Uint8Array =>
  bytesOf(type === 'float16' ? toFloat16(values, name) : values);

/** A weight as it is. `change` is applied to each piece, in place or not. */
export function plainTensor(
  name: string,
  weight: Weight,
  { dims = weight.shape, type = 'float32' as FloatType, change = (values: Float32Array) => values } = {},
): LazyTensor {
  return {
    name,
    type,
    dims,
    pieces: async function* () {
      for await (const rows of weight.rows()) yield store(change(rows), type, name);
    },
  };
}

/** A norm's weight: stored as w, used as 1 + w (transformers Gemma3RMSNorm). */
export const normTensor = (name: string, weight: Weight): LazyTensor =>
  plainTensor(name, weight, { change: (values) => values.map((w) => 1 + w) });

const columnsOf = (weight: Weight): number => weight.shape.at(-1) ?? 1;

/** Rounded to 4 bits and back. */
export const roundedRows = (weight: Weight) => (values: Float32Array) =>
  dequantise(quantise(values, columnsOf(weight)), columnsOf(weight));

/** Embedding rows in fp32 [vocabSize, hidden], rounded to 4 bits and back where the export asks for it. */
export function tableTensor(name: string, weight: Weight, precision: Precision): LazyTensor {
  const round = precision.roundWeights && columnsOf(weight) % BLOCK === 0;
  return plainTensor(name, weight, round ? { change: roundedRows(weight) } : {});
}

/** A linear layer's [out, in] as MatMul takes it: float32 [in, out]. */
export function transposedTensor(name: string, weight: Weight, { round = false } = {}): LazyTensor {
  const [rows = 1, columns = 1] = weight.shape;
  return {
    name,
    type: 'float32',
    dims: [columns, rows],
    pieces: async function* () {
      const source = await weight.all();
      const values = round ? roundedRows(weight)(source) : source;
      const out = new Float32Array(values.length);
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++) out[c * rows + r] = values[r * columns + c] as number;
      yield bytesOf(out);
    },
  };
}

/**
 * A matrix [rows, columns] in 4 bits: packed values uint8 [rows, blocks, 16] and their scales, which are collected
 * while the values are written and so must be written after them. Missing rows (up to `rows`) are zeros.
 */
export function quantisedTensors(
  name: string,
  weight: Weight,
  { scaleType, scaleDims, rows = weight.shape[0] ?? 1 }: { scaleType: FloatType; scaleDims: number[]; rows?: number },
): [values: LazyTensor, scales: LazyTensor] {
  const columns = columnsOf(weight);
  const blocks = blocksIn(columns);
  const missing = rows - (weight.shape[0] ?? 1);
  let kept: Uint8Array[] = [];
  const values: LazyTensor = {
    name: `${name}.q4`,
    type: 'uint8',
    dims: [rows, blocks, BLOCK / 2],
    pieces: async function* () {
      kept = [];
      for await (const piece of weight.rows()) {
        const { packed, scales } = quantise(piece, columns);
        kept.push(store(scales, scaleType, `${name}'s scale`));
        yield packed;
      }
      if (missing > 0) {
        const zeros = quantise(new Float32Array(missing * columns), columns);
        kept.push(store(zeros.scales, scaleType, name));
        yield zeros.packed;
      }
    },
  };
  const scales: LazyTensor = {
    name: `${name}.scales`,
    type: scaleType,
    dims: scaleDims,
    pieces: function* () {
      if (!kept.length) throw new Error(`${name}: scales are written after values`);
      yield* kept;
      kept = [];
    },
  };
  return [values, scales];
}
