/**
 * Finds the weights that our kernels need in a decoder graph: which tensor plays which part in which layer. They are found by
 * following the graph's values from each attention and not by names, so that exports by others match where they compute the
 * same. A graph that is not exactly Gemma 3 as its configuration says, in 4 bits with float32 scales, does not match and is
 * left to onnxruntime: other attributes, RoPE tables or factors, biases, capped logits, other widths.
 */
import type { Gemma3Config, LayerType, TextConfig } from '../../../protocol/gemma3-config.ts';
import { ELEMENT, type OnnxGraph, type OnnxNode, type StoredTensor } from './graph.ts';
import { type DataFiles, matchesRope, type RopeValues, scalarOf } from './match-rope.ts';
import {
  attentionRule,
  BLOCK,
  gatherRule,
  GELU_RULES,
  matMulRule,
  mismatch,
  normRule,
  type OperatorRule,
  plainRule,
  skipNormRule,
} from './operator-rules.ts';

/** A 4-bit matrix in blocks of 32 columns. */
export interface PackedMatrix {
  rows: number;
  columns: number;
  /** uint8 [rows, columns / 32, 16] */
  values: StoredTensor;
  /** float32 [rows, columns / 32] */
  scales: StoredTensor;
  /** Zero points, uint8 [rows, ceil(columns / 64)], two 4-bit numbers a byte; null: 8 everywhere. */
  zeros: StoredTensor | null;
}

export interface LayerWeights {
  /** Names of the cache's inputs. */
  key: string;
  value: string;
  /** Number of tokens that a query attends to, itself included; null: all. */
  window: number | null;
  /** RMSNorm weights as they are multiplied with, 1 + w of the checkpoint: float32 [hiddenSize], [headDim] for q and k. */
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
  /** [vocabSize, hiddenSize]. Gemma 3 ties both matrices, but some exports store them twice. */
  head: PackedMatrix;
  embedding: PackedMatrix;
  /** Whether the tokens of an image attend to each other in both directions. */
  bidirectionalImages: boolean;
}

/**
 * Lists all tensors that the kernels read.
 * @param weights a decoder's weights
 * @returns the tensors; those that layers share come more than once
 */
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

/** Operators that give a value another shape, or take some of its rows, and do not change its numbers. */
const SHAPING = new Set(['Reshape', 'Identity', 'Slice']);
const NORM = 'SimplifiedLayerNormalization';
const SKIP_NORM = 'SkipSimplifiedLayerNormalization';
const ATTENTION = 'GroupQueryAttention';
/** Inputs of GroupQueryAttention. Later ones (attention_bias, head_sink, k_scale, …) change what it computes. */
const ATTENTION_INPUTS = { cos: 7, sin: 8, positions: 9 } as const;
/** Bytes of an element of the types that weights have. */
const ELEMENT_BYTES = { [ELEMENT.uint8]: 1, [ELEMENT.float32]: 4 } as const;
/** Relative difference of √hiddenSize from the factor of a graph, which some exporters round to 2 decimals or to fp16. */
const SCALE_TOLERANCE = 2 ** -11;

/** The graph computes something else than the kernels; the message says where. */
class GraphMismatch extends Error {}

function must<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new GraphMismatch(`there is no ${what}`);
  return value;
}

function mustMatch(node: OnnxNode, rule: OperatorRule): void {
  const reason = mismatch(node, rule);
  if (reason !== null) throw new GraphMismatch(reason);
}

/** Refuses a node that has optional inputs which the kernels do not implement. */
function mustBeAbsent(node: OnnxNode, inputs: readonly (string | undefined)[]): void {
  if (inputs.some((name) => name)) throw new GraphMismatch(`${node.name} has inputs that are not known`);
}

/** A node that adds and normalises, as two nodes; other nodes, and such nodes that do not match, stay as they are. */
function separateSums(node: OnnxNode, text: TextConfig): OnnxNode[] {
  const [input = '', skip = '', weight = '', ...others] = node.inputs;
  if (node.opType !== SKIP_NORM || others.some((name) => name) || mismatch(node, skipNormRule(text)) !== null)
    return [node];
  const [normed = '', , , named = ''] = node.outputs;
  const sum = named || `${node.name} sum`;
  return [
    { name: sum, opType: 'Add', domain: '', inputs: [input, skip], outputs: [sum], attributes: new Map() },
    { ...node, opType: NORM, domain: '', inputs: [sum, weight], outputs: [normed] },
  ];
}

/** Follows the values of a graph from node to node, and checks the nodes that it finds. */
class Tracer {
  private readonly producers = new Map<string, OnnxNode>();
  private readonly consumers = new Map<string, OnnxNode[]>();

