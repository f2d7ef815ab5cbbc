import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { type Gemma3Config, parseGemma3Config, type TextConfig } from '../../../protocol/gemma3-config.ts';
import known from '../model/self-test/decoder/known-answer.json';
import { ELEMENT, intAttributes, type OnnxAttribute, OnnxGraph, type OnnxNode, type StoredTensor } from './graph.ts';
import { matchDecoder } from './match-decoder.ts';
import type { DataFiles } from './match-rope.ts';
import { asPublicExport } from './testing/public-form.ts';

const at = (path: string) => new URL(path, import.meta.url);
const bytesAt = async (path: string) => new Uint8Array(await readFile(at(path)));
const graphAt = async (path: string) => new OnnxGraph(await bytesAt(path));

let graphBytes: Uint8Array;
let publicBytes: Uint8Array;
beforeAll(async () => {
  graphBytes = await bytesAt('../model/self-test/decoder/model_q4.onnx');
  const graph = new OnnxGraph(graphBytes);
  asPublicExport(graph, await bytesAt('../model/self-test/decoder/model_q4.onnx_data'));
  publicBytes = graph.encode();
});
/** The self-test's decoder: two layers, the first with a sliding window. */
const ours = () => new OnnxGraph(graphBytes);
const publicForm = () => new OnnxGraph(publicBytes);

const config = parseGemma3Config(known.config);
const withText = (change: Partial<TextConfig>): Gemma3Config => ({ ...config, text: { ...config.text, ...change } });
const NO_FILES: DataFiles = new Map();
/** Why a graph does not match; null where it does. */
async function mismatchOf(graph: OnnxGraph, asked = config, files = NO_FILES): Promise<string | null> {
  const reasons: string[] = [];
  const debug = vi.spyOn(console, 'debug').mockImplementation((_, reason) => void reasons.push(String(reason)));
  const matched = await matchDecoder(graph, [graph], asked, files).finally(() => debug.mockRestore());
  expect(reasons).toHaveLength(matched ? 0 : 1);
  return reasons[0] ?? null;
}
const matches = async (...args: Parameters<typeof mismatchOf>) => (await mismatchOf(...args)) === null;

const int = (value: number): OnnxAttribute => ({ type: 'int', value });
const float = (value: number): OnnxAttribute => ({ type: 'float', value });
const string = (value: string): OnnxAttribute => ({ type: 'string', value });

const nodesOf = (graph: OnnxGraph, opType: string): OnnxNode[] => graph.nodes.filter((node) => node.opType === opType);
function nodeMaking(graph: OnnxGraph, value: string): OnnxNode {
  const node = graph.nodes.find(({ outputs }) => outputs.includes(value));
  if (!node) throw new Error(`nothing makes ${value}`);
  return node;
}
/** Replaces a node by one with another attribute, or without it. */
function setAttribute(graph: OnnxGraph, node: OnnxNode, name: string, attribute: OnnxAttribute | null): void {
  const attributes = new Map(node.attributes);
  if (attribute) attributes.set(name, attribute);
  else attributes.delete(name);
  graph.replace(node, [{ ...node, attributes }]);
}

describe('matchDecoder', () => {
  it.each([
    ['our exporter', ours],
    ['public exports', publicForm],
  ])('finds each layer’s weights in the form of %s', async (_, graphOf) => {
    const graph = graphOf();
    const model = await matchDecoder(graph, [graph], config, NO_FILES);
    expect(model?.layers.map(({ window }) => window)).toEqual([config.text.slidingWindow, null]);
    for (const [i, layer] of (model?.layers ?? []).entries()) {
      expect([layer.key, layer.value]).toEqual([`past_key_values.${i}.key`, `past_key_values.${i}.value`]);
      const named = (tensor: { name: string }, part: string) =>
        expect(tensor.name).toMatch(new RegExp(`layers[._]${i}[._].*${part}`));
      named(layer.q.values, 'q_proj');
      named(layer.k.values, 'k_proj');
      named(layer.v.values, 'v_proj');
      named(layer.out.values, 'o_proj');
      named(layer.gate.values, 'gate_proj');
      named(layer.up.values, 'up_proj');
      named(layer.down.values, 'down_proj');
      named(layer.inputNorm, 'input_layernorm');
      named(layer.qNorm, 'q_norm');
      named(layer.kNorm, 'k_norm');
      named(layer.postAttentionNorm, 'post_attention_layernorm');
      named(layer.preFeedforwardNorm, 'pre_feedforward_layernorm');
      named(layer.postFeedforwardNorm, 'post_feedforward_layernorm');
    }
  });

  it('finds the built-in model’s, whose tokens are embedded by a graph beside', async () => {
    const folder = '../../../public/models/built-in';
    const builtIn = parseGemma3Config(JSON.parse(await readFile(at(`${folder}/config.json`), 'utf8')));
    const decoder = await graphAt(`${folder}/onnx/decoder_model_merged_q4.onnx`);
    const embedding = await graphAt(`${folder}/onnx/embed_tokens_q4.onnx`);
    const found = await matchDecoder(decoder, [decoder, embedding], builtIn, NO_FILES);
    expect(found?.layers).toHaveLength(builtIn.text.layers);
    expect(found?.bidirectionalImages).toBe(true);
    // Nothing else says how tokens become vectors.
    const debug = vi.spyOn(console, 'debug').mockReturnValue();
    expect(await matchDecoder(decoder, [], builtIn, NO_FILES)).toBeNull();
    expect(debug).toHaveBeenCalledExactlyOnceWith(expect.any(String), 'there is no graph that embeds tokens');
    debug.mockRestore();
  });
});

