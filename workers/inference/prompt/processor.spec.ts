import { describe, expect, it } from 'vitest';
import { parseGemma3Config } from '../../../protocol/gemma3-config.ts';
import { compactTokenizer } from './compact-tokenizer.ts';
import { createProcessor, type ProcessorFiles } from './processor.ts';

const BOS = 2;
const END_OF_TURN = 4;
const LETTERS = [...'abcdefghijklmnopqrstuvwxyz\n'];
const CONTROLS = ['<pad>', '<eos>', '<bos>', '<start_of_turn>', '<end_of_turn>'];

function filesWith(change: Partial<ProcessorFiles> = {}, controls = CONTROLS): ProcessorFiles {
  const vocab = Object.fromEntries(LETTERS.map((letter, i) => [letter, 10 + i]));
  const added_tokens = controls.map((content) => ({ id: CONTROLS.indexOf(content), content, special: true }));
  return {
    tokenizer: compactTokenizer({ model: { vocab, merges: [] }, added_tokens, decoder: { type: 'Fuse' } }),
    tokenizerConfig: undefined,
    chatTemplate: undefined,
    generationConfig: undefined,
    preprocessorConfig: undefined,
    ...change,
  };
}
const textConfig = { model_type: 'gemma3_text', eos_token_id: 1 };
const config = parseGemma3Config(textConfig);
const visionConfig = parseGemma3Config({
  ...{ model_type: 'gemma3', text_config: textConfig, mm_tokens_per_image: 4 },
  vision_config: { image_size: 4, patch_size: 1 },
});

describe('createProcessor', () => {
  it.each<[string, unknown, number[]]>([
    ['of the configuration', undefined, [1, END_OF_TURN]],
    ['of the generation configuration', { eos_token_id: 7 }, [1, END_OF_TURN, 7]],
    ['of a list', { eos_token_id: [7, 1, 'x', 8] }, [1, END_OF_TURN, 7, 8]],
  ])('ends answers with the ids %s, and with the end of a turn', (_, generationConfig, expected) => {
    const { stopIds } = createProcessor(filesWith({ generationConfig }), config);
    expect([...stopIds].sort((a, b) => a - b)).toEqual(expected);
  });

  it('ends answers with the configuration’s ids where there is no end of a turn', () => {
    const { stopIds } = createProcessor(filesWith({}, CONTROLS.slice(0, 4)), config);
    expect([...stopIds]).toEqual([1]);
  });

  it('takes the model’s sampling settings', () => {
    const { sampling } = createProcessor(filesWith({ generationConfig: { do_sample: false, top_k: 3 } }), config);
    expect(sampling).toMatchObject({ temperature: 0, top_k: 3 });
  });

  it('prepares pictures for models with vision only', () => {
    expect(createProcessor(filesWith(), config).picture).toBeNull();
    expect(createProcessor(filesWith(), visionConfig).picture).toMatchObject({ size: 4, rescaleFactor: 1 / 255 });
    const preprocessorConfig = { size: { height: 8, width: 8 }, image_mean: [0, 0, 0] };
    expect(createProcessor(filesWith({ preprocessorConfig }), visionConfig).picture).toMatchObject({
      size: 8,
      mean: [0, 0, 0],
    });
  });

  it('formats with the template of the folder, else with that of the tokenizer, else with Gemma’s', () => {
    const idsOf = (change: Partial<ProcessorFiles>) =>
      createProcessor(filesWith(change), config).format([{ role: 'user', content: 'hi' }], {}).ids;
    const tokenizerConfig = { chat_template: "{{ messages[0]['content'] }}b" };
    expect(idsOf({ tokenizerConfig })).toEqual([17, 18, 11]);
    expect(idsOf({ tokenizerConfig, chatTemplate: "{{ messages[0]['content'] }}c" })).toEqual([17, 18, 12]);
    expect(idsOf({})[0]).toBe(BOS);
  });

  it('has slots for pictures of the configured number of soft tokens', () => {
    const controls = [...CONTROLS, '<start_of_image>', '<image_soft_token>', '<end_of_image>'];
    const files = filesWith();
    const added = controls.map((content, id) => ({ id, content, special: true }));
    files.tokenizer.rest['added_tokens'] = added;
    const image = new Blob();
    const { pictures } = createProcessor(files, visionConfig).format(
      [{ role: 'user', content: [{ type: 'image', image }] }],
      {},
    );
    expect(pictures).toEqual([{ image, start: expect.any(Number) as number, length: 4 }]);
    expect(() =>
      createProcessor(filesWith(), config).format([{ role: 'user', content: [{ type: 'image', image }] }], {}),
    ).toThrow(/^pictures-unsupported/);
  });
});
