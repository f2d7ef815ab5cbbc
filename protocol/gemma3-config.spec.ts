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

  const bad: [Record<string, unknown>, RegExp][] = [
    [{ model_type: 'llama' }, /"llama", not a Gemma 3/],
    [{}, /missing, not a Gemma 3/],
    [{ model_type: 'gemma3' }, /text_config is missing/],
    [{ model_type: 'gemma3_text', hidden_size: 'wide' }, /hidden_size is missing or not a number/],
    [{ model_type: 'gemma3_text', num_hidden_layers: 0 }, /num_hidden_layers is 0/],
    [{ model_type: 'gemma3_text', num_attention_heads: 3, num_key_value_heads: 2 }, /3 heads cannot share 2/],
    [{ model_type: 'gemma3_text', num_hidden_layers: 2, layer_types: ['full_attention'] }, /does not name 2/],
    [{ model_type: 'gemma3_text', rope_scaling: { rope_type: 'yarn', factor: 4 } }, /RoPE of type yarn/],
    [{ model_type: 'gemma3_text', use_bidirectional_attention: true }, /embedding/],
  ];
  for (const [config, sentence] of bad)
    it(`refuses ${JSON.stringify(config)}`, () => {
      expect(() => parseGemma3Config(config)).toThrow(sentence);
    });
});
