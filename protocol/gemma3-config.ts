/**
 * @file `config.json` of a Gemma 3, in either spelling, as one typed shape that exporter and engine share. The spellings
 * are the hub's (`rope_theta`, `rope_local_base_freq`, `rope_scaling`, `sliding_window_pattern`) and the newer one of
 * transformers 5 (`rope_parameters`, `layer_types`). Source: transformers `models/gemma3/configuration_gemma3.py`. Types
 * and validation only.
 */
import { isObject, type JsonObject } from './json.ts';

/** Attention of a layer, as in `layer_types`. */
export type LayerType = 'sliding_attention' | 'full_attention';

/** Rotary position embedding of a kind of layer. */
export interface Rope {
  /** Base of the inverse frequencies, `theta ** (−2i / headDim)`. */
  theta: number;
  /** Factor of linear scaling, which positions are divided by. */
  factor: number;
}

/** The language model. */
export interface TextConfig {
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  /** Rows of the embedding table. */
  vocabSize: number;
  rmsNormEps: number;
  /** Attention scores are multiplied by `queryPreAttnScalar ** −0.5`. */
  queryPreAttnScalar: number;
  /** Tokens that a query of a sliding layer attends to: itself and the `slidingWindow − 1` before it. */
  slidingWindow: number;
  layerTypes: LayerType[];
  rope: Record<LayerType, Rope>;
  /** Tokens of context that the model was trained for. */
  maxPositionEmbeddings: number;
  /** Whether the output projection is the embedding table. */
  tieWordEmbeddings: boolean;
  attentionBias: boolean;
  finalLogitSoftcapping: number | null;
}

/** The vision encoder (SigLIP) and the projector behind it. */
export interface VisionConfig {
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  heads: number;
  /** Side of the square picture, in pixels. */
  imageSize: number;
  /** Side of a square patch, in pixels. */
  patchSize: number;
  channels: number;
  layerNormEps: number;
  /** Soft tokens that a picture becomes, a square number. */
  tokensPerImage: number;
}

/** The whole model. Token ids of pictures are null where it sees none. */
export interface Gemma3Config {
  text: TextConfig;
  vision: VisionConfig | null;
  /** Id of a picture's soft token. */
  imageTokenId: number | null;
  /** Id of the token before a picture. */
  boiTokenId: number | null;
  /** Id of the token after a picture. */
  eoiTokenId: number | null;
  /** Ids of tokens that end an answer, by config.json alone. generation_config.json may name more. */
  eosTokenIds: number[];
}

class Reader {
  constructor(
    private readonly json: JsonObject,
    private readonly where: string,
  ) {}
  has(key: string): boolean {
    return this.json[key] !== undefined && this.json[key] !== null;
  }
  raw(key: string): unknown {
    return this.json[key];
  }
  number(key: string, fallback?: number): number {
    const value = this.json[key] ?? fallback;
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw new Error(`config.json: ${this.where}${key} is missing or not a number`);
    return value;
  }
  count(key: string, fallback?: number): number {
    const value = this.number(key, fallback);
    if (!Number.isSafeInteger(value) || value < 1)
      throw new Error(`config.json: ${this.where}${key} is ${value}, not a positive whole number`);
    return value;
  }
  object(key: string): Reader | null {
    const value = this.json[key];
    return isObject(value) ? new Reader(value, `${this.where}${key}.`) : null;
  }
}

/** Defaults of transformers' Gemma3TextConfig. The hub's 4B config leaves out fields that equal them. */
const TEXT_DEFAULTS = {
  vocab_size: 262208,
  hidden_size: 2304,
  intermediate_size: 9216,
  num_hidden_layers: 26,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  head_dim: 256,
  max_position_embeddings: 131072,
  rms_norm_eps: 1e-6,
  query_pre_attn_scalar: 256,
  sliding_window: 4096,
  sliding_window_pattern: 6,
  rope_theta: 1_000_000,
  rope_local_base_freq: 10_000,
};

/** Defaults of transformers' SiglipVisionConfig. */
const VISION_DEFAULTS = {
  hidden_size: 768,
  intermediate_size: 3072,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  num_channels: 3,
  image_size: 224,
  patch_size: 16,
  layer_norm_eps: 1e-6,
};

/** Where both spellings are used, `rope_scaling` overrides `rope_parameters`, and the flat keys fill in the rest. */
function readRope(text: Reader, type: LayerType): Rope {
  const parameters = text.object('rope_parameters')?.object(type);
  const scaling = (type === 'full_attention' ? text.object('rope_scaling') : null) ?? parameters;
  const kind = scaling?.raw('rope_type') ?? scaling?.raw('type') ?? 'default';
  if (kind !== 'default' && kind !== 'linear')
    throw new Error(`config.json: RoPE of type ${String(kind)} is not one Gemma 3 uses (default or linear)`);
  const flat = type === 'full_attention' ? 'rope_theta' : 'rope_local_base_freq';
  return {
    theta:
      [scaling, parameters].find((from) => from?.has('rope_theta'))?.number('rope_theta') ??
      text.number(flat, TEXT_DEFAULTS[flat]),
    factor: kind === 'linear' && scaling ? scaling.number('factor') : 1,
  };
}

