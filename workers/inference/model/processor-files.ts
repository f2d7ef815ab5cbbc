/** Reads the files of a model folder that say how the model is talked to. */
import { isObject } from '../../../protocol/json.ts';
import type { ProcessorFiles } from '../prompt/processor.ts';
import { openTokenizer } from './tokenizer-cache.ts';
import type { ModelFolder } from './model-folder.ts';

/**
 * Reads the tokenizer and the configurations beside it.
 * @param folder the model folder
 * @returns what the processor is created from
 * @throws EngineError `model-missing`, `model-damaged`, `model-unsupported`, `network`
 */
export async function readProcessorFiles(folder: ModelFolder): Promise<ProcessorFiles> {
  return {
    tokenizerConfig: await folder.json('tokenizer_config.json'),
    chatTemplate: await readChatTemplate(folder),
    generationConfig: await folder.json('generation_config.json'),
    preprocessorConfig: await folder.json('preprocessor_config.json'),
    tokenizer: await openTokenizer(folder),
  };
}

/** The template in a file of its own: `chat_template.jinja`, or `chat_template.json` as older transformers versions save it. */
async function readChatTemplate(folder: ModelFolder): Promise<string | undefined> {
  const jinja = await folder.text('chat_template.jinja');
  if (jinja !== undefined) return jinja;
  const json = await folder.json('chat_template.json');
  const template = isObject(json) ? json['chat_template'] : undefined;
  return typeof template === 'string' ? template : undefined;
}
