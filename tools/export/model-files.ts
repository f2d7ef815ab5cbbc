/** @file The small files of a model folder: tokenizer, processor and generation files as they are, and config.json. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Gemma3Config } from '../../protocol/gemma3-config.ts';
import type { Checkpoint } from './checkpoint.ts';

const COPIED = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
  'chat_template.json',
  'generation_config.json',
  'preprocessor_config.json',
  'processor_config.json',
];

type Json = Record<string, unknown>;

const json = (value: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);

/** Gemma 3's own picture processing, for checkpoints without one (defaults of transformers Gemma3ImageProcessor). */
function defaultProcessors(config: Gemma3Config): [string, Uint8Array][] {
  const { vision } = config;
  if (!vision) return [];
  const { imageSize, tokensPerImage } = vision;
  return [
    [
      'preprocessor_config.json',
      json({
        do_convert_rgb: true,
        do_normalize: true,
        do_pan_and_scan: null,
        do_rescale: true,
        do_resize: true,
        image_mean: [0.5, 0.5, 0.5],
        image_processor_type: 'Gemma3ImageProcessor',
        image_seq_length: tokensPerImage,
        image_std: [0.5, 0.5, 0.5],
        processor_class: 'Gemma3Processor',
        resample: 2,
        rescale_factor: 1 / 255,
        size: { height: imageSize, width: imageSize },
      }),
    ],
    ['processor_config.json', json({ image_seq_length: tokensPerImage, processor_class: 'Gemma3Processor' })],
  ];
}

/**
 * Extracts files that some releases of transformers keep inside others and that engines look for: version 5 has the picture
 * processing in processor_config.json, early releases of 4.5 the chat template in chat_template.json.
 */
function extractNested(files: ReadonlyMap<string, Uint8Array>): [string, Uint8Array][] {
  const read = (name: string): Json => {
    const bytes = files.get(name);
    return bytes ? (JSON.parse(new TextDecoder().decode(bytes)) as Json) : {};
  };
  const picture = read('processor_config.json')['image_processor'];
  const template = read('chat_template.json')['chat_template'];
  return [
    ...(typeof picture === 'object' && picture !== null
      ? [['preprocessor_config.json', json(picture)] satisfies [string, Uint8Array]]
      : []),
    ...(typeof template === 'string'
      ? [['chat_template.jinja', new TextEncoder().encode(template)] satisfies [string, Uint8Array]]
      : []),
  ];
}

/**
 * Collects the files to write beside the graphs, but for config.json, which changes with each dtype.
 * @param checkpoint the checkpoint.
 * @returns contents by file name.
 */
export async function companionFiles(checkpoint: Checkpoint): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const name of COPIED) {
    const bytes = await readFile(join(checkpoint.folder, name)).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return null;
      throw cause;
    });
    if (bytes) files.set(name, bytes);
  }
  for (const [name, value] of [...extractNested(files), ...defaultProcessors(checkpoint.config)])
    if (!files.has(name)) files.set(name, value);
  return files;
}

/**
 * Writes the export's config.json: the checkpoint's own, with the fields that stock transformers.js reads and some
 * checkpoints leave to transformers' defaults (Google's 4B has neither heads nor vocabulary), and the number of data files.
 * @param checkpoint its configuration.
 * @param dataFiles number of data files by the graph's file name, for all dtypes in the folder.
 * @param cacheTypes type of the KV cache by dtype, where it is not float32.
 * @returns the file's content.
 */
export function exportedConfig(
  checkpoint: Pick<Checkpoint, 'rawConfig' | 'config'>,
  dataFiles: Readonly<Record<string, number>>,
  cacheTypes: Readonly<Record<string, string>>,
): Uint8Array {
  const { rawConfig } = checkpoint;
  const { text } = checkpoint.config;
  const complete = (given: Json): Json => ({
    ...given,
    model_type: 'gemma3_text',
    hidden_size: text.hiddenSize,
    intermediate_size: text.intermediateSize,
    num_hidden_layers: text.layers,
    num_attention_heads: text.heads,
    num_key_value_heads: text.kvHeads,
    head_dim: text.headDim,
    vocab_size: text.vocabSize,
    max_position_embeddings: text.maxPositionEmbeddings,
    sliding_window: text.slidingWindow,
  });
  const nested = rawConfig['text_config'];
  const whole: Json =
    typeof nested === 'object' && nested !== null
      ? { ...rawConfig, text_config: complete(nested as Json) }
      : complete(rawConfig);
  return json({
    ...whole,
    'transformers.js_config': {
      use_external_data_format: dataFiles,
      ...(Object.keys(cacheTypes).length ? { kv_cache_dtype: cacheTypes } : {}),
    },
  });
}