describe('a configuration that says something else than the graph', () => {
  const { text } = config;
  it.each<[string, Partial<TextConfig>, RegExp]>([
    ['more layers', { layers: text.layers + 1 }, /^2 layers instead of 3$/],
    ['fewer layers', { layers: text.layers - 1 }, /^2 layers instead of 1$/],
    ['another window', { slidingWindow: text.slidingWindow + 1 }, /local_window_size is 16$/],
    ['layers in another order', { layerTypes: [...text.layerTypes].reverse() }, /local_window_size/],
    ['other heads', { heads: text.heads * 2 }, /^layer0.attention.causal: num_heads is 2$/],
    ['other key-value heads', { kvHeads: text.kvHeads * 2 }, /kv_num_heads is 1$/],
    ['another head size', { headDim: text.headDim * 2 }, /q_norm.weight has 32 elements of type 1$/],
    ['another width', { hiddenSize: text.hiddenSize * 2 }, /input_layernorm.weight has 64 elements/],
    ['another width of the MLP', { intermediateSize: text.intermediateSize + 32 }, /gate: N is 96$/],
    ['another vocabulary', { vocabSize: text.vocabSize + 1 }, /^logits: N is 512$/],
    ['another epsilon', { rmsNormEps: 1e-5 }, /epsilon is|read by 0 Add/],
    ['another attention scale', { queryPreAttnScalar: text.queryPreAttnScalar * 2 }, /scale is 0.17/],
    [
      'another base',
      { rope: { ...text.rope, sliding_attention: { theta: 11_000, factor: 1 } } },
      /^cos_local and sin_local are not the RoPE of sliding_attention$/,
    ],
    [
      'another base of full layers',
      { rope: { ...text.rope, full_attention: { theta: 1.1e6, factor: 1 } } },
      /^cos_global and sin_global are not the RoPE of full_attention$/,
    ],
    [
      'scaled positions',
      { rope: { ...text.rope, full_attention: { theta: 1e6, factor: 8 } } },
      /RoPE of full_attention$/,
    ],
  ])('does not match: %s', async (_, change, reason) => {
    expect(await mismatchOf(ours(), withText(change))).toMatch(reason);
    expect(await mismatchOf(publicForm(), withText(change))).toMatch(reason);
  });
});

/** For each attribute, values that change what the operator computes, and those that do not. */
interface Alterations {
  opType: string;
  graph: () => OnnxGraph;
  attributes: Record<
    string,
    {
      changed: fc.Arbitrary<OnnxAttribute>;
      same: OnnxAttribute[];
      /** Whether the graph still matches without the attribute. */
      withoutIt: boolean;
    }
  >;
}

const otherInt = (...allowed: number[]) =>
  fc
    .integer()
    .filter((value) => !allowed.includes(value))
    .map(int);
const otherFloat = (...allowed: number[]) =>
  fc
    .float({ noDefaultInfinity: true })
    .filter((value) => !allowed.some((same) => Math.abs(value - same) <= 1e-5 * Math.abs(same)))
    .map(float);
const otherString = (...allowed: string[]) =>
  fc
    .string()
    .filter((value) => !allowed.includes(value))
    .map(string);
const { text } = config;
const SCALE = text.queryPreAttnScalar ** -0.5;