  constructor(
    readonly graph: OnnxGraph,
    private readonly text: TextConfig,
  ) {
    for (const node of graph.nodes.flatMap((one) => separateSums(one, text))) {
      for (const output of node.outputs) this.producers.set(output, node);
      for (const input of new Set(node.inputs)) this.consumers.set(input, [...(this.consumers.get(input) ?? []), node]);
    }
  }

  /** The name of a value that is an input of the graph. */
  input(name: string | undefined): string {
    return must(this.graph.input(name ?? ''), `input ${name}`).name;
  }

  /** The node that makes a value. */
  producer(value: string): OnnxNode | undefined {
    return this.producers.get(value);
  }

  /** The node of a kind that computes a value, perhaps in another shape. */
  source(value: string | undefined, opType: string): OnnxNode {
    let node = this.producer(value ?? '');
    while (node && SHAPING.has(node.opType)) node = this.producer(node.inputs[0] ?? '');
    if (node?.opType !== opType) throw new GraphMismatch(`${value} is made by ${node?.opType}, not ${opType}`);
    return node;
  }

  /** The nodes of a kind that read a value, perhaps in another shape or after an If that replaces some of its rows. */
  readers(value: string | undefined, opType: string): OnnxNode[] {
    const name = must(value, 'name of a value');
    const found: OnnxNode[] = [];
    for (const node of [...(this.consumers.get(name) ?? []), ...this.graph.readInside(name)])
      if (node.opType === opType) found.push(node);
      else if (SHAPING.has(node.opType) || node.opType === 'If') found.push(...this.readers(node.outputs[0], opType));
    return found;
  }

  /** The one node of a kind that reads a value. */
  reader(value: string | undefined, opType: string): OnnxNode {
    const [node, ...others] = this.readers(value, opType);
    if (!node || others.length > 0)
      throw new GraphMismatch(`${value} is read by ${others.length + (node ? 1 : 0)} ${opType}`);
    return node;
  }

  /** The one sum of two values that reads a value. */
  sum(value: string | undefined): OnnxNode {
    const node = this.reader(value, 'Add');
    mustMatch(node, plainRule('Add'));
    return node;
  }

  /** The 4-bit matrix of a product. */
  matrix(node: OnnxNode, rows: number, columns: number): PackedMatrix {
    mustMatch(node, matMulRule(rows, columns));
    const [, values, scales, zeros, ...others] = node.inputs;
    mustBeAbsent(node, others);
    return this.packed({ values, scales, zeros }, rows, columns);
  }

  /** The tensors of a 4-bit matrix, by their names. */
  packed(
    { values, scales, zeros }: Record<'values' | 'scales' | 'zeros', string | undefined>,
    rows: number,
    columns: number,
  ): PackedMatrix {
    if (columns % BLOCK !== 0) throw new GraphMismatch(`${values} has rows that are not whole blocks`);
    const blocks = columns / BLOCK;
    return {
      rows,
      columns,
      values: this.stored(values, ELEMENT.uint8, (rows * columns) / 2),
      scales: this.stored(scales, ELEMENT.float32, rows * blocks),
      zeros: zeros ? this.stored(zeros, ELEMENT.uint8, rows * Math.ceil(blocks / 2)) : null,
    };
  }

  /** The weights of an RMSNorm, float32 [size]. */
  norm(node: OnnxNode, size: number): StoredTensor {
    mustMatch(node, normRule(this.text));
    const [, weight, ...others] = node.inputs;
    mustBeAbsent(node, others);
    return this.stored(weight, ELEMENT.float32, size);
  }

  /** An initialiser of this type and number of elements, with just as many bytes in the graph or a data file. */
  stored(name: string | undefined, dataType: keyof typeof ELEMENT_BYTES, elements: number): StoredTensor {
    const tensor = must(this.graph.tensor(name ?? ''), `initialiser ${name}`);
    const { dims, data } = tensor;
    if (tensor.dataType !== dataType || dims.reduce((all, dim) => all * dim, 1) !== elements)
      throw new GraphMismatch(`${name} has ${dims.join('×')} elements of type ${tensor.dataType}`);
    if (!data || data.length !== elements * ELEMENT_BYTES[dataType])
      throw new GraphMismatch(`${name} has ${data?.length} bytes`);
    return { ...tensor, data };
  }
}

/** A layer, the names of the values that go in and come out, and those that its attention rotates by. */
interface MatchedLayer {
  weights: LayerWeights;
  from: string;
  to: string;
  rope: RopeValues & { layerType: LayerType };
}

/** Checks an attention by itself: attributes and inputs. */
function matchAttention(trace: Tracer, attention: OnnxNode, text: TextConfig, layerType: LayerType): RopeValues {
  mustMatch(attention, attentionRule(text, layerType));
  const { inputs, outputs } = attention;
  const positions = inputs[ATTENTION_INPUTS.positions];
  // An input of positions is fed with consecutive numbers.
  if (positions) trace.input(positions);
  mustBeAbsent(attention, inputs.slice(ATTENTION_INPUTS.positions + 1));
  if (outputs.slice(3).some((name) => name))
    throw new GraphMismatch(`${attention.name} has outputs that are not known`);
  return {
    cos: must(inputs[ATTENTION_INPUTS.cos], 'table of cosines'),
    sin: must(inputs[ATTENTION_INPUTS.sin], 'table of sines'),
  };
}

