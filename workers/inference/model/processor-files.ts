/** Reads the files of a model folder that say how the model is talked to. */
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
    chatTemplate: await folder.text('chat_template.jinja'),
    generationConfig: await folder.json('generation_config.json'),
    preprocessorConfig: await folder.json('preprocessor_config.json'),
    tokenizer: await openTokenizer(folder),
  };
}
