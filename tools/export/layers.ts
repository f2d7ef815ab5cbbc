/** What text decoder and vision encoder are both built of. */
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

/** What graph parts need to know of the export that they are part of. */
export interface Context {
  graph: GraphBuilder;
  checkpoint: Checkpoint;
  precision: Precision;
  /** The type of attention, its cache and most linear layers' inputs. */
  compute: FloatType;
}

export function createContext(graph: GraphBuilder, checkpoint: Checkpoint, precision: Precision): Context {
  return { graph, checkpoint, precision, compute: computeType(precision) };
}

/** `x` in another type; `x` itself where that is its type. Asked for again, it is the same. */
export function cast(graph: GraphBuilder, x: string, from: FloatType, to: FloatType): string {
  if (from === to) return x;
  const output = `${x}.${to}`;
  return graph.makes(output) ? output : graph.op('Cast', [x], output, { to: DATA_TYPE[to] });
}

/** RMSNorm over the last dimension with weights (1 + w), in and out float32 (transformers Gemma3RMSNorm). */
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

export interface Linear {
  /** Canonical name without `.weight`. */
  weight: string;
  inputs: number;
  outputs: number;
  bias?: boolean;
  /** Type of input and output. */
  type: FloatType;
  /** In 4 bits, widths that blocks do not divide are filled up with zeros: in `paddedWidth` go, or come, so many. */
  padInputs?: boolean;
  padOutputs?: boolean;
}

const padded = (width: number): number => Math.ceil(width / BLOCK) * BLOCK;

/** Whether a linear layer's weights are stored in 4 bits: its inputs must fill whole blocks. */
export const fitsBlocks = ({ inputs, padInputs }: Pick<Linear, 'inputs' | 'padInputs'>): boolean =>
  padInputs === true || inputs % BLOCK === 0;

/** x Wᵀ + b, in 4 bits where blocks divide the input's width, else in float32. */
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