function readLayerTypes(text: Reader, layers: number): LayerType[] {
  const given = text.raw('layer_types');
  if (Array.isArray(given)) {
    if (given.length !== layers || !given.every((t) => t === 'sliding_attention' || t === 'full_attention'))
      throw new Error(`config.json: layer_types does not name ${layers} sliding or full layers`);
    return given as LayerType[];
  }
  const pattern = text.has('sliding_window_pattern')
    ? text.count('sliding_window_pattern')
    : text.count('_sliding_window_pattern', TEXT_DEFAULTS.sliding_window_pattern);
  return Array.from({ length: layers }, (_, i) => ((i + 1) % pattern === 0 ? 'full_attention' : 'sliding_attention'));
}

function readText(text: Reader, tied: boolean): TextConfig {
  const count = (key: keyof typeof TEXT_DEFAULTS) => text.count(key, TEXT_DEFAULTS[key]);
  if (text.raw('use_bidirectional_attention') === true)
    throw new Error('config.json: a bidirectional (embedding) Gemma 3 does not generate text');
  const activation = text.raw('hidden_activation') ?? 'gelu_pytorch_tanh';
  if (activation !== 'gelu_pytorch_tanh')
    throw new Error(`config.json: hidden_activation ${String(activation)} is not Gemma 3's gelu_pytorch_tanh`);
  const layers = count('num_hidden_layers');
  const config: TextConfig = {
    hiddenSize: count('hidden_size'),
    intermediateSize: count('intermediate_size'),
    layers,
    heads: count('num_attention_heads'),
    kvHeads: count('num_key_value_heads'),
    headDim: count('head_dim'),
    vocabSize: count('vocab_size'),
    rmsNormEps: text.number('rms_norm_eps', TEXT_DEFAULTS.rms_norm_eps),
    queryPreAttnScalar: text.number('query_pre_attn_scalar', TEXT_DEFAULTS.query_pre_attn_scalar),
    slidingWindow: count('sliding_window'),
    layerTypes: readLayerTypes(text, layers),
    rope: {
      sliding_attention: readRope(text, 'sliding_attention'),
      full_attention: readRope(text, 'full_attention'),
    },
    maxPositionEmbeddings: count('max_position_embeddings'),
    tieWordEmbeddings: tied,
    attentionBias: text.raw('attention_bias') === true,
    finalLogitSoftcapping: text.has('final_logit_softcapping') ? text.number('final_logit_softcapping') : null,
  };
  if (config.heads % config.kvHeads !== 0)
    throw new Error(`config.json: ${config.heads} heads cannot share ${config.kvHeads} key-value heads`);
  return config;
}

function readVision(vision: Reader, tokensPerImage: number): VisionConfig {
  const count = (key: keyof typeof VISION_DEFAULTS) => vision.count(key, VISION_DEFAULTS[key]);
  const activation = vision.raw('hidden_act') ?? 'gelu_pytorch_tanh';
  if (activation !== 'gelu_pytorch_tanh')
    throw new Error(`config.json: vision_config.hidden_act ${String(activation)} is not Gemma 3's gelu_pytorch_tanh`);
  const config: VisionConfig = {
    hiddenSize: count('hidden_size'),
    intermediateSize: count('intermediate_size'),
    layers: count('num_hidden_layers'),
    heads: count('num_attention_heads'),
    imageSize: count('image_size'),
    patchSize: count('patch_size'),
    channels: count('num_channels'),
    layerNormEps: vision.number('layer_norm_eps', VISION_DEFAULTS.layer_norm_eps),
    tokensPerImage,
  };
  const grid = config.imageSize / config.patchSize;
  const side = Math.sqrt(tokensPerImage);
  if (!Number.isInteger(grid)) throw new Error('config.json: the image size is not a whole number of patches');
  if (!Number.isInteger(side) || grid % side !== 0)
    throw new Error(`config.json: ${grid}×${grid} patches cannot be pooled into ${tokensPerImage} tokens`);
  return config;
}

/**
 * Reads and validates `config.json`.
 * @param value the parsed JSON.
 * @returns the configuration with all defaults filled in.
 * @throws Error with a sentence that names the key, where this is not a Gemma 3 that can be run.
 */
export function parseGemma3Config(value: unknown): Gemma3Config {
  if (!isObject(value)) throw new Error('config.json: not an object');
  const root = new Reader(value, '');
  const type = root.raw('model_type');
  if (type !== 'gemma3' && type !== 'gemma3_text')
    throw new Error(
      `config.json: model_type is ${JSON.stringify(type) ?? 'missing'}, not a Gemma 3 (gemma3 or gemma3_text)`,
    );
  const text = root.object('text_config') ?? (type === 'gemma3_text' ? root : null);
  if (!text) throw new Error('config.json: text_config is missing');
  const tied = (root.raw('tie_word_embeddings') ?? text.raw('tie_word_embeddings') ?? true) !== false;
  const visionReader = type === 'gemma3' ? root.object('vision_config') : null;
  const id = (...keys: string[]): number | null => {
    const key = keys.find((k) => root.has(k));
    return key === undefined ? null : root.number(key);
  };
  const eos = root.raw('eos_token_id') ?? text.raw('eos_token_id') ?? 1;
  return {
    text: readText(text, tied),
    vision: visionReader ? readVision(visionReader, root.count('mm_tokens_per_image', 256)) : null,
    imageTokenId: visionReader ? (id('image_token_index', 'image_token_id') ?? 262144) : null,
    boiTokenId: visionReader ? (id('boi_token_index', 'boi_token_id') ?? 255999) : null,
    eoiTokenId: visionReader ? (id('eoi_token_index', 'eoi_token_id') ?? 256000) : null,
    eosTokenIds: (Array.isArray(eos) ? eos : [eos]).filter((e): e is number => Number.isSafeInteger(e)),
  };
}