/** The GELU that reads a value; null where none does, or several. */
function geluOf(trace: Tracer, value: string | undefined): OnnxNode | null {
  const opTypes = new Set(GELU_RULES.map(({ opType }) => opType));
  const [gelu, ...others] = [...opTypes].flatMap((opType) => trace.readers(value, opType));
  return gelu && others.length === 0 ? gelu : null;
}

/** The layer around an attention. */
function matchLayer(trace: Tracer, attention: OnnxNode, text: TextConfig, layerType: LayerType): MatchedLayer {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim } = text;
  const ropeValues = matchAttention(trace, attention, text, layerType);
  const [queries, keys, values, key, value] = attention.inputs;
  const [qNorm, kNorm] = [trace.source(queries, NORM), trace.source(keys, NORM)];
  const q = trace.source(qNorm.inputs[0], 'MatMulNBits');
  const k = trace.source(kNorm.inputs[0], 'MatMulNBits');
  const v = trace.source(values, 'MatMulNBits');
  const inputNorm = trace.source(v.inputs[0], NORM);
  if ([q, k].some((node) => trace.source(node.inputs[0], NORM) !== inputNorm))
    throw new GraphMismatch('queries, keys and values have different input norms');

  const out = trace.reader(attention.outputs[0], 'MatMulNBits');
  const postAttentionNorm = trace.reader(out.outputs[0], NORM);
  const middle = trace.sum(postAttentionNorm.outputs[0]);
  if (!middle.inputs.includes(inputNorm.inputs[0] ?? ''))
    throw new GraphMismatch('there is no residual connection around the attention');

  const preFeedforwardNorm = trace.reader(middle.outputs[0], NORM);
  const both = trace.readers(preFeedforwardNorm.outputs[0], 'MatMulNBits');
  const gate = must(
    both.find((node) => geluOf(trace, node.outputs[0])),
    'gate',
  );
  const gelu = must(geluOf(trace, gate.outputs[0]), 'GELU');
  const geluMismatches = GELU_RULES.map((rule) => mismatch(gelu, rule));
  if (!geluMismatches.includes(null)) throw new GraphMismatch(geluMismatches.join('; '));
  mustBeAbsent(gelu, gelu.inputs.slice(1));
  const up = must(
    both.find((node) => node !== gate),
    'second matrix of the MLP',
  );
  const product = trace.reader(gelu.outputs[0], 'Mul');
  mustMatch(product, plainRule('Mul'));
  if (both.length !== 2 || !product.inputs.includes(up.outputs[0] ?? ''))
    throw new GraphMismatch('the MLP is not the product of two matrices');
  const down = trace.reader(product.outputs[0], 'MatMulNBits');
  const postFeedforwardNorm = trace.reader(down.outputs[0], NORM);
  const states = trace.sum(postFeedforwardNorm.outputs[0]);
  if (!states.inputs.includes(middle.outputs[0] ?? ''))
    throw new GraphMismatch('there is no residual connection around the MLP');

  const weights: LayerWeights = {
    key: trace.input(key),
    value: trace.input(value),
    window: layerType === 'sliding_attention' ? text.slidingWindow : null,
    inputNorm: trace.norm(inputNorm, hiddenSize),
    qNorm: trace.norm(qNorm, headDim),
    kNorm: trace.norm(kNorm, headDim),
    postAttentionNorm: trace.norm(postAttentionNorm, hiddenSize),
    preFeedforwardNorm: trace.norm(preFeedforwardNorm, hiddenSize),
    postFeedforwardNorm: trace.norm(postFeedforwardNorm, hiddenSize),
    q: trace.matrix(q, heads * headDim, hiddenSize),
    k: trace.matrix(k, kvHeads * headDim, hiddenSize),
    v: trace.matrix(v, kvHeads * headDim, hiddenSize),
    out: trace.matrix(out, hiddenSize, heads * headDim),
    gate: trace.matrix(gate, intermediateSize, hiddenSize),
    up: trace.matrix(up, intermediateSize, hiddenSize),
    down: trace.matrix(down, hiddenSize, intermediateSize),
  };
  // One kernel computes both.
  if ((weights.gate.zeros === null) !== (weights.up.zeros === null))
    throw new GraphMismatch('one half of the MLP has zero points, the other has none');
  return {
    weights,
    from: must(inputNorm.inputs[0], 'input of the layer'),
    to: must(states.outputs[0], 'output of the layer'),
    rope: { ...ropeValues, layerType },
  };
}

