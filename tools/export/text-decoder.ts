/**
 * @file Gemma 3's text decoder as an ONNX graph (transformers `models/gemma3/modeling_gemma3.py`). Sliding and full
 * attention are onnxruntime's com.microsoft.GroupQueryAttention, which also applies RoPE and writes the KV cache. No length
 * is taken from a cache's shape: the caller may pass one buffer, longer than the tokens in it, as past and present.
 *
 * In q4f16, attention, its cache and the MLP's gate and up matrices are fp16. Norms, the residual stream and everything
 * from the gate on (its product with `up` and the down matrix) are fp32, because there Gemma 3 exceeds fp16's range
 * (https://github.com/microsoft/onnxruntime/issues/26732).
 */
import type { Gemma3Config, LayerType } from '../../protocol/gemma3-config.ts';
import { embed, lmHead, type EmbeddingTable } from './embedding.ts';
import { ExportError } from './failure.ts';
import { float } from './graph-builder.ts';
import { cast, type Context, linear, rmsNorm } from './layers.ts';
import { DATA_TYPE } from './onnx-proto.ts';
import { pictureAttention, pictureInputs } from './picture-attention.ts';
import { inverseFrequencies } from './rope.ts';
import type { FloatType } from './weights.ts';

/** How the decoder is built. */
export interface DecoderOptions {
  config: Gemma3Config;
  /** The decoder's input: token ids, or embeddings with pictures among them. */
  input: 'input_ids' | 'inputs_embeds';
  /** Lets picture tokens attend to each other in both directions. Adds the inputs of `picture-attention.ts`. */
  pictures: boolean;
  /** Positions that the RoPE tables cover. */
  contextLength: number;
}

/** GroupQueryAttention wants a head size that is a multiple of this. */
const HEAD_STEP = 16;
/** An index past the end of any axis, for Slice. */
const END = 2 ** 31 - 1;

const tag = (type: LayerType): string => (type === 'full_attention' ? 'global' : 'local');

/**
 * Adds the RoPE tables of each layer type, [contextLength, headDim / 2] in the compute type: `cos_local`, … They are nodes
 * over constants, which the runtime folds once while loading, so that 67 MB (of a 32k context) need not be fetched.
 */
function addRope({ graph, compute }: Context, { config: { text }, contextLength }: DecoderOptions): void {
  graph.op('Range', [graph.scalar(0), graph.scalar(contextLength), graph.scalar(1)], 'rope_range');
  graph.op('Unsqueeze', ['rope_range', graph.ints([1])], 'rope_positions');
  for (const type of new Set(text.layerTypes)) {
    const inverse = graph.floats(`rope_frequencies_${tag(type)}`, inverseFrequencies(text.headDim, text.rope[type]));
    const angles = graph.op('Mul', ['rope_positions', inverse], `rope_angles_${tag(type)}`);
    for (const [part, operator] of [
      ['cos', 'Cos'],
      ['sin', 'Sin'],
    ] as const) {
      const name = `${part}_${tag(type)}`;
      if (compute === 'float32') graph.op(operator, [angles], name);
      else graph.op('Cast', [graph.op(operator, [angles], `${name}.float32`)], name, { to: DATA_TYPE[compute] });
    }
  }
}

/** Adds GroupQueryAttention's lengths: `seqlens_k` int32 [batch], one less than the tokens so far, and `total` int32 []. */
function addLengths({ graph }: Context): void {
  graph.op('ReduceSum', ['attention_mask', graph.ints([1])], 'mask_sum', { keepdims: 0 });
  graph.op('Sub', ['mask_sum', graph.ints([1])], 'mask_last');
  graph.op('Cast', ['mask_last'], 'seqlens_k', { to: DATA_TYPE.int32 });
  graph.op('Shape', ['attention_mask'], 'mask_shape');
  graph.op('Gather', ['mask_shape', graph.ints([1], [])], 'mask_length');
  graph.op('Cast', ['mask_length'], 'total', { to: DATA_TYPE.int32 });
}

