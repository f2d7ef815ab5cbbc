/**
 * What our kernels need of a decoder graph: which weights play which part in which layer. Found by following the
 * graph's values from each attention, not by names, so that others' exports are understood where they compute the same;
 * whatever is not exactly Gemma 3 in 4 bits (biases, capped logits, other widths) is left to onnxruntime.
 */
import type { Gemma3Config } from '../../../protocol/gemma3-config.ts';
import { ELEMENT, type OnnxGraph, type OnnxNode, type StoredTensor } from './graph.ts';

/** A 4-bit matrix in blocks of 32 columns. */
export interface PackedMatrix {
  rows: number;
  columns: number;
  /** uint8 [rows, columns / 32, 16] */
  values: StoredTensor;
  /** float32 [rows, columns / 32] */
  scales: StoredTensor;
  /** uint8 [rows, ceil(columns / 64)]: what stands for 0, in 4 bits each; null: 8 everywhere. */
  zeros: StoredTensor | null;
}

export interface LayerWeights {
  /** Names of the cache's inputs. */
  key: string;
  value: string;
  /** Tokens that a query sees, itself included; null: all. */
  window: number | null;
  /** RMSNorm weights, as factors: float32. */
  inputNorm: StoredTensor;
  qNorm: StoredTensor;
  kNorm: StoredTensor;
  postAttentionNorm: StoredTensor;
  preFeedforwardNorm: StoredTensor;
  postFeedforwardNorm: StoredTensor;
  q: PackedMatrix;
  k: PackedMatrix;
  v: PackedMatrix;
  out: PackedMatrix;
  gate: PackedMatrix;
  up: PackedMatrix;
  down: PackedMatrix;
}

export interface DecoderWeights {
  layers: LayerWeights[];
  finalNorm: StoredTensor;
  /** Rows are tokens. Of the same values, but some exports hold them twice. */
  head: PackedMatrix;
  embedding: PackedMatrix;
  /** The graph lets a picture's tokens see each other. */
  bidirectionalImages: boolean;
}

/** All tensors that kernels read. */
export function weightsOf({ layers, finalNorm, head, embedding }: DecoderWeights): StoredTensor[] {
  const matrix = ({ values, scales, zeros }: PackedMatrix) => [values, scales, ...(zeros ? [zeros] : [])];
  const ofLayer = (layer: LayerWeights) => [
    ...[
      layer.inputNorm,
      layer.qNorm,
      layer.kNorm,
      layer.postAttentionNorm,
      layer.preFeedforwardNorm,
      layer.postFeedforwardNorm,
    ],
    ...[layer.q, layer.k, layer.v, layer.out, layer.gate, layer.up, layer.down].flatMap(matrix),
  ];
  return [...layers.flatMap(ofLayer), finalNorm, ...matrix(head), ...matrix(embedding)];
}

const BLOCK = 32;
/** A residual value goes through these and stays what it is. */
const SHAPING = new Set(['Reshape', 'Identity', 'Slice']);
const NORM = 'SimplifiedLayerNormalization';
/** The same function: tanh's approximation of GELU. */
const GELUS: readonly string[] = ['Gelu', 'FastGelu'];

/** The graph is another than this file knows. */
class GraphMismatch extends Error {}

function must<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new GraphMismatch(what);
  return value;
}

/** Some exports add and normalise in one node. */
function apart(node: OnnxNode): OnnxNode[] {
  const [input = '', skip = '', weight = '', bias = ''] = node.inputs;
  if (node.opType !== `Skip${NORM}` || bias !== '') return [node];
  const [normed = '', , , named = ''] = node.outputs;
  const sum = named || `${node.name} sum`;
  const plain = { domain: '', integers: node.integers };
  return [
    { ...plain, name: `${node.name} Add`, opType: 'Add', inputs: [input, skip], outputs: [sum] },
    { ...plain, name: node.name, opType: NORM, inputs: [sum, weight], outputs: [normed] },
  ];
}

class Tracer {
  private readonly makers = new Map<string, OnnxNode>();
  private readonly readers = new Map<string, OnnxNode[]>();

  constructor(private readonly graph: OnnxGraph) {
    for (const node of graph.nodes.flatMap(apart)) {
      for (const output of node.outputs) this.makers.set(output, node);
      for (const input of new Set(node.inputs)) this.readers.set(input, [...(this.readers.get(input) ?? []), node]);
    }
  }

  /** The node that computes a value, before it was given other shapes. */
  maker(value: string | undefined, opType: string): OnnxNode {
    let node = this.makers.get(value ?? '');
    while (node && SHAPING.has(node.opType)) node = this.makers.get(node.inputs[0] ?? '');
    if (node?.opType !== opType) throw new GraphMismatch(`${value} is made by ${node?.opType}, not ${opType}`);
    return node;
  }