const NORM_ATTRIBUTES: Alterations['attributes'] = {
  axis: { changed: otherInt(-1), same: [int(-1)], withoutIt: true },
  epsilon: { changed: otherFloat(1e-6), same: [float(1e-6)], withoutIt: false },
  stash_type: { changed: otherInt(1), same: [int(1)], withoutIt: true },
};
const ALTERATIONS: readonly Alterations[] = [
  {
    opType: 'GroupQueryAttention',
    graph: ours,
    attributes: {
      num_heads: { changed: otherInt(text.heads), same: [int(text.heads)], withoutIt: false },
      kv_num_heads: { changed: otherInt(text.kvHeads), same: [int(text.kvHeads)], withoutIt: false },
      // The default is 1 / √headDim, which is the scale of this model; 0 stands for it.
      scale: {
        changed: otherFloat(SCALE, 0),
        same: [float(SCALE), float(0)],
        withoutIt: true,
      },
      softcap: { changed: otherFloat(0), same: [float(0)], withoutIt: true },
      do_rotary: { changed: otherInt(1), same: [int(1)], withoutIt: false },
      rotary_interleaved: { changed: otherInt(0), same: [int(0)], withoutIt: true },
      smooth_softmax: { changed: fc.integer({ min: 1 }).map(int), same: [int(0), int(-1)], withoutIt: true },
      qk_output: { changed: otherInt(0), same: [int(0)], withoutIt: true },
      k_quant_type: { changed: otherString('NONE'), same: [string('NONE')], withoutIt: true },
      v_quant_type: { changed: otherString('NONE'), same: [string('NONE')], withoutIt: true },
      kv_cache_bit_width: { changed: fc.constantFrom(float(8), string('8')), same: [int(0), int(8)], withoutIt: true },
    },
  },
  { opType: 'SimplifiedLayerNormalization', graph: ours, attributes: NORM_ATTRIBUTES },
  {
    opType: 'SkipSimplifiedLayerNormalization',
    graph: publicForm,
    attributes: { epsilon: { changed: otherFloat(1e-6), same: [float(1e-6)], withoutIt: false } },
  },
  {
    opType: 'MatMulNBits',
    graph: ours,
    attributes: {
      N: {
        changed: fc.integer().map((n) => int(n === 64 || n === 96 || n === 32 || n === 512 ? 1 : n)),
        same: [],
        withoutIt: false,
      },
      K: { changed: fc.integer().map((n) => int(n === 64 || n === 96 ? 1 : n)), same: [], withoutIt: false },
      bits: { changed: otherInt(4), same: [int(4)], withoutIt: true },
      block_size: { changed: otherInt(32), same: [int(32)], withoutIt: false },
      accuracy_level: {
        changed: fc.constantFrom(float(1), string('4')),
        same: [0, 1, 2, 3, 4].map(int),
        withoutIt: true,
      },
    },
  },
  {
    opType: 'GatherBlockQuantized',
    graph: ours,
    attributes: {
      bits: { changed: otherInt(4), same: [int(4)], withoutIt: true },
      block_size: { changed: otherInt(32), same: [int(32)], withoutIt: false },
      gather_axis: { changed: otherInt(0), same: [int(0)], withoutIt: true },
      quantize_axis: { changed: otherInt(2, -1), same: [int(2), int(-1)], withoutIt: false },
    },
  },
  {
    opType: 'GatherBlockQuantized',
    graph: publicForm,
    attributes: { quantize_axis: { changed: otherInt(1, -1), same: [int(1), int(-1)], withoutIt: true } },
  },
  {
    opType: 'Gelu',
    graph: ours,
    attributes: { approximate: { changed: otherString('tanh'), same: [string('tanh')], withoutIt: false } },
  },
  { opType: 'FastGelu', graph: publicForm, attributes: {} },
];

describe.each(ALTERATIONS)('attributes of $opType', ({ opType, graph: graphOf, attributes }) => {
  /** A graph in which the nth node of the kind has another attribute. */
  const altered = (nth: number, name: string, attribute: OnnxAttribute | null) => {
    const graph = graphOf();
    const node = nodesOf(graph, opType)[nth];
    if (!node) throw new Error(`no ${opType} ${nth}`);
    setAttribute(graph, node, name, attribute);
    return graph;
  };
  const places = () => [...nodesOf(graphOf(), opType).keys()];
  // Such a sum of two values is not taken apart, and then there is no Add where one is looked for.
  const reasonFor = (name: string) =>
    opType.startsWith('Skip') ? /is read by 0 Add$/ : new RegExp(`: ${name} is |has an attribute ${name}(;|$)`);

  it.each(Object.entries(attributes))('%s: a node does not match with another value', async (name, { changed }) => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places()), changed, async (nth, attribute) => {
        expect(await mismatchOf(altered(nth, name, attribute))).toMatch(reasonFor(name));
      }),
      { numRuns: 25 },
    );
    // Every place, whichever the random ones were.
    const [sample] = fc.sample(changed, 1);
    for (const nth of places())
      expect(await mismatchOf(altered(nth, name, sample ?? null)), `${opType} ${nth}`).toMatch(reasonFor(name));
  });

  it.each(Object.entries(attributes))('%s: a value of the same meaning matches', async (name, { same, withoutIt }) => {
    for (const nth of places()) {
      for (const attribute of same) expect(await matches(altered(nth, name, attribute))).toBe(true);
      expect(await matches(altered(nth, name, null)), `${opType} ${nth} without it`).toBe(withoutIt);
    }
  });

  it('that are not known do not match', async () => {
    for (const nth of places())
      for (const attribute of [int(0), float(0), string('')])
        expect(await mismatchOf(altered(nth, 'unknown', attribute))).toMatch(reasonFor('unknown'));
  });
});