/** Adds the RMSNorm of each head of a query or key projection, [batch, sequence, heads · headDim] in the compute type. */
function headNorm(
  context: Context,
  x: string,
  { heads, weight }: { heads: number; weight: string },
  options: DecoderOptions,
): string {
  const { graph, compute } = context;
  const { headDim, rmsNormEps } = options.config.text;
  const split = graph.op('Reshape', [x, graph.ints([0, 0, -1, headDim])], `${x}.heads`);
  const wide = cast(graph, split, compute, 'float32');
  const normed = rmsNorm(context, wide, `${x}.normed`, { weight, size: headDim, eps: rmsNormEps });
  return graph.op(
    'Reshape',
    [cast(graph, normed, 'float32', compute), graph.ints([0, 0, heads * headDim])],
    `${x}.joined`,
  );
}

/** Adds the self-attention of layer `i` (transformers Gemma3Attention), float32 [batch, sequence, hiddenSize] in and out. */
function attention(context: Context, x: string, i: number, options: DecoderOptions): string {
  const { graph, compute } = context;
  const { text } = options.config;
  const { headDim, heads, kvHeads, hiddenSize } = text;
  const type = text.layerTypes[i] ?? 'full_attention';
  const node = `layer${i}.attention`;
  const weights = `text.layers.${i}.self_attn`;
  const narrow = cast(graph, x, 'float32', compute);
  const project = (name: 'q' | 'k' | 'v', outputs: number): string =>
    linear(context, narrow, `${node}.${name}`, {
      weight: `${weights}.${name}_proj`,
      inputs: hiddenSize,
      outputs,
      bias: text.attentionBias,
      type: compute,
    });
  const q = headNorm(context, project('q', heads * headDim), { heads, weight: `${weights}.q_norm.weight` }, options);
  const k = headNorm(
    context,
    project('k', kvHeads * headDim),
    { heads: kvHeads, weight: `${weights}.k_norm.weight` },
    options,
  );
  const v = project('v', kvHeads * headDim);

  const cache = (prefix: string, length: string, part: string, put: 'input' | 'output'): string => {
    const name = `${prefix}.${i}.${part}`;
    graph[put](name, compute, ['batch_size', kvHeads, length, headDim]);
    return name;
  };
  const past = ['key', 'value'].map((part) => cache('past_key_values', 'past_sequence_length', part, 'input'));
  const present = ['key', 'value'].map((part) => cache('present', 'total_sequence_length', part, 'output'));
  const rope = [`cos_${tag(type)}`, `sin_${tag(type)}`];
  const scale = text.queryPreAttnScalar ** -0.5;
  graph.node('GroupQueryAttention', [q, k, v, ...past, 'seqlens_k', 'total', ...rope], [`${node}.causal`, ...present], {
    num_heads: heads,
    kv_num_heads: kvHeads,
    scale: float(scale),
    do_rotary: 1,
    // A query attends to itself and the `window − 1` tokens before it, in the reference and here.
    local_window_size: type === 'sliding_attention' ? text.slidingWindow : -1,
  });
  const attended = options.pictures
    ? pictureAttention(context, { node, q, present, rope, mask: `mask_${tag(type)}`, scale, heads, kvHeads, headDim })
    : `${node}.causal`;
  const out = linear(context, attended, `${node}.out`, {
    weight: `${weights}.o_proj`,
    inputs: heads * headDim,
    outputs: hiddenSize,
    bias: text.attentionBias,
    type: compute,
  });
  return cast(graph, out, compute, 'float32');
}

