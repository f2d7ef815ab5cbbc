/**
 * @file Gemma 3's vision encoder as an ONNX graph: SigLIP (transformers `models/siglip/modeling_siglip.py`), then average
 * pooling to the soft tokens, RMSNorm and projection (Gemma3MultiModalProjector). The input is pixel_values, float32
 * [num_images, channels, size, size], the output image_features, float32 [num_images, tokens, text hidden size].
 */
import type { VisionConfig } from '../../protocol/gemma3-config.ts';
import { float } from './graph-builder.ts';
import { cast, type Context, linear, rmsNorm } from './layers.ts';
import { BLOCK } from './quantise.ts';
import { plainTensor } from './weights.ts';

/**
 * Query rows attended at a time. The scores of all 4096 patches and 16 heads would be a buffer of 1 GiB. 512 rows of them
 * are 128 MiB, which every WebGPU device can bind.
 */
const QUERY_ROWS = 512;

function layerNorm(
  { graph, checkpoint }: Context,
  x: string,
  output: string,
  weight: string,
  vision: VisionConfig,
): string {
  const [scale, bias] = ['weight', 'bias'].map((part) => {
    const name = `${weight}.${part}`;
    return graph.weight(plainTensor(name, checkpoint.weight(name, [vision.hiddenSize])));
  }) as [string, string];
  return graph.op('LayerNormalization', [x, scale, bias], output, { axis: -1, epsilon: float(vision.layerNormEps) });
}

/** Adds a large weight that is used in float32. q4f16, which needs fp16 anyway, stores it in half the bytes. */
function floatWeight({ graph, checkpoint, compute }: Context, name: string, shape: number[]): string {
  const tensor = plainTensor(name, checkpoint.weight(name, shape), { type: compute });
  return cast(graph, graph.weight(tensor), compute, 'float32');
}

/** Adds patch and position embeddings (transformers SiglipVisionEmbeddings), float32 [num_images, patches, hiddenSize]. */
function patchEmbeddings(context: Context, vision: VisionConfig): string {
  const { graph } = context;
  const { hiddenSize, channels, patchSize, imageSize } = vision;
  const count = (imageSize / patchSize) ** 2;
  const weight = (name: string, shape: number[]) => floatWeight(context, `vision.embeddings.${name}`, shape);
  const kernel = weight('patch_embedding.weight', [hiddenSize, channels, patchSize, patchSize]);
  const bias = weight('patch_embedding.bias', [hiddenSize]);
  const positions = weight('position_embedding.weight', [count, hiddenSize]);
  const side = [patchSize, patchSize];
  graph.op('Conv', ['pixel_values', kernel, bias], 'patches.grid', { kernel_shape: side, strides: side });
  graph.op('Reshape', ['patches.grid', graph.ints([0, hiddenSize, count])], 'patches.rows');
  graph.op('Transpose', ['patches.rows'], 'patches', { perm: [0, 2, 1] });
  return graph.op('Add', ['patches', positions], 'patches.placed');
}

/** Adds attention of every patch to every patch, QUERY_ROWS at a time (transformers SiglipAttention). */
function attention(context: Context, x: string, node: string, weights: string, vision: VisionConfig): string {
  const { graph, compute } = context;
  const { hiddenSize, heads, imageSize, patchSize } = vision;
  const count = (imageSize / patchSize) ** 2;
  const headDim = hiddenSize / heads;
  const project = (name: string, input: string): string =>
    linear(context, input, `${node}.${name}`, {
      weight: `${weights}.${name}`,
      inputs: hiddenSize,
      outputs: hiddenSize,
      bias: true,
      type: compute,
    });
  const narrow = cast(graph, x, 'float32', compute);
  const heads4 = (name: string, perm: number[]): string => {
    const split = graph.op(
      'Reshape',
      [cast(graph, project(name, narrow), compute, 'float32'), graph.ints([0, count, heads, headDim])],
      `${node}.${name}.split`,
    );
    return graph.op('Transpose', [split], `${node}.${name}.heads`, { perm });
  };
  const scaled = graph.op('Mul', [heads4('q_proj', [0, 2, 1, 3]), graph.scalar(headDim ** -0.5)], `${node}.queries`);
  const keys = heads4('k_proj', [0, 2, 3, 1]);
  const values = heads4('v_proj', [0, 2, 1, 3]);
  const attendRows = (from: number, to: number, tag: string): string => {
    const whole = from === 0 && to === count;
    const queries = whole
      ? scaled
      : graph.op('Slice', [scaled, graph.ints([from]), graph.ints([to]), graph.ints([2])], `${node}.queries${tag}`);
    const scores = graph.op('MatMul', [queries, keys], `${node}.scores${tag}`);
    const share = graph.op('Softmax', [scores], `${node}.shares${tag}`, { axis: -1 });
    return graph.op('MatMul', [share, values], `${node}.sums${tag}`);
  };
  const blocks = Math.ceil(count / QUERY_ROWS);
  const parts = Array.from({ length: blocks }, (_, b) =>
    attendRows(b * QUERY_ROWS, Math.min(count, (b + 1) * QUERY_ROWS), blocks > 1 ? `.${b}` : ''),
  );
  const sums = parts.length > 1 ? graph.op('Concat', parts, `${node}.sums`, { axis: 2 }) : (parts[0] as string);
  const back = graph.op('Transpose', [sums], `${node}.sums.back`, { perm: [0, 2, 1, 3] });
  const joined = graph.op('Reshape', [back, graph.ints([0, count, hiddenSize])], `${node}.joined`);
  return cast(graph, project('out_proj', cast(graph, joined, 'float32', compute)), compute, 'float32');
}