describe('local_window_size', () => {
  it.each([
    ['the sliding layer', 0, text.slidingWindow],
    ['the full layer', 1, -1],
  ])('is that of %s', async (_, nth, expected) => {
    const altered = (attribute: OnnxAttribute | null) => {
      const graph = ours();
      const node = nodesOf(graph, 'GroupQueryAttention')[nth];
      if (!node) throw new Error('no attention');
      setAttribute(graph, node, 'local_window_size', attribute);
      return graph;
    };
    expect(await matches(altered(int(expected)))).toBe(true);
    expect(await matches(altered(null))).toBe(expected === -1);
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.integer({ min: -3, max: 40 }), fc.integer()), async (window) => {
        expect(await matches(altered(int(window)))).toBe(window === expected);
      }),
    );
  });
});

describe('operators', () => {
  it.each<[string, string, Partial<OnnxNode>, RegExp]>([
    [
      'the exact GELU of com.microsoft',
      'Gelu',
      { domain: 'com.microsoft', attributes: new Map() },
      /is com.microsoft:Gelu, not :Gelu; .* not com.microsoft:FastGelu$/,
    ],
    [
      'an attention of another domain',
      'GroupQueryAttention',
      { domain: '' },
      /is :GroupQueryAttention, not com.microsoft:GroupQueryAttention$/,
    ],
    ['products of another domain', 'MatMulNBits', { domain: '' }, /is :MatMulNBits, not com/],
    [
      'a norm of another domain',
      'SimplifiedLayerNormalization',
      { domain: 'com.microsoft' },
      /is com.microsoft:Simplified.* not :Simplified/,
    ],
    ['an embedding of another domain', 'GatherBlockQuantized', { domain: '' }, /is :Gather/],
    ['sums of another domain', 'Add', { domain: 'com.microsoft' }, /is com.microsoft:Add, not :Add$/],
    ['sums with an attribute', 'Add', { attributes: intAttributes({ axis: 1 }) }, /^layer0.mid has an attribute axis$/],
    ['products with an attribute', 'Mul', { attributes: intAttributes({ axis: 1 }) }, /product has an attribute axis$/],
  ])('%s does not match', async (_, opType, change, reason) => {
    const graph = ours();
    for (const node of nodesOf(graph, opType)) graph.replace(node, [{ ...node, ...change }]);
    expect(await mismatchOf(graph)).toMatch(reason);
  });

  it('of ai.onnx match by either name of the domain', async () => {
    const graph = ours();
    for (const node of graph.nodes) if (node.domain === '') graph.replace(node, [{ ...node, domain: 'ai.onnx' }]);
    expect(await matches(graph)).toBe(true);
  });

  it.each<[string, (inputs: readonly string[]) => string[], RegExp]>([
    ['GroupQueryAttention', (inputs) => [...inputs, '', 'attention_bias'], /causal has inputs that are not known$/],
    ['GroupQueryAttention', (inputs) => [...inputs, '', '', 'head_sink'], /causal has inputs that are not known$/],
    ['GroupQueryAttention', (inputs) => inputs.slice(0, 8), /^there is no table of sines$/],
    ['GroupQueryAttention', (inputs) => inputs.slice(0, 7), /^there is no table of cosines$/],
    ['GroupQueryAttention', (inputs) => [...inputs.slice(0, 3), '', ...inputs.slice(4)], /^there is no input $/],
    ['GroupQueryAttention', (inputs) => [...inputs.slice(0, 4), '', ...inputs.slice(5)], /^there is no input $/],
    ['GroupQueryAttention', (inputs) => [...inputs, 'other_positions'], /^there is no input other_positions$/],
    ['MatMulNBits', (inputs) => [...inputs.slice(0, 3), '', 'g_idx'], /has inputs that are not known$/],
    ['MatMulNBits', (inputs) => [...inputs.slice(0, 3), '', '', 'bias'], /has inputs that are not known$/],
    ['SimplifiedLayerNormalization', (inputs) => [...inputs, 'bias'], /has inputs that are not known$/],
    ['GatherBlockQuantized', (inputs) => [...inputs.slice(0, 3), '', 'more'], /has inputs that are not known$/],
    ['Gelu', (inputs) => [...inputs, 'bias'], /act has inputs that are not known$/],
  ])('%s with other inputs does not match', async (opType, inputsOf, reason) => {
    for (const nth of nodesOf(ours(), opType).keys()) {
      const graph = ours();
      const node = nodesOf(graph, opType)[nth];
      if (!node) throw new Error(`no ${opType}`);
      graph.rewire(node, inputsOf(node.inputs));
      expect(await mismatchOf(graph), `${opType} ${nth}`).toMatch(reason);
    }
  });

  it('matches where the positions of tokens are an input, and optional inputs are empty', async () => {
    const graph = ours();
    graph.addInput({ name: 'position_ids', dataType: ELEMENT.int64, dims: [1, 'tokens'] });
    for (const node of nodesOf(graph, 'GroupQueryAttention'))
      graph.rewire(node, [...node.inputs, 'position_ids', '', '']);
    for (const node of nodesOf(graph, 'MatMulNBits')) graph.rewire(node, [...node.inputs, '', '', '']);
    expect(await matches(graph)).toBe(true);
  });

  it('an attention that also gives its scores does not match', async () => {
    const graph = ours();
    const [attention] = nodesOf(graph, 'GroupQueryAttention');
    if (!attention) throw new Error('no attention');
    graph.replace(attention, [{ ...attention, outputs: [...attention.outputs, 'scores'] }]);
    expect(await mismatchOf(graph)).toMatch(/causal has outputs that are not known$/);
  });

  it('a norm with a bias in its sum does not match', async () => {
    const graph = publicForm();
    const [norm] = nodesOf(graph, 'SkipSimplifiedLayerNormalization');
    if (!norm) throw new Error('no norm');
    graph.rewire(norm, [...norm.inputs, 'bias']);
    expect(await matches(graph)).toBe(false);
  });
});

