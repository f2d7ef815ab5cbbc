/**
 * The table of token embeddings, which is also the head's matrix (Gemma 3 ties them): in 4 bits both operators read
 * one pair of tensors, so that the largest matrix of a small model is stored, fetched and held once.
 */
import { BLOCK } from './quantise.ts';
import { cast, type Context } from './layers.ts';
import { DATA_TYPE } from './onnx-proto.ts';
import type { LazyTensor } from './tensor.ts';
import { quantisedTensors, tableTensor } from './weights.ts';

export interface EmbeddingTable {
  /** Canonical name with `.weight`. */
  weight: string;
  vocabSize: number;
  hiddenSize: number;
}

/** The tensors a table is stored in; scales float [vocabSize, blocks] with uint8 values, or float32 values alone. */
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

/** Embeddings of `ids` [batch, sequence], times √hidden as Gemma does it: float32 [batch, sequence, hidden]. */
export function embed(context: Context, ids: string, output: string, table: EmbeddingTable): string {
  const { graph, compute } = context;
  const { values: valuesTensor, scales } = tableTensors(context, table);
  const values = graph.weight(valuesTensor);
  let rows: string;
  if (scales) {
    // This operator wants the scales' last dimension, MatMulNBits does not: the same bytes under two shapes.
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

/** Logits of hidden states x [batch, n, hidden] float32: float32 [batch, n, vocabSize]. */
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
  // Gemm can read the table as it lies (transposed); it wants two dimensions.
  const flat = graph.op('Reshape', [x, graph.ints([-1, table.hiddenSize])], `${output}.rows`);
  const product = graph.op('Gemm', [flat, values], `${output}.product`, { transB: 1 });
  const shape = graph.op('Shape', [x], `${output}.lengths`, { start: 0, end: 2 });
  const full = graph.op('Concat', [shape, graph.ints([table.vocabSize])], `${output}.shape`, { axis: 0 });
  return graph.op('Reshape', [product, full], output);
}
