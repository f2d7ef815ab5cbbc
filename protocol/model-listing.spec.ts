import { describe, expect, it } from 'vitest';
import { COMPANIONS, pathsOf, readListing, sessionsIn } from './model-listing.ts';

const session = (name: string, suffix = '') => ({ graph: `onnx/${name}${suffix}.onnx`, data: [] as string[] });
const NEEDED = ['config.json', 'tokenizer.json', 'tokenizer_config.json'];
const text = { model_type: 'gemma3_text', max_position_embeddings: 321 };
const vision = { model_type: 'gemma3', text_config: text, vision_config: {}, mm_tokens_per_image: 49 };

describe('sessionsIn', () => {
  it('knows each dtype by its suffix', () => {
    const paths = ['', '_fp16', '_q4', '_q4f16', '_int8'].map((suffix) => `onnx/model${suffix}.onnx`);
    expect(sessionsIn(paths)).toEqual({
      fp32: { model: session('model') },
      fp16: { model: session('model', '_fp16') },
      q4: { model: session('model', '_q4') },
      q4f16: { model: session('model', '_q4f16') },
    });
  });

  it('takes a dtype whose graphs are all there', () => {
    const graphs = ['embed_tokens', 'vision_encoder', 'decoder_model_merged'];
    const paths = graphs.map((name) => `onnx/${name}_q4.onnx`);
    expect(sessionsIn(paths)).toEqual({ q4: Object.fromEntries(graphs.map((name) => [name, session(name, '_q4')])) });
    for (const without of paths) expect(sessionsIn(paths.filter((path) => path !== without))).toEqual({});
    expect(sessionsIn(['model_q4.onnx', 'other/onnx/model_q4.onnx'])).toEqual({});
    // The graph of a text model goes first where there are both.
    expect(Object.keys(sessionsIn([...paths, 'onnx/model_q4.onnx']).q4 ?? {})).toEqual(['model']);
  });

  it('finds external data in the order of its numbers', () => {
    const graph = 'onnx/model_q4.onnx';
    const paths = ['_data_10', '_data_2', '_data', '', '_database', '.bak'].map((end) => graph + end);
    expect(sessionsIn([...paths, 'onnx/model.onnx_data'])).toEqual({
      q4: { model: { graph, data: [`${graph}_data`, `${graph}_data_2`, `${graph}_data_10`] } },
    });
  });
});

it('lists a dtype’s files and the companions that are there', () => {
  const paths = ['README.md', ...COMPANIONS, 'onnx/model.onnx', 'onnx/model_q4.onnx', 'onnx/model_q4.onnx_data'];
  expect(pathsOf(sessionsIn(paths), 'q4', paths)).toEqual([
    ...COMPANIONS,
    'onnx/model_q4.onnx',
    'onnx/model_q4.onnx_data',
  ]);
  expect(pathsOf(sessionsIn(paths), 'fp16', ['config.json', 'x'])).toEqual(['config.json']);
});

describe('readListing', () => {
  const graphs = ['embed_tokens', 'vision_encoder', 'decoder_model_merged'].map((name) => `onnx/${name}_q4.onnx`);

  it('reads a text model, with the values that are safe where nothing is known', () => {
    expect(readListing([...NEEDED, 'onnx/model_q4.onnx'], 'q4', text)).toEqual({
      ...{ contextLength: 321, imageAttention: 'none', cache: 'dynamic' },
      sessions: { q4: { model: session('model', '_q4') } },
    });
  });

  it('reads a model with pictures', () => {
    expect(readListing([...NEEDED, ...graphs], 'q4', vision).imageAttention).toBe('causal');
    expect(readListing([...NEEDED, 'onnx/model_q4.onnx'], 'q4', vision).imageAttention).toBe('none');
    expect(readListing([...NEEDED, ...graphs], 'q4', text).imageAttention).toBe('none');
  });

  it('says what is missing', () => {
    expect(() => readListing(['config.json', 'onnx/model_q4.onnx'], 'q4', text)).toThrow(
      'the folder has no tokenizer.json, tokenizer_config.json',
    );
    expect(() => readListing(['tokenizer.json', 'tokenizer_config.json'], 'q4', text)).toThrow('has no config.json');
    expect(() => readListing([...NEEDED, 'onnx/model_q4.onnx'], 'fp16', text)).toThrow(
      'the folder has no ONNX graphs of dtype fp16',
    );
    expect(() => readListing(NEEDED, 'q4', { model_type: 'llama' })).toThrow('not a Gemma 3');
  });
});