describe('weights', () => {
  const weightNames = () =>
    ours()
      .initialisers.filter(({ data }) => !(data instanceof Uint8Array))
      .map(({ name }) => name);

  it.each([
    [
      'another size',
      (tensor: StoredTensor) => ({ ...tensor, dims: [...tensor.dims, 2] }),
      /has .*×2 elements of type \d$/,
    ],
    ['another type', (tensor: StoredTensor) => ({ ...tensor, dataType: ELEMENT.float16 }), /elements of type 10$/],
    [
      'too few bytes',
      ({ data, ...tensor }: StoredTensor) => ({ ...tensor, data: { ...data, length: 4 } as StoredTensor['data'] }),
      /has 4 bytes$/,
    ],
    [
      'an unknown number of bytes',
      ({ data, ...tensor }: StoredTensor) => ({
        ...tensor,
        data: { ...data, length: undefined } as StoredTensor['data'],
      }),
      /has undefined bytes$/,
    ],
    ['too few bytes in the graph', (tensor: StoredTensor) => ({ ...tensor, data: new Uint8Array(4) }), /has 4 bytes$/],
  ])('of %s do not match', async (_, change, reason) => {
    for (const name of weightNames()) {
      const graph = ours();
      graph.addTensor(change(graph.tensor(name) as StoredTensor));
      expect(await mismatchOf(graph), name).toMatch(reason);
    }
  });

  it('that are missing do not match', async () => {
    for (const name of weightNames()) {
      const graph = ours();
      graph.makeInput(graph.tensor(name) as StoredTensor);
      expect(await mismatchOf(graph)).toBe(`there is no initialiser ${name}`);
    }
  });

  it('have zero points of the right size', async () => {
    const names = publicForm()
      .initialisers.map(({ name }) => name)
      .filter((name) => name.endsWith('.zeros'));
    expect(names.length).toBeGreaterThan(10);
    for (const name of names) {
      const graph = publicForm();
      const tensor = graph.tensor(name) as StoredTensor;
      graph.addTensor({ ...tensor, dims: [...tensor.dims, 2] });
      expect(await matches(graph), name).toBe(false);
    }
  });

  it('of the MLP have zero points in both halves or in none', async () => {
    const graph = publicForm();
    const up = nodesOf(graph, 'MatMulNBits').find(({ inputs }) => inputs[1]?.includes('up_proj'));
    if (!up) throw new Error('no MLP');
    graph.rewire(up, up.inputs.slice(0, 3));
    expect(await mismatchOf(graph)).toMatch(/^one half of the MLP has zero points/);
  });
});