function mlp(context: Context, x: string, node: string, weights: string, vision: VisionConfig): string {
  const { graph, compute } = context;
  const { hiddenSize, intermediateSize } = vision;
  // SigLIP's 4304 is no whole number of blocks. Zeros beyond it stay zero through the gelu and add nothing.
  const pad = hiddenSize % BLOCK === 0;
  const wide = linear(context, cast(graph, x, 'float32', compute), `${node}.fc1`, {
    weight: `${weights}.fc1`,
    inputs: hiddenSize,
    outputs: intermediateSize,
    bias: true,
    type: compute,
    padOutputs: pad,
  });
  const active = graph.op('Gelu', [cast(graph, wide, compute, 'float32')], `${node}.act`, { approximate: 'tanh' });
  return linear(context, active, `${node}.fc2`, {
    weight: `${weights}.fc2`,
    inputs: intermediateSize,
    outputs: hiddenSize,
    bias: true,
    type: 'float32',
    padInputs: pad,
  });
}

/** Adds average pooling over squares of patches, float32 [num_images, tokensPerImage, hiddenSize]. */
function pool({ graph }: Context, x: string, vision: VisionConfig): string {
  const { hiddenSize, imageSize, patchSize, tokensPerImage } = vision;
  const grid = imageSize / patchSize;
  const side = Math.sqrt(tokensPerImage);
  const square = grid / side;
  // The mean goes first over the rows of a square, then over its columns, so that three dimensions are enough.
  graph.op('Reshape', [x, graph.ints([-1, square, grid * hiddenSize])], 'pool.rows');
  graph.op('ReduceMean', ['pool.rows', graph.ints([1])], 'pool.row_means', { keepdims: 0 });
  graph.op('Reshape', ['pool.row_means', graph.ints([-1, square, hiddenSize])], 'pool.columns');
  graph.op('ReduceMean', ['pool.columns', graph.ints([1])], 'pool.means', { keepdims: 0 });
  return graph.op('Reshape', ['pool.means', graph.ints([-1, tokensPerImage, hiddenSize])], 'pooled');
}

/**
 * Adds the vision encoder to a graph.
 * @param context the graph.
 * @param vision its configuration.
 * @param textHidden hidden size of the text model.
 * @throws ExportError where a weight is missing or has another shape.
 */
export function addVisionEncoder(context: Context, vision: VisionConfig, textHidden: number): void {
  const { graph } = context;
  const { hiddenSize, imageSize, channels, tokensPerImage } = vision;
  graph.input('pixel_values', 'float32', ['num_images', channels, imageSize, imageSize]);
  graph.output('image_features', 'float32', ['num_images', tokensPerImage, textHidden]);
  let x = patchEmbeddings(context, vision);
  for (let i = 0; i < vision.layers; i++) {
    const [node, weights] = [`layer${i}`, `vision.encoder.layers.${i}`];
    const first = layerNorm(context, x, `${node}.norm1`, `${weights}.layer_norm1`, vision);
    const attended = attention(context, first, `${node}.attention`, `${weights}.self_attn`, vision);
    const mid = graph.op('Add', [x, attended], `${node}.mid`);
    const second = layerNorm(context, mid, `${node}.norm2`, `${weights}.layer_norm2`, vision);
    x = graph.op('Add', [mid, mlp(context, second, `${node}.mlp`, `${weights}.mlp`, vision)], `${node}.states`);
  }
  const last = layerNorm(context, x, 'last', 'vision.post_layernorm', vision);
  const pooled = pool(context, last, vision);
  const normed = rmsNorm(context, pooled, 'soft_tokens', {
    weight: 'projector.mm_soft_emb_norm.weight',
    size: hiddenSize,
    eps: vision.layerNormEps,
  });
  const projection = floatWeight(context, 'projector.mm_input_projection_weight', [hiddenSize, textHidden]);
  graph.op('MatMul', [normed, projection], 'image_features');
}
