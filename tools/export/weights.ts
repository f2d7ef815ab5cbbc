/** @file Checkpoint weights as tensors of a graph: transposed, quantised or rounded, and always piece by piece. */
import type { Weight } from './checkpoint.ts';
import { ExportError } from './failure.ts';
import { float32ToFloat16 } from './float-formats.ts';
import { BLOCK, blocksIn, dequantise, quantise } from './quantise.ts';
import { bytesOf, type LazyTensor } from './tensor.ts';

/** Types that floats are computed and stored in. */
export type FloatType = 'float32' | 'float16';

/** How the weights of one export are stored. */
export interface Precision {
  dtype: 'fp32' | 'q4' | 'q4f16';
  /** Rounds weights to 4 bits and back (fp32 only, for tests), so that the graph computes what a q4 export should. */
  roundWeights: boolean;
}

/**
 * The type of attention, its cache and the MLP's gate.
 * @param precision of the export.
 * @returns float16 for q4f16, float32 for the others.
 */
export const computeType = ({ dtype }: Precision): FloatType => (dtype === 'q4f16' ? 'float16' : 'float32');

/**
 * Rounds weights to float16.
 * @param values float32.
 * @param name of the tensor, for the message.
 * @returns bits of float16 values.
 * @throws ExportError for a value that float16 cannot hold.
 */
export function toFloat16(values: Float32Array, name: string): Uint16Array {
  const halves = float32ToFloat16(values);
  for (let i = 0; i < halves.length; i++)
    if (((halves[i] as number) & 0x7c00) === 0x7c00)
      throw new ExportError(`${name} holds ${String(values[i])}, which 16-bit floats cannot: export as q4 instead.`);
  return halves;
}

const store = (values: Float32Array, type: FloatType, name: string): Uint8Array =>
  bytesOf(type === 'float16' ? toFloat16(values, name) : values);

/**
 * Makes a tensor of a weight as it is.
 * @param name of the tensor.
 * @param weight of the checkpoint.
 * @param options another shape or type, and a change that is applied to each piece.
 * @returns the tensor.
 */
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

/**
 * Makes the tensor of a norm, whose weight is stored as w and used as 1 + w (transformers Gemma3RMSNorm).
 * @param name of the tensor.
 * @param weight of the checkpoint.
 * @returns float32 [size].
 */
export const normTensor = (name: string, weight: Weight): LazyTensor =>
  plainTensor(name, weight, { change: (values) => values.map((w) => 1 + w) });

const columnsOf = (weight: Weight): number => weight.shape.at(-1) ?? 1;

/**
 * Makes a change that rounds rows to 4 bits and back.
 * @param weight whose rows they are.
 * @returns a function from float32 [rows, columns] to the same shape.
 */
export const roundedRows = (weight: Weight) => (values: Float32Array) =>
  dequantise(quantise(values, columnsOf(weight)), columnsOf(weight));

/**
 * Makes the tensor of an embedding table in fp32, rounded to 4 bits and back where the export asks for it.
 * @param name of the tensor.
 * @param weight of the checkpoint.
 * @param precision of the export.
 * @returns float32 [vocabSize, hiddenSize].
 */
export function tableTensor(name: string, weight: Weight, precision: Precision): LazyTensor {
  const round = precision.roundWeights && columnsOf(weight) % BLOCK === 0;
  return plainTensor(name, weight, round ? { change: roundedRows(weight) } : {});
}

/**
 * Makes the tensor of a linear layer as MatMul takes it, transposed.
 * @param name of the tensor.
 * @param weight [outputs, inputs].
 * @param options whether to round to 4 bits and back.
 * @returns float32 [inputs, outputs].
 */
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
 * Makes the tensors of a matrix in 4 bits. The scales are collected while the values are written, and so have to be written
 * after them.
 * @param name that the tensors' names begin with.
 * @param weight [rows, columns].
 * @param options type and shape of the scales, and a number of rows up to which zeros are added.
 * @returns packed values uint8 [rows, blocks, 16], and scales.
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