/**
 * The table whose rows, times √hiddenSize, are the first layer's input.
 * @param states the name of that input: a value of `decoder`, or one that another graph gives.
 */
function matchEmbedding(
  decoder: OnnxGraph,
  others: readonly OnnxGraph[],
  states: string,
  text: TextConfig,
): PackedMatrix {
  const graph = decoder.input(states) ? others.find((other) => other.output(states)) : decoder;
  const trace = new Tracer(must(graph, 'graph that embeds tokens'), text);
  const product = trace.source(states, 'Mul');
  mustMatch(product, plainRule('Mul'));
  const rows = must(
    product.inputs.find((name) => scalarOf(trace.graph, name) === null),
    'embedding',
  );
  const factor = product.inputs.map((name) => scalarOf(trace.graph, name)).find((number) => number !== null);
  const expected = Math.sqrt(text.hiddenSize);
  if (!(Math.abs(must(factor, 'factor of embeddings') - expected) <= SCALE_TOLERANCE * expected))
    throw new GraphMismatch(`embeddings are multiplied by ${factor}`);
  const gather = trace.source(rows, 'GatherBlockQuantized');
  const [values, , scales, zeros, ...more] = gather.inputs;
  mustBeAbsent(gather, more);
  const table = trace.packed({ values, scales, zeros }, text.vocabSize, text.hiddenSize);
  const { dims } = table.values;
  mustMatch(gather, gatherRule(dims.length));
  if (dims[0] !== text.vocabSize) throw new GraphMismatch(`the table has ${dims[0]} rows`);
  return table;
}

interface Match {
  weights: DecoderWeights;
  trace: Tracer;
  ropes: MatchedLayer['rope'][];
}

/** Matches everything but the values of RoPE tables. @throws GraphMismatch */
function match(decoder: OnnxGraph, others: readonly OnnxGraph[], { text }: Gemma3Config): Match {
  const trace = new Tracer(decoder, text);
  const attentions = decoder.nodes.filter(({ opType }) => opType === ATTENTION);
  if (attentions.length !== text.layers)
    throw new GraphMismatch(`${attentions.length} layers instead of ${text.layers}`);
  const layers = attentions.map((node, i) => matchLayer(trace, node, text, text.layerTypes[i] ?? 'full_attention'));
  for (const [i, { from }] of layers.entries())
    if (i > 0 && from !== layers[i - 1]?.to) throw new GraphMismatch('layers are not one after another');
  const finalNorm = trace.reader(layers.at(-1)?.to, NORM);
  const last = trace.reader(finalNorm.outputs[0], 'MatMulNBits');
  if (last.outputs[0] !== 'logits') throw new GraphMismatch('something is computed of the logits, such as a soft cap');
  const weights = {
    layers: layers.map((layer) => layer.weights),
    finalNorm: trace.norm(finalNorm, text.hiddenSize),
    head: trace.matrix(last, text.vocabSize, text.hiddenSize),
    embedding: matchEmbedding(decoder, others, must(layers[0], 'layer').from, text),
    bidirectionalImages: decoder.input('image_rows') !== undefined,
  };
  return { weights, trace, ropes: layers.map(({ rope }) => rope) };
}

/** Checks that all layers rotate by the angles of the configuration. Layers of one type share their tables. */
async function matchRopes({ trace, ropes }: Match, { text }: Gemma3Config, files: DataFiles): Promise<void> {
  const distinct = new Map(ropes.map((rope) => [JSON.stringify(rope), rope]));
  for (const { cos, sin, layerType } of distinct.values()) {
    const expected = { rope: text.rope[layerType], headDim: text.headDim };
    const producer = (value: string) => trace.producer(value);
    if (!(await matchesRope(trace.graph, producer, { cos, sin }, expected, files)))
      throw new GraphMismatch(`${cos} and ${sin} are not the RoPE of ${layerType}`);
  }
}

/**
 * Finds the weights of a decoder that the kernels can run.
 * @param decoder the graph with the layers.
 * @param others graphs beside it, one of which may embed tokens.
 * @param config the model's configuration; the graph must compute exactly what it says.
 * @param files the graphs' data files, of which a few rows are read where RoPE tables are stored in them.
 * @returns null for a graph that does not match; console.debug says why. Rejects with whatever reading a file does.
 */
export async function matchDecoder(
  decoder: OnnxGraph,
  others: readonly OnnxGraph[],
  config: Gemma3Config,
  files: DataFiles,
): Promise<DecoderWeights | null> {
  try {
    const matched = match(decoder, others, config);
    await matchRopes(matched, config, files);
    return matched.weights;
  } catch (cause) {
    if (!(cause instanceof GraphMismatch)) throw cause;
    console.debug('The graph is left to onnxruntime:', cause.message);
    return null;
  }
}
