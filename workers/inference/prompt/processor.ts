/**
 * How a model is talked to: tokenizer, chat template, sampling defaults, ids that end an answer, and how pictures are
 * prepared; transformers calls the same bundle a processor.
 */
import type { Message } from '../../../protocol/engine.ts';
import type { Sampling } from '../../../protocol/sampling.ts';
import type { Gemma3Config } from '../../../protocol/gemma3-config.ts';
import { defaultSampling } from '../sampling/settings.ts';
import { parsePreprocessorConfig, type PictureOptions } from '../vision/preprocessor-config.ts';
import { ChatFormat, type FormatOptions, type FormattedChat } from './chat-format.ts';
import type { CompactTokenizer } from './compact-tokenizer.ts';
import { Tokenizer } from './tokenizer.ts';

/** The files of a model folder that say it. JSON files are parsed, and undefined where the folder has none. */
export interface ProcessorFiles {
  /** tokenizer.json */
  tokenizer: CompactTokenizer;
  /** tokenizer_config.json */
  tokenizerConfig: unknown;
  /** chat_template.jinja, where the template is not in tokenizer_config.json. */
  chatTemplate: string | undefined;
  /** generation_config.json */
  generationConfig: unknown;
  /** preprocessor_config.json */
  preprocessorConfig: unknown;
}

export interface Processor {
  tokenizer: Tokenizer;
  /** The model's own sampling settings. */
  sampling: Sampling;
  /** Ids that end an answer and are not part of it. */
  stopIds: ReadonlySet<number>;
  /** Null for a model without vision. */
  picture: PictureOptions | null;
  /** Messages → token ids, and where the pictures go (ChatFormat.format). */
  format(messages: Message[], options: FormatOptions): FormattedChat;
}

function findStopIds(tokenizer: Tokenizer, config: Gemma3Config, generationConfig: unknown): Set<number> {
  const named = (generationConfig as { eos_token_id?: unknown } | undefined)?.eos_token_id;
  const ids = (Array.isArray(named) ? named : [named]).filter((id): id is number => typeof id === 'number');
  // The end of a turn ends an answer also where the files name only the end of the text.
  const endOfTurn = tokenizer.idOf('<end_of_turn>');
  return new Set([...config.eosTokenIds, ...ids, ...(endOfTurn === undefined ? [] : [endOfTurn])]);
}

/**
 * Makes a processor of a model's files.
 * @param files the contents of the files.
 * @param config the model's config.json.
 * @returns the processor
 * @throws EngineError `model-unsupported`
 */
export function createProcessor(files: ProcessorFiles, config: Gemma3Config): Processor {
  const { tokenizerConfig, chatTemplate, generationConfig, preprocessorConfig } = files;
  const tokenizer = Tokenizer.from(files.tokenizer, tokenizerConfig, chatTemplate);
  const chat = new ChatFormat(tokenizer, tokenizerConfig, {
    tokensPerImage: config.vision?.tokensPerImage ?? 0,
    ...(chatTemplate === undefined ? {} : { chatTemplate }),
  });
  return {
    tokenizer,
    sampling: defaultSampling(generationConfig),
    stopIds: findStopIds(tokenizer, config, generationConfig),
    picture: config.vision ? parsePreprocessorConfig(preprocessorConfig, config.vision.imageSize) : null,
    format: (messages, options) => chat.format(messages, options),
  };
}