  /** The nodes of a kind that read a value, in other shapes too, or through an If that may replace some of it. */
  reading(value: string | undefined, opType: string): OnnxNode[] {
    const name = must(value, 'a value without a name');
    const found: OnnxNode[] = [];
    for (const node of [...(this.readers.get(name) ?? []), ...this.graph.readInside(name)])
      if (node.opType === opType) found.push(node);
      else if (SHAPING.has(node.opType) || node.opType === 'If') found.push(...this.reading(node.outputs[0], opType));
    return found;
  }

  only(value: string | undefined, opType: string): OnnxNode {
    const [node, ...others] = this.reading(value, opType);
    if (!node || others.length > 0)
      throw new GraphMismatch(`${value} is read by ${others.length + (node ? 1 : 0)} ${opType}`);
    return node;
  }

  matrix(node: OnnxNode): PackedMatrix {
    const { integers, inputs, opType } = node;
    const [rows, columns] = [must(integers.get('N'), 'N'), must(integers.get('K'), 'K')];
    const [, values, scales, zeros, ...others] = inputs;
    const inFours = opType === 'MatMulNBits' && integers.get('bits') === 4 && integers.get('block_size') === BLOCK;
    if (!inFours || columns % BLOCK !== 0 || others.some((name) => name !== ''))
      throw new GraphMismatch(`${node.name} is not in blocks of 4 bits`);
    return { rows, columns, ...this.packed(values, scales, zeros) };
  }

  packed(
    values: string | undefined,
    scales: string | undefined,
    zeros: string | undefined,
  ): Pick<PackedMatrix, 'values' | 'scales' | 'zeros'> {
    return {
      values: this.stored(values, ELEMENT.uint8),
      scales: this.stored(scales, ELEMENT.float32),
      zeros: zeros ? this.stored(zeros, ELEMENT.uint8) : null,
    };
  }

  norm(node: OnnxNode): StoredTensor {
    return this.stored(node.inputs[1], ELEMENT.float32);
  }

  stored(name: string | undefined, dataType: number): StoredTensor {
    const tensor = this.graph.tensor(name ?? '');
    const stored = tensor as StoredTensor | undefined;
    if (stored?.dataType !== dataType || !stored.data) throw new GraphMismatch(`${name} is not stored as expected`);
    return stored;
  }
}

/** Layer `i` around its attention. */
function matchLayer(
  trace: Tracer,
  attention: OnnxNode,
  { text }: Gemma3Config,
): LayerWeights & { from: string; to: string } {
  const [queries, keys, values, key, value] = attention.inputs;
  const [qNorm, kNorm] = [trace.maker(queries, NORM), trace.maker(keys, NORM)];
  const [q, k] = [qNorm, kNorm].map((node) => trace.maker(node.inputs[0], 'MatMulNBits'));
  const v = trace.maker(values, 'MatMulNBits');
  const products = [must(q, 'q'), must(k, 'k'), v];
  const inputNorm = trace.maker(v.inputs[0], NORM);
  if (products.some((node) => trace.maker(node.inputs[0], NORM) !== inputNorm))
    throw new GraphMismatch('several input norms');

  const out = trace.only(attention.outputs[0], 'MatMulNBits');
  const attendedNorm = trace.only(out.outputs[0], NORM);
  const middle = trace.only(attendedNorm.outputs[0], 'Add');
  if (!middle.inputs.includes(inputNorm.inputs[0] ?? '')) throw new GraphMismatch('no residual around the attention');
  const mlpNorm = trace.only(middle.outputs[0], NORM);
  const both = trace.reading(mlpNorm.outputs[0], 'MatMulNBits');
  const gelus = (node: OnnxNode) => GELUS.flatMap((opType) => trace.reading(node.outputs[0], opType));
  const gate = must(
    both.find((node) => gelus(node).length === 1),
    'gate',
  );
  const gelu = must(gelus(gate)[0], 'GELU');
  if (gelu.inputs.slice(1).some((name) => name !== '')) throw new GraphMismatch('a GELU with a bias');
  const up = must(
    both.find((node) => node !== gate),
    'up',
  );
  const product = trace.only(gelu.outputs[0], 'Mul');
  if (both.length !== 2 || !product.inputs.includes(up.outputs[0] ?? '')) throw new GraphMismatch('another MLP');
  const down = trace.only(product.outputs[0], 'MatMulNBits');
  const fedNorm = trace.only(down.outputs[0], NORM);
  const states = trace.only(fedNorm.outputs[0], 'Add');
  if (!states.inputs.includes(middle.outputs[0] ?? '')) throw new GraphMismatch('no residual around the MLP');

  const { integers } = attention;
  const window = integers.get('local_window_size') ?? -1;
  const asConfigured =
    integers.get('num_heads') === text.heads &&
    integers.get('kv_num_heads') === text.kvHeads &&
    integers.get('do_rotary') === 1 &&
    (integers.get('rotary_interleaved') ?? 0) === 0;
  if (!asConfigured) throw new GraphMismatch('the attention is not the configured one');
  return {
    key: must(key, 'past keys'),
    value: must(value, 'past values'),
    window: window > 0 ? window : null,
    inputNorm: trace.norm(inputNorm),
    qNorm: trace.norm(qNorm),
    kNorm: trace.norm(kNorm),
    postAttentionNorm: trace.norm(attendedNorm),
    preFeedforwardNorm: trace.norm(mlpNorm),
    postFeedforwardNorm: trace.norm(fedNorm),
    q: trace.matrix(must(q, 'q')),
    k: trace.matrix(must(k, 'k')),
    v: trace.matrix(v),
    out: trace.matrix(out),
    gate: trace.matrix(gate),
    up: trace.matrix(up),
    down: trace.matrix(down),
    from: must(inputNorm.inputs[0], 'states'),
    to: must(states.outputs[0], 'states'),
  };
}

