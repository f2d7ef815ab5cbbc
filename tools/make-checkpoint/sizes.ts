/**
 * @file config.json of Gemma 3's sizes, in the hub's spelling (google/gemma-3-270m … 27b), and of a tiny one for tests.
 */

type Json = Record<string, unknown>;

interface Shape {
  hidden: number;
  intermediate: number;
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  window: number;
  queryScalar: number;
}

const SHAPES = {
  '270m': {
    hidden: 640,
    intermediate: 2048,
    layers: 18,
    heads: 4,
    kvHeads: 1,
    headDim: 256,
    window: 512,
    queryScalar: 256,
  },
  '1b': {
    hidden: 1152,
    intermediate: 6912,
    layers: 26,
    heads: 4,
    kvHeads: 1,
    headDim: 256,
    window: 512,
    queryScalar: 256,
  },
  '4b': {
    hidden: 2560,
    intermediate: 10240,
    layers: 34,
    heads: 8,
    kvHeads: 4,
    headDim: 256,
    window: 1024,
    queryScalar: 256,
  },
  '12b': {
    hidden: 3840,
    intermediate: 15360,
    layers: 48,
    heads: 16,
    kvHeads: 8,
    headDim: 256,
    window: 1024,
    queryScalar: 256,
  },
  '27b': {
    hidden: 5376,
    intermediate: 21504,
    layers: 62,
    heads: 32,
    kvHeads: 16,
    headDim: 128,
    window: 1024,
    queryScalar: 168,
  },
  tiny: { hidden: 64, intermediate: 96, layers: 2, heads: 2, kvHeads: 1, headDim: 32, window: 16, queryScalar: 32 },
  'tiny-vision': {
    hidden: 64,
    intermediate: 96,
    layers: 2,
    heads: 2,
    kvHeads: 1,
    headDim: 32,
    window: 16,
    queryScalar: 32,
  },
} as const satisfies Record<string, Shape>;

export type Size = keyof typeof SHAPES;
export const SIZES = Object.keys(SHAPES) as Size[];
const WITH_VISION: readonly Size[] = ['4b', '12b', '27b', 'tiny-vision'];
const isTiny = (size: Size) => size.startsWith('tiny');

/** @returns whether a size has the vocabulary of the real tokenizer. */
export const hasRealVocabulary = (size: Size): boolean => !isTiny(size);

/** @param layers number of layers in place of the size's own */
export function configOf(size: Size, layers?: number): Json {
  const shape: Shape = SHAPES[size];
  const vision = WITH_VISION.includes(size);
  const text: Json = {
    model_type: 'gemma3_text',
    hidden_size: shape.hidden,
    intermediate_size: shape.intermediate,
    num_hidden_layers: layers ?? shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.kvHeads,
    head_dim: shape.headDim,
    vocab_size: isTiny(size) ? 512 : vision ? 262208 : 262144,
    max_position_embeddings: isTiny(size) ? 256 : vision ? 131072 : 32768,
    sliding_window: shape.window,
    sliding_window_pattern: 6,
    query_pre_attn_scalar: shape.queryScalar,
    rms_norm_eps: 1e-6,
    rope_theta: 1_000_000,
    rope_local_base_freq: 10_000,
    rope_scaling: vision ? { factor: 8, rope_type: 'linear' } : null,
    hidden_activation: 'gelu_pytorch_tanh',
    attention_bias: false,
    attn_logit_softcapping: null,
    final_logit_softcapping: null,
    tie_word_embeddings: true,
    bos_token_id: 2,
    eos_token_id: 1,
    pad_token_id: 0,
  };
  if (!vision) return { architectures: ['Gemma3ForCausalLM'], torch_dtype: 'bfloat16', ...text };
  const small = {
    hidden_size: 32,
    intermediate_size: 40,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    image_size: 112,
  };
  const so400m = {
    hidden_size: 1152,
    intermediate_size: 4304,
    num_hidden_layers: 27,
    num_attention_heads: 16,
    image_size: 896,
  };
  return {
    architectures: ['Gemma3ForConditionalGeneration'],
    model_type: 'gemma3',
    torch_dtype: 'bfloat16',
    mm_tokens_per_image: isTiny(size) ? 4 : 256,
    boi_token_index: isTiny(size) ? 500 : 255999,
    eoi_token_index: isTiny(size) ? 501 : 256000,
    image_token_index: isTiny(size) ? 502 : 262144,
    eos_token_id: [1, 106],
    text_config: text,
    vision_config: {
      model_type: 'siglip_vision_model',
      num_channels: 3,
      patch_size: 14,
      layer_norm_eps: 1e-6,
      vision_use_head: false,
      ...(isTiny(size) ? small : so400m),
    },
  };
}
