/**
 * @file The table of token embeddings, which is also the matrix of the language-model head (Gemma 3 ties them). In 4 bits
 * both operators read one pair of tensors, so that the largest matrix of a small model is stored, fetched and held once.
 */
import { BLOCK } from './quantise.ts';
import { cast, type Context } from './layers.ts';
import { DATA_TYPE } from './onnx-proto.ts';
import type { LazyTensor } from './tensor.ts';
import { quantisedTensors, tableTensor } from './weights.ts';

/** A matrix [vocabSize, hiddenSize]. */
export interface EmbeddingTable {
  /** Canonical name of the weight, with `.weight`. */
  weight: string;
  vocabSize: number;
  hiddenSize: number;
}

/**
 * Tensors of a table: values uint8 [vocabSize, blocks, 16] with scales [vocabSize, blocks] in the compute type, or float32
 * values [vocabSize, hiddenSize] alone.
 */
function tableTensors(
  { checkpoint, precision, compute }: Context,
  { weight, vocabSize, hiddenSize }: EmbeddingTable,
): { values: LazyTensor; scales: LazyTensor | null } {
  const source = checkpoint.weight(weight, [vocabSize, hiddenSize]);
  if (precision.dtype === 'fp32' || hiddenSize % BLOCK !== 0)
    return { values: tableTensor(weight, source, precision), scales: null };
  const scaleDims = [vocabSize, hiddenSize / BLOCK];
  const [values, scales] = quantisedTensors(weight, source, { scaleType: compute, scaleDims });
  return { values, scales };
}

/**
 * Adds the embedding of tokens, scaled by √hidden (transformers Gemma3TextScaledWordEmbedding). Quantised tables are read
 * with com.microsoft.GatherBlockQuantized.
 * @param context the graph.
 * @param ids name of int64 [batch, sequence].
 * @param output name for the result.
 * @param table the embedding table.
 * @returns name of float32 [batch, sequence, hiddenSize].
 * @throws ExportError where the checkpoint has no such table.
 */
export function embed(context: Context, ids: string, output: string, table: EmbeddingTable): string {
  const { graph, compute } = context;
  const { values: valuesTensor, scales } = tableTensors(context, table);
  const values = graph.weight(valuesTensor);
  let rows: string;
  if (scales) {
    // GatherBlockQuantized wants a third dimension of the scales and MatMulNBits does not: one tensor, two shapes.
    const view = graph.weight(scales, [table.vocabSize, table.hiddenSize / BLOCK, 1]);
    graph.op('GatherBlockQuantized', [values, ids, view], `${output}.blocks`, {
      bits: 4,
      block_size: BLOCK,
      gather_axis: 0,
      quantize_axis: 2,
    });
    const flat = graph.op('Reshape', [`${output}.blocks`, graph.ints([0, 0, table.hiddenSize])], `${output}.flat`);
    rows = cast(graph, flat, compute, 'float32');
  } else rows = graph.op('Gather', [values, ids], `${output}.rows`, { axis: 0 });
  return graph.op('Mul', [rows, graph.scalar(Math.sqrt(table.hiddenSize))], output);
}

/**
 * Adds the language-model head, x Wᵀ. Quantised tables are read with com.microsoft.MatMulNBits.
 * @param context the graph.
 * @param x name of float32 [batch, n, hiddenSize].
 * @param output name for the result.
 * @param table the head's matrix.
 * @returns name of the logits, float32 [batch, n, vocabSize].
 * @throws ExportError where the checkpoint has no such matrix.
 */
export function lmHead(context: Context, x: string, output: string, table: EmbeddingTable): string {
  const { graph, compute } = context;
  const { values: valuesTensor, scales } = tableTensors(context, table);
  const values = graph.weight(valuesTensor);
  if (scales) {
    const product = compute === 'float32' ? output : `${output}.narrow`;
    graph.op('MatMulNBits', [cast(graph, x, 'float32', compute), values, graph.weight(scales)], product, {
      K: table.hiddenSize,
      N: table.vocabSize,
      bits: 4,
      block_size: BLOCK,
    });
    if (product !== output) graph.op('Cast', [product], output, { to: DATA_TYPE.float32 });
    return output;
  }
  // Gemm reads the table without transposing it, but takes only two dimensions.
  const flat = graph.op('Reshape', [x, graph.ints([-1, table.hiddenSize])], `${output}.rows`);
  const product = graph.op('Gemm', [flat, values], `${output}.product`, { transB: 1 });
  const shape = graph.op('Shape', [x], `${output}.lengths`, { start: 0, end: 2 });
  const full = graph.op('Concat', [shape, graph.ints([table.vocabSize])], `${output}.shape`, { axis: 0 });
  return graph.op('Reshape', [product, full], output);
}
