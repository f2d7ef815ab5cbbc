import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseGemma3Config } from './gemma3-config.ts';

const read = (path: string) => JSON.parse(readFileSync(`reference/${path}`, 'utf8')) as Record<string, unknown>;

describe('parseGemma3Config', () => {
  for (const folder of ['text', 'vision'])
    it(`reads ${folder} the same in both spellings`, () => {
      expect(parseGemma3Config(read(`${folder}/config.json`))).toEqual(
        parseGemma3Config(read(`${folder}/config.hub.json`)),
      );
    });

  it('has the layers, windows and rotary bases of Gemma 3', () => {
    const { text } = parseGemma3Config({ model_type: 'gemma3_text', num_hidden_layers: 26, sliding_window: 512 });
    expect(text.layerTypes.filter((type) => type === 'full_attention')).toHaveLength(4);
    expect(text.layerTypes[5]).toBe('full_attention');
    expect(text.rope).toEqual({
      full_attention: { theta: 1_000_000, factor: 1 },
      sliding_attention: { theta: 10_000, factor: 1 },
    });
  });

  it('takes rotary bases and scaling from both spellings at once, as transformers does', () => {
    const { text } = parseGemma3Config({
      model_type: 'gemma3_text',
      rope_parameters: { full_attention: { rope_type: 'default' }, sliding_attention: { rope_theta: 5000 } },
      rope_scaling: { rope_type: 'linear', factor: 4 },
      rope_theta: 700_000,
      rope_local_base_freq: 9000,
    });
    expect(text.rope).toEqual({
      full_attention: { theta: 700_000, factor: 4 },
      sliding_attention: { theta: 5000, factor: 1 },
    });
  });

  it('scales positions on full layers only', () => {
    const { text } = parseGemma3Config(read('vision/config.hub.json'));
    expect(text.rope.full_attention.factor).toBe(8);
    expect(text.rope.sliding_attention.factor).toBe(1);
  });

  it('has the defaults of transformers’ Gemma3TextConfig', () => {
    const { layerTypes, ...text } = parseGemma3Config({ model_type: 'gemma3_text' }).text;
    expect(text).toEqual({
      ...{
        hiddenSize: 2304,
        intermediateSize: 9216,
        layers: 26,
        heads: 8,
        kvHeads: 4,
        headDim: 256,
        vocabSize: 262208,
      },
      ...{ rmsNormEps: 1e-6, queryPreAttnScalar: 256, slidingWindow: 4096, maxPositionEmbeddings: 131072 },
      ...{ tieWordEmbeddings: true, attentionBias: false, finalLogitSoftcapping: null },
      rope: { full_attention: { theta: 1_000_000, factor: 1 }, sliding_attention: { theta: 10_000, factor: 1 } },
    });
    expect(layerTypes.map((type) => (type === 'full_attention' ? 1 : 0)).join('')).toBe('00000100000100000100000100');
  });

  it('reads every field', () => {
    const { text } = parseGemma3Config({
      model_type: 'gemma3_text',
      ...{ vocab_size: 99, hidden_size: 64, intermediate_size: 128, num_hidden_layers: 3, num_attention_heads: 6 },
      ...{ num_key_value_heads: 2, head_dim: 16, max_position_embeddings: 77, rms_norm_eps: 1e-5 },
      ...{
        query_pre_attn_scalar: 20,
        sliding_window: 8,
        sliding_window_pattern: 2,
        rope_theta: 5,
        attention_bias: true,
      },
      ...{ rope_local_base_freq: 6, final_logit_softcapping: 30, tie_word_embeddings: false },
      hidden_activation: 'gelu_pytorch_tanh',
    });
    expect(text).toEqual({
      ...{ hiddenSize: 64, intermediateSize: 128, layers: 3, heads: 6, kvHeads: 2, headDim: 16, vocabSize: 99 },
      ...{ rmsNormEps: 1e-5, queryPreAttnScalar: 20, slidingWindow: 8, maxPositionEmbeddings: 77 },
      ...{ tieWordEmbeddings: false, attentionBias: true, finalLogitSoftcapping: 30 },
      rope: { full_attention: { theta: 5, factor: 1 }, sliding_attention: { theta: 6, factor: 1 } },
      layerTypes: ['sliding_attention', 'full_attention', 'sliding_attention'],
    });
  });

  it('reads the layers’ types as they are listed, or by either spelling of the pattern', () => {
    const types = (more: object) =>
      parseGemma3Config({ model_type: 'gemma3_text', num_hidden_layers: 4, ...more }).text.layerTypes.map(
        (type) => type[0],
      );
    const layer_types = ['full_attention', 'sliding_attention', 'sliding_attention', 'full_attention'];
    expect(types({ layer_types, sliding_window_pattern: 2 }).join('')).toBe('fssf');
    expect(types({ sliding_window_pattern: 3, _sliding_window_pattern: 2 }).join('')).toBe('ssfs');
    expect(types({ _sliding_window_pattern: 2 }).join('')).toBe('sfsf');
  });

  it('reads the vision encoder, with the defaults of SiglipVisionConfig', () => {
    const vision = (vision_config: object, mm_tokens_per_image = 49) =>
      parseGemma3Config({ model_type: 'gemma3', text_config: {}, vision_config, mm_tokens_per_image }).vision;
    expect(vision({})).toEqual({
      ...{ hiddenSize: 768, intermediateSize: 3072, layers: 12, heads: 12, imageSize: 224, patchSize: 16, channels: 3 },
      ...{ layerNormEps: 1e-6, tokensPerImage: 49 },
    });
    const given = {
      ...{ hidden_size: 32, intermediate_size: 48, num_hidden_layers: 2, num_attention_heads: 4, image_size: 32 },
      ...{ patch_size: 4, num_channels: 1, layer_norm_eps: 1e-5, hidden_act: 'gelu_pytorch_tanh' },
    };
    expect(vision(given, 16)).toEqual({
      ...{ hiddenSize: 32, intermediateSize: 48, layers: 2, heads: 4, imageSize: 32, patchSize: 4, channels: 1 },
      ...{ layerNormEps: 1e-5, tokensPerImage: 16 },
    });
  });

  describe('token ids', () => {
    const vision_config = { image_size: 896, patch_size: 14 };
    const ids = (more: object, type = 'gemma3') => {
      const config = parseGemma3Config({ model_type: type, text_config: {}, vision_config, ...more });
      const { imageTokenId, boiTokenId, eoiTokenId, eosTokenIds } = config;
      return [imageTokenId, boiTokenId, eoiTokenId, eosTokenIds];
    };

    it('have the defaults of Gemma3Config', () => {
      expect(ids({})).toEqual([262144, 255999, 256000, [1]]);
    });

    it('are read in either spelling', () => {
      expect(ids({ image_token_index: 1, boi_token_index: 2, eoi_token_index: 3 }).slice(0, 3)).toEqual([1, 2, 3]);
      expect(ids({ image_token_id: 4, boi_token_id: 5, eoi_token_id: 6 }).slice(0, 3)).toEqual([4, 5, 6]);
      expect(ids({ image_token_index: null, image_token_id: 7 })[0]).toBe(7);
    });

    it('of pictures are none where the model sees none', () => {
      expect(ids({ image_token_id: 4 }, 'gemma3_text').slice(0, 3)).toEqual([null, null, null]);
      const { vision, imageTokenId } = parseGemma3Config({ model_type: 'gemma3', text_config: {}, image_token_id: 4 });
      expect([vision, imageTokenId]).toEqual([null, null]);
    });

    it('that end an answer are one or several, at either level', () => {
      expect(ids({ eos_token_id: 106 })[3]).toEqual([106]);
      expect(ids({ eos_token_id: [1, 106, 'x', 0.5] })[3]).toEqual([1, 106]);
      expect(ids({ text_config: { eos_token_id: 5 } })[3]).toEqual([5]);
      expect(ids({ eos_token_id: 6, text_config: { eos_token_id: 5 } })[3]).toEqual([6]);
    });
  });

  it('ties the embeddings unless either level says otherwise', () => {
    const tied = (root: object, text: object) =>
      parseGemma3Config({ model_type: 'gemma3', text_config: text, ...root }).text.tieWordEmbeddings;
    expect(tied({}, {})).toBe(true);
    expect(tied({}, { tie_word_embeddings: false })).toBe(false);
    expect(tied({ tie_word_embeddings: false }, { tie_word_embeddings: true })).toBe(false);
    expect(tied({ tie_word_embeddings: true }, { tie_word_embeddings: false })).toBe(true);
  });

  it('reads RoPE’s older names, and a base of its own for either kind of layer', () => {
    const rope = (more: object) => parseGemma3Config({ model_type: 'gemma3_text', ...more }).text.rope;
    expect(rope({ rope_scaling: { type: 'linear', factor: 8 } }).full_attention).toEqual({
      theta: 1_000_000,
      factor: 8,
    });
    expect(rope({ rope_scaling: { rope_type: 'default', factor: 8, rope_theta: 9 } }).full_attention).toEqual({
      ...{ theta: 9, factor: 1 },
    });
    const rope_parameters = {
      full_attention: { rope_type: 'linear', factor: 2, rope_theta: 3 },
      sliding_attention: { rope_type: 'linear', factor: 4, rope_theta: 5 },
    };
    expect(rope({ rope_parameters })).toEqual({
      full_attention: { theta: 3, factor: 2 },
      sliding_attention: { theta: 5, factor: 4 },
    });
    expect(rope({ rope_parameters, rope_scaling: { rope_type: 'linear', factor: 7 } })).toEqual({
      full_attention: { theta: 3, factor: 7 },
      sliding_attention: { theta: 5, factor: 4 },
    });
  });

  const bad: [Record<string, unknown>, RegExp | string][] = [
    [{ model_type: 'llama' }, /"llama", not a Gemma 3/],
    [{}, /missing, not a Gemma 3/],
    [{ model_type: 'gemma3' }, /text_config is missing/],
    [{ model_type: 'gemma3_text', hidden_size: 'wide' }, /hidden_size is missing or not a number/],
    [{ model_type: 'gemma3_text', num_hidden_layers: 0 }, /num_hidden_layers is 0/],
    [{ model_type: 'gemma3_text', num_attention_heads: 3, num_key_value_heads: 2 }, /3 heads cannot share 2/],
    [{ model_type: 'gemma3_text', num_hidden_layers: 2, layer_types: ['full_attention'] }, /does not name 2/],
    [{ model_type: 'gemma3_text', rope_scaling: { rope_type: 'yarn', factor: 4 } }, /RoPE of type yarn/],
    [{ model_type: 'gemma3_text', use_bidirectional_attention: true }, /a bidirectional \(embedding\) Gemma 3/],
    [{ model_type: 'gemma3_text', hidden_size: 1.5 }, /hidden_size is 1.5, not a positive whole number/],
    [{ model_type: 'gemma3_text', hidden_size: Infinity }, /hidden_size is missing or not a number/],
    [{ model_type: 'gemma3_text', rms_norm_eps: '1' }, /rms_norm_eps is missing or not a number/],
    [{ model_type: 'gemma3_text', num_hidden_layers: 2, layer_types: ['full_attention', 'global'] }, /does not name 2/],
    [
      { model_type: 'gemma3_text', hidden_activation: 'relu' },
      /hidden_activation relu is not Gemma 3's gelu_pytorch_tanh/,
    ],
    [{ model_type: 'gemma3_text', rope_scaling: { rope_type: 'linear' } }, /rope_scaling.factor is missing or not a/],
    [{ model_type: 'gemma3', text_config: { head_dim: 0 } }, /config.json: text_config.head_dim is 0/],
    [
      { model_type: 'gemma3', text_config: {}, vision_config: { hidden_act: 'relu' } },
      /vision_config.hidden_act relu is not Gemma 3's gelu_pytorch_tanh/,
    ],
    [
      { model_type: 'gemma3', text_config: {}, vision_config: { image_size: 30, patch_size: 16 } },
      /the image size is not a whole number of patches/,
    ],
    [{ model_type: 'gemma3', text_config: {}, vision_config: {}, mm_tokens_per_image: 48 }, /14×14 .* into 48 tokens/],
    [{ model_type: 'gemma3', text_config: {}, vision_config: {}, mm_tokens_per_image: 64 }, /14×14 .* into 64 tokens/],
  ];
  for (const [config, sentence] of bad)
    it(`refuses ${JSON.stringify(config)}`, () => {
      expect(() => parseGemma3Config(config)).toThrow(sentence);
    });

  it('refuses what is no object', () => {
    for (const value of [null, [], 'text'])
      expect(() => parseGemma3Config(value)).toThrow('config.json: not an object');
  });
});