/** The table whose rows tokens are embedded by. */
function matchEmbedding(graphs: readonly OnnxGraph[], { rows, columns }: PackedMatrix): PackedMatrix {
  for (const graph of graphs)
    for (const { opType, inputs, integers } of graph.nodes) {
      if (opType !== 'GatherBlockQuantized') continue;
      const [values, , scales, zeros] = inputs;
      const table = new Tracer(graph).packed(values, scales, zeros);
      const inFours = integers.get('bits') === 4 && integers.get('block_size') === BLOCK;
      const { dims } = table.values;
      const fits = dims[0] === rows && dims.reduce((all, dim) => all * dim, 2) === rows * columns;
      if (inFours && fits && (integers.get('gather_axis') ?? 0) === 0) return { rows, columns, ...table };
    }
  throw new GraphMismatch('tokens are embedded in another way');
}

const widths = ({ rows, columns }: PackedMatrix): string => `${rows}×${columns}`;

/** Throws unless every matrix is as wide as the configuration says. */
function checkWidths({ layers, head }: DecoderWeights, { text }: Gemma3Config): void {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim, vocabSize } = text;
  const want = (matrix: PackedMatrix, rows: number, columns: number) => {
    if (matrix.rows !== rows || matrix.columns !== columns)
      throw new GraphMismatch(`a matrix of ${widths(matrix)} instead of ${rows}×${columns}`);
  };
  if (layers.length !== text.layers) throw new GraphMismatch(`${layers.length} layers`);
  want(head, vocabSize, hiddenSize);
  for (const [i, { q, k, v, out, gate, up, down, window }] of layers.entries()) {
    want(q, heads * headDim, hiddenSize);
    want(k, kvHeads * headDim, hiddenSize);
    want(v, kvHeads * headDim, hiddenSize);
    want(out, hiddenSize, heads * headDim);
    want(gate, intermediateSize, hiddenSize);
    want(up, intermediateSize, hiddenSize);
    want(down, hiddenSize, intermediateSize);
    if ((gate.zeros === null) !== (up.zeros === null)) throw new GraphMismatch('zeros in one half of the MLP');
    const configured = text.layerTypes[i] === 'sliding_attention' ? text.slidingWindow : null;
    if (window !== configured) throw new GraphMismatch(`layer ${i} sees ${window} tokens`);
  }
}

/**
 * @param decoder the graph with the layers.
 * @param others graphs beside it, one of which may embed tokens.
 * @returns null for graphs that are not understood.
 */
export function matchDecoder(
  decoder: OnnxGraph,
  others: readonly OnnxGraph[],
  config: Gemma3Config,
): DecoderWeights | null {
  try {
    const trace = new Tracer(decoder);
    const layers: LayerWeights[] = [];
    let states: string | undefined;
    for (const node of decoder.nodes) {
      if (node.opType !== 'GroupQueryAttention') continue;
      const { from, to, ...layer } = matchLayer(trace, node, config);
      if (states !== undefined && from !== states) throw new GraphMismatch('layers are not one after another');
      layers.push(layer);
      states = to;
    }
    const finalNorm = trace.only(states, NORM);
    const last = trace.only(finalNorm.outputs[0], 'MatMulNBits');
    if (last.outputs[0] !== 'logits') throw new GraphMismatch('logits are changed');
    const head = trace.matrix(last);
    const embedding = matchEmbedding([decoder, ...others], head);
    const bidirectionalImages = decoder.input('image_rows') !== undefined;
    const model = { layers, finalNorm: trace.norm(finalNorm), head, embedding, bidirectionalImages };
    checkWidths(model, config);
    return model;
  } catch (cause) {
    if (cause instanceof GraphMismatch) return null;
    throw cause;
  }
}