describe('RoPE', () => {
  const frequencies = (graph: OnnxGraph, kind: 'local' | 'global') => {
    const tensor = graph.tensor(`rope_frequencies_${kind}`) as StoredTensor;
    return { tensor, values: new Float32Array(Uint8Array.from(tensor.data as Uint8Array).buffer) };
  };
  const bytes = (values: Float32Array) => new Uint8Array(values.buffer.slice(0)) as Uint8Array<ArrayBuffer>;

  it('does not match with any other frequency', async () => {
    for (const kind of ['local', 'global'] as const)
      for (let i = 0; i < text.headDim / 2; i++) {
        const graph = ours();
        const { tensor, values } = frequencies(graph, kind);
        values[i] = (values[i] ?? 0) * 1.0001;
        graph.addTensor({ ...tensor, data: bytes(values) });
        expect(await mismatchOf(graph), `${kind} ${i}`).toMatch(/RoPE/);
      }
  });

  it.each<[string, (graph: OnnxGraph) => void]>([
    [
      'fewer frequencies',
      (graph) => {
        const { tensor, values } = frequencies(graph, 'local');
        graph.addTensor({ ...tensor, dims: [values.length - 1], data: bytes(values.slice(1)) });
      },
    ],
    [
      'cosines in place of sines',
      (graph) => {
        const sine = nodeMaking(graph, 'sin_local');
        graph.replace(sine, [{ ...sine, opType: 'Cos' }]);
      },
    ],
    [
      'sines in place of cosines',
      (graph) => {
        const cosine = nodeMaking(graph, 'cos_global');
        graph.replace(cosine, [{ ...cosine, opType: 'Sin' }]);
      },
    ],
    [
      'angles that are sums',
      (graph) => {
        const angles = nodeMaking(graph, 'rope_angles_local');
        graph.replace(angles, [{ ...angles, opType: 'Add' }]);
      },
    ],
    [
      'positions from 1',
      (graph) => graph.rewire(nodeMaking(graph, 'rope_range'), ['float32:1', 'float32:256', 'float32:1']),
    ],
    [
      'every other position',
      (graph) => {
        const two = { name: 'two', dims: [], dataType: ELEMENT.float32, data: bytes(Float32Array.of(2)) };
        graph.addTensor(two);
        graph.rewire(nodeMaking(graph, 'rope_range'), ['float32:0', 'float32:256', 'two']);
      },
    ],
    [
      'positions as a row',
      (graph) => {
        graph.addTensor({ name: 'zero', dims: [1], dataType: ELEMENT.int64, data: new Uint8Array(8) });
        graph.rewire(nodeMaking(graph, 'rope_positions'), ['rope_range', 'zero']);
      },
    ],
    [
      'positions that are not in order',
      (graph) => {
        const range = nodeMaking(graph, 'rope_range');
        graph.replace(range, [{ ...range, opType: 'Sequence' }]);
      },
    ],
    [
      'positions in another shape',
      (graph) => {
        const column = nodeMaking(graph, 'rope_positions');
        graph.replace(column, [{ ...column, opType: 'Squeeze' }]);
      },
    ],
    [
      'the other layer type’s values',
      (graph) => {
        for (const node of nodesOf(graph, 'GroupQueryAttention'))
          graph.rewire(
            node,
            node.inputs.map((name) => name.replace('_local', '_global')),
          );
      },
    ],
  ])('does not match with %s', async (_, change) => {
    const graph = ours();
    change(graph);
    expect(await mismatchOf(graph)).toMatch(/are not the RoPE of/);
  });

  /** The graph with tables in place of the nodes that compute them, as public exports have them. */
  function withTables(rows: number, store: (name: string, values: Float32Array) => StoredTensor['data']): OnnxGraph {
    const graph = ours();
    for (const kind of ['local', 'global'] as const) {
      const { values } = frequencies(graph, kind);
      for (const [part, of] of [
        ['cos', Math.cos],
        ['sin', Math.sin],
      ] as const) {
        const name = `${part}_${kind}`;
        const table = Float32Array.from({ length: rows * values.length }, (_, i) =>
          of(Math.floor(i / values.length) * (values[i % values.length] ?? 0)),
        );
        graph.replace(nodeMaking(graph, name), []);
        const dims = [rows, values.length];
        graph.addTensor({ name, dims, dataType: ELEMENT.float32, data: store(name, table) });
      }
    }
    return new OnnxGraph(graph.encode());
  }
  const inGraph = (name: string, values: Float32Array) => {
    expect(name).toMatch(/^(cos|sin)_/);
    return bytes(values);
  };

  it('matches with tables that hold the same values', async () => {
    expect(await matches(withTables(4, inGraph))).toBe(true);
    expect(await matches(withTables(2000, inGraph))).toBe(true);
  });

  it.each(['cos_local', 'sin_local', 'cos_global', 'sin_global'])('does not match where %s differs', async (wrong) => {
    for (const [position, factor] of [
      [1, 1.01],
      [2, -1],
      [50, 0],
      [1000, 1.01],
    ] as const) {
      const graph = withTables(2000, (name, values) => {
        const at = position * (text.headDim / 2) + 3;
        if (name === wrong) values[at] = (values[at] ?? 0) * factor + 0.01;
        return bytes(values);
      });
      expect(await matches(graph), `position ${position}`).toBe(false);
    }
  });

  it('does not match with tables of another base, type or shape', async () => {
    expect(
      await matches(
        withTables(2000, inGraph),
        withText({ rope: { ...text.rope, full_attention: { theta: 1e6, factor: 8 } } }),
      ),
    ).toBe(false);
    for (const change of [
      { dataType: ELEMENT.float16 },
      { dims: [2000, 8] },
      { dims: [2000, 16, 1] },
      { dims: [1, 16] },
    ]) {
      const graph = withTables(2000, inGraph);
      graph.addTensor({ ...(graph.tensor('cos_local') as StoredTensor), ...change });
      expect(await matches(graph), JSON.stringify(change)).toBe(false);
    }
    const short = withTables(2000, (_, values) => bytes(values).subarray(0, 80));
    expect(await matches(short)).toBe(false);
  });

  it('reads a few rows of tables in data files', async () => {
    const files = new Map<string, Blob>();
    const graph = withTables(2000, (name, values) => {
      files.set(name, new Blob([new Uint8Array(8), bytes(values)]));
      return { file: name, offset: 8, length: values.byteLength };
    });
    const slice = vi.spyOn(Blob.prototype, 'slice');
    expect(await matches(graph, config, files)).toBe(true);
    const bytesRead = slice.mock.calls.reduce((sum, [from = 0, to = 0]) => sum + to - from, 0);
    expect(bytesRead).toBeLessThan(4 * 5 * 64);
    slice.mockRestore();
    expect(await matches(graph, config, new Map([...files].slice(1)))).toBe(false);
    files.set('sin_global', new Blob([new Uint8Array(2000 * 64 + 8)]));
    expect(await matches(graph, config, files)).toBe(false);
    files.set('sin_global', new Blob([new Uint8Array(40)]));
    expect(await matches(graph, config, files)).toBe(false);
  });

  it('rejects where a table cannot be read', async () => {
    const failure = new DOMException('unreadable', 'NotReadableError');
    const files = new Map([['t', { slice: () => ({ arrayBuffer: () => Promise.reject<ArrayBuffer>(failure) }) }]]);
    const graph = withTables(4, () => ({ file: 't', offset: 0, length: 4 * 64 }));
    await expect(matches(graph, config, files)).rejects.toBe(failure);
  });
});