/** Adds the MLP of layer `i` (transformers Gemma3MLP), float32 [batch, sequence, hiddenSize] in and out. */
function mlp(context: Context, x: string, i: number, { config: { text } }: DecoderOptions): string {
  const { graph, compute } = context;
  const node = `layer${i}.mlp`;
  const weights = `text.layers.${i}.mlp`;
  const narrow = cast(graph, x, 'float32', compute);
  const project = (name: 'gate' | 'up'): string => {
    const out = linear(context, narrow, `${node}.${name}`, {
      weight: `${weights}.${name}_proj`,
      inputs: text.hiddenSize,
      outputs: text.intermediateSize,
      type: compute,
    });
    return cast(graph, out, compute, 'float32');
  };
  const gate = graph.op('Gelu', [project('gate')], `${node}.act`, { approximate: 'tanh' });
  const product = graph.op('Mul', [gate, project('up')], `${node}.product`);
  return linear(context, product, `${node}.down`, {
    weight: `${weights}.down_proj`,
    inputs: text.intermediateSize,
    outputs: text.hiddenSize,
    type: 'float32' satisfies FloatType,
  });
}

/**
 * Adds the decoder to a graph, with its inputs and outputs.
 * @param context the graph.
 * @param options how to build it.
 * @throws ExportError where a weight is missing or has another shape, or onnxruntime cannot attend with the head size.
 */
export function addTextDecoder(context: Context, options: DecoderOptions): void {
  const { graph } = context;
  const { text } = options.config;
  const { hiddenSize, vocabSize, rmsNormEps } = text;
  if (text.headDim % HEAD_STEP !== 0)
    throw new ExportError(
      `config.json: head_dim is ${text.headDim}; onnxruntime's attention wants a multiple of ${HEAD_STEP}.`,
    );
  const embeddings: EmbeddingTable = { weight: 'text.embed_tokens.weight', vocabSize, hiddenSize };
  const batch = 'batch_size';
  if (options.input === 'input_ids') graph.input('input_ids', 'int64', [batch, 'sequence_length']);
  else graph.input('inputs_embeds', 'float32', [batch, 'sequence_length', hiddenSize]);
  graph.input('attention_mask', 'int64', [batch, 'total_sequence_length']);
  graph.input('num_logits_to_keep', 'int64', []);
  graph.output('logits', 'float32', [batch, 'logits_length', vocabSize]);

  let x = options.input === 'input_ids' ? embed(context, 'input_ids', 'embeddings', embeddings) : 'inputs_embeds';
  addRope(context, options);
  addLengths(context);
  if (options.pictures) pictureInputs(context, text);
  const norm = (input: string, output: string, weight: string): string =>
    rmsNorm(context, input, output, { weight: `text.${weight}.weight`, size: hiddenSize, eps: rmsNormEps });
  for (let i = 0; i < text.layers; i++) {
    const [node, weights] = [`layer${i}`, `layers.${i}`];
    const attentionOut = attention(context, norm(x, `${node}.in`, `${weights}.input_layernorm`), i, options);
    const postAttention = norm(attentionOut, `${node}.attended`, `${weights}.post_attention_layernorm`);
    const residual = graph.op('Add', [x, postAttention], `${node}.mid`);
    const feedforward = mlp(
      context,
      norm(residual, `${node}.mlp_in`, `${weights}.pre_feedforward_layernorm`),
      i,
      options,
    );
    const postFeedforward = norm(feedforward, `${node}.fed`, `${weights}.post_feedforward_layernorm`);
    x = graph.op('Add', [residual, postFeedforward], `${node}.states`);
  }

  // Keeps the last n positions. With n = 0 it keeps them all, since −0 is the beginning.
  const start = graph.op('Sub', [graph.ints([0]), 'num_logits_to_keep'], 'logits_start');
  const kept = graph.op('Slice', [x, start, graph.ints([END]), graph.ints([1])], 'kept_states');
  const final = norm(kept, 'final_states', 'norm');
  // Only the text model caps its logits (transformers `Gemma3ForCausalLM.forward`).
  const cap = options.config.vision ? null : text.finalLogitSoftcapping;
  const table = text.tieWordEmbeddings ? embeddings : { ...embeddings, weight: 'lm_head.weight' };
  lmHead(context, final, cap === null ? 'logits' : 'raw_logits', table);
  if (cap !== null) {
    const small = graph.op('Mul', ['raw_logits', graph.scalar(1 / cap)], 'scaled_logits');
    graph.op('Mul', [graph.op('Tanh', [small], 'capped_logits'), graph.scalar(cap)], 'logits');
  }
}
