/** @file Layers that the text decoder and the vision encoder share. */
import type { Checkpoint } from './checkpoint.ts';
import { float, type GraphBuilder } from './graph-builder.ts';
import { BLOCK } from './quantise.ts';
import { DATA_TYPE } from './onnx-proto.ts';
import {
  computeType,
  type FloatType,
  normTensor,
  plainTensor,
  type Precision,
  quantisedTensors,
  transposedTensor,
} from './weights.ts';

/** The graph under construction, and how its weights are stored. */
export interface Context {
  graph: GraphBuilder;
  checkpoint: Checkpoint;
  precision: Precision;
  /** Type of attention, its KV cache, and the inputs of most linear layers. */
  compute: FloatType;
}

/**
 * Makes a context.
 * @param graph the graph to add to.
 * @param checkpoint with the weights.
 * @param precision how weights are stored.
 * @returns the context.
 */
export function createContext(graph: GraphBuilder, checkpoint: Checkpoint, precision: Precision): Context {
  return { graph, checkpoint, precision, compute: computeType(precision) };
}

/**
 * Casts a value. The same cast is added only once.
 * @param graph the graph.
 * @param x name of the value.
 * @param from its type.
 * @param to the type to cast to.
 * @returns the name of the cast value, or `x` itself where the types are equal.
 */
export function cast(graph: GraphBuilder, x: string, from: FloatType, to: FloatType): string {
  if (from === to) return x;
  const output = `${x}.${to}`;
  return graph.makes(output) ? output : graph.op('Cast', [x], output, { to: DATA_TYPE[to] });
}

/**
 * Adds an RMSNorm over the last dimension with the scale 1 + w (transformers Gemma3RMSNorm), as onnxruntime's
 * SimplifiedLayerNormalization.
 * @param context the graph.
 * @param x name of float32 […, size].
 * @param output name for the result.
 * @param norm the weight's canonical name, its size, and epsilon.
 * @returns name of float32 […, size].
 * @throws ExportError where the checkpoint has no such weight.
 */
export function rmsNorm(
  { graph, checkpoint }: Context,
  x: string,
  output: string,
  { weight, size, eps }: { weight: string; size: number; eps: number },
): string {
  const scale = graph.weight(normTensor(weight, checkpoint.weight(weight, [size])));
  return graph.op('SimplifiedLayerNormalization', [x, scale], output, {
    axis: -1,
    epsilon: float(eps),
    stash_type: 1,
  });
}

/** A linear layer. */
export interface Linear {
  /** Canonical name of the weight, without `.weight`. */
  weight: string;
  /** Input features. */
  inputs: number;
  /** Output features. */
  outputs: number;
  bias?: boolean;
  /** Type of input and output. */
  type: FloatType;
  /** In 4 bits, fills the inputs or outputs up with zeros to a whole number of blocks. */
  padInputs?: boolean;
  padOutputs?: boolean;
}

const padded = (width: number): number => Math.ceil(width / BLOCK) * BLOCK;

/**
 * Tells whether a linear layer can be stored in 4 bits: its inputs must fill whole blocks.
 * @param layer the layer.
 * @returns whether they do, or are padded to.
 */
export const fitsBlocks = ({ inputs, padInputs }: Pick<Linear, 'inputs' | 'padInputs'>): boolean =>
  padInputs === true || inputs % BLOCK === 0;

/**
 * Adds a linear layer, x Wᵀ + b: com.microsoft.MatMulNBits with 4-bit weights where blocks divide the input features, else a
 * float32 MatMul.
 * @param context the graph.
 * @param x name of [batch, n, inputs] in the layer's type, with padded inputs where the layer says so.
 * @param output name for the result.
 * @param layer the layer.
 * @returns name of [batch, n, outputs] in the layer's type, with padded outputs where the layer says so.
 * @throws ExportError where the checkpoint has no such weight.
 */
export function linear({ graph, checkpoint, precision }: Context, x: string, output: string, layer: Linear): string {
  const { inputs, type } = layer;
  const weight = checkpoint.weight(`${layer.weight}.weight`, [layer.outputs, inputs]);
  const product = layer.bias ? `${output}.product` : output;
  let outputs = layer.outputs;
  if (precision.dtype !== 'fp32' && fitsBlocks(layer)) {
    if (layer.padOutputs) outputs = padded(outputs);
    const blocks = padded(inputs) / BLOCK;
    const [values, scales] = quantisedTensors(layer.weight, weight, {
      scaleType: type,
      scaleDims: [outputs, blocks],
      rows: outputs,
    });
    graph.op('MatMulNBits', [x, graph.weight(values), graph.weight(scales)], product, {
      K: blocks * BLOCK,
      N: outputs,
      bits: 4,
      block_size: BLOCK,
    });
  } else {
    const round = precision.roundWeights && fitsBlocks(layer);
    const matrix = graph.weight(transposedTensor(`${layer.weight}.weight`, weight, { round }));
    const wide = type === 'float32' ? product : `${product}.float32`;
    graph.op('MatMul', [cast(graph, x, type, 'float32'), matrix], wide);
    if (wide !== product) graph.op('Cast', [wide], product, { to: DATA_TYPE[type] });
  }
  if (!layer.bias) return output;
  const bias = checkpoint.weight(`${layer.weight}.bias`, [layer.outputs]);
  const change = (values: Float32Array) => {
    const filled = new Float32Array(outputs);
    filled.set(values);
    return filled;
  };
  const tensor = plainTensor(`${layer.weight}.bias`, bias, { dims: [outputs], type, change });
  return graph.op('Add', [product, graph.weight(tensor)], output);
}