describe('the factor of embeddings', () => {
  const scaled = (factor: number) => {
    const graph = ours();
    const { buffer } = Float32Array.of(factor);
    graph.addTensor({ name: 'float32:8', dims: [], dataType: ELEMENT.float32, data: new Uint8Array(buffer) });
    return graph;
  };

  it('is √hiddenSize, as exporters round it', async () => {
    expect(Math.sqrt(text.hiddenSize)).toBe(8);
    for (const factor of [8, 8.003, 7.997]) expect(await matches(scaled(factor)), `${factor}`).toBe(true);
    for (const factor of [1, 8.01, 7.99, -8, 0, NaN])
      expect(await mismatchOf(scaled(factor))).toBe(`embeddings are multiplied by ${Math.fround(factor)}`);
  });

  it('may be the first factor', async () => {
    const graph = ours();
    const product = nodeMaking(graph, 'embeddings');
    graph.rewire(product, [...product.inputs].reverse());
    expect(await matches(graph)).toBe(true);
  });

  it('does not match where it is missing, a vector or computed', async () => {
    const without = ours();
    const product = nodeMaking(without, 'embeddings');
    without.replace(product, [{ ...product, opType: 'Identity', inputs: product.inputs.slice(0, 1) }]);
    expect(await mismatchOf(without)).toMatch(/^embeddings is made by GatherBlockQuantized, not Mul$/);

    const vector = ours();
    const eights = new Uint8Array(Float32Array.from({ length: 64 }, () => 8).buffer);
    vector.addTensor({ name: 'float32:8', dims: [64], dataType: ELEMENT.float32, data: eights });
    expect(await mismatchOf(vector)).toBe('there is no factor of embeddings');

    const computed = ours();
    computed.rewire(nodeMaking(computed, 'embeddings'), ['embeddings.flat', 'embeddings.blocks']);
    expect(await mismatchOf(computed)).toBe('there is no factor of embeddings');
  });

  it('does not match where tokens are embedded by another operator', async () => {
    const graph = ours();
    const gather = nodeMaking(graph, 'embeddings.blocks');
    graph.replace(gather, [{ ...gather, opType: 'Gather' }]);
    expect(await mismatchOf(graph)).toMatch(/is made by Gather, not GatherBlockQuantized$/);
  });
});

describe('another structure', () => {
  it.each<[string, RegExp, (graph: OnnxGraph) => void]>([
    [
      'capped logits',
      /^something is computed of the logits/,
      (graph) => {
        const head = nodeMaking(graph, 'logits');
        const cap = {
          name: 'cap',
          opType: 'Tanh',
          domain: '',
          inputs: ['uncapped'],
          outputs: ['logits'],
          attributes: new Map(),
        };
        graph.replace(head, [{ ...head, outputs: ['uncapped'] }, cap]);
      },
    ],
    [
      'no residual connection around the attention',
      /^there is no residual connection around the attention$/,
      (graph) => {
        const sum = nodeMaking(graph, 'layer0.mid');
        graph.rewire(sum, ['layer0.attended', 'layer0.attended']);
      },
    ],
    [
      'no residual connection around the MLP',
      /^there is no residual connection around the MLP$/,
      (graph) => {
        const sum = nodeMaking(graph, 'layer1.states');
        graph.rewire(sum, ['layer1.fed', 'layer1.fed']);
      },
    ],
    [
      'layers that read the same states',
      /^layers are not one after another$/,
      (graph) => {
        graph.rewire(nodeMaking(graph, 'layer1.in'), ['embeddings', 'text.layers.1.input_layernorm.weight']);
        graph.rewire(nodeMaking(graph, 'layer1.mid'), ['embeddings', 'layer1.attended']);
      },
    ],
    [
      'values of other states',
      /^queries, keys and values have different input norms$/,
      (graph) => {
        const values = nodeMaking(graph, 'layer1.attention.v');
        graph.rewire(values, ['layer0.in', ...values.inputs.slice(1)]);
      },
    ],
    [
      'an MLP whose halves are not multiplied',
      /^the MLP is not the product of two matrices$/,
      (graph) => {
        graph.rewire(nodeMaking(graph, 'layer0.mlp.product'), ['layer0.mlp.act', 'layer0.mlp.act']);
      },
    ],
    [
      'a third matrix in the MLP',
      /^the MLP is not the product of two matrices$/,
      (graph) => {
        const up = nodeMaking(graph, 'layer0.mlp.up');
        graph.append([{ ...up, name: 'third', outputs: ['third'] }]);
      },
    ],
    [
      'an MLP without a GELU',
      /^there is no gate$/,
      (graph) => {
        const gelu = nodeMaking(graph, 'layer1.mlp.act');
        graph.replace(gelu, [{ ...gelu, opType: 'Relu' }]);
      },
    ],
    [
      'a gate that two GELUs read',
      /^there is no gate$/,
      (graph) => {
        const gelu = nodeMaking(graph, 'layer1.mlp.act');
        graph.append([{ ...gelu, name: 'twice', outputs: ['twice'] }]);
      },
    ],
    [
      'an MLP of one matrix',
      /^there is no second matrix of the MLP$/,
      (graph) => {
        const up = nodeMaking(graph, 'layer0.mlp.up');
        graph.rewire(up, ['layer0.in', ...up.inputs.slice(1)]);
      },
    ],
    [
      'an attention that nothing reads',
      /^layer0.attention.causal is read by 0 MatMulNBits$/,
      (graph) => {
        const out = nodeMaking(graph, 'layer0.attention.out');
        graph.rewire(out, ['layer0.in', ...out.inputs.slice(1)]);
      },
    ],
    [
      'a table with its rows in another order',
      /^the table has 2 rows$/,
      (graph) => {
        const values = graph.tensor('text.embed_tokens.weight.q4') as StoredTensor;
        const [rows = 0, blocks = 0, bytes = 0] = values.dims;
        graph.addTensor({ ...values, dims: [blocks, rows, bytes] });
      },
    ],
    [
      'keys without a norm',
      /^layer0.attention.k is made by MatMulNBits, not SimplifiedLayerNormalization$/,
      (graph) => {
        const [attention] = nodesOf(graph, 'GroupQueryAttention');
        if (!attention) throw new Error('no attention');
        graph.rewire(
          attention,
          attention.inputs.map((name, i) => (i === 1 ? 'layer0.attention.k' : name)),
        );
      },
    ],
    [
      'two readers of an output',
      /^layer0.attention.out is read by 2 SimplifiedLayerNormalization$/,
      (graph) => {
        const norm = nodeMaking(graph, 'layer0.attended');
        graph.append([{ ...norm, name: 'twice', outputs: ['twice'] }]);
      },
    ],
  ])('does not match: %s', async (_, reason, change) => {
    const graph = ours();
    change(graph);
    expect(await mismatchOf(graph)).toMatch(reason);
  });

  it('matches where values go through other shapes', async () => {
    const graph = ours();
    for (const opType of ['MatMulNBits', 'SimplifiedLayerNormalization', 'GroupQueryAttention'])
      for (const node of nodesOf(graph, opType)) {
        const [output = '', ...others] = node.outputs;
        if (output === 'logits') continue;
        const identity = { name: `${output}.same`, opType: 'Identity', domain: '', attributes: new Map() };
        graph.replace(node, [
          { ...node, outputs: [`${output}.before`, ...others] },
          { ...identity, inputs: [`${output}.before`], outputs: [output] },
        ]);
      }
    // The sums and the residual connections are looked for by name.
    expect(await mismatchOf(graph)).toMatch(/^there is no residual|^layers are not|^the MLP is not|is read by/);
  });
});
