/** What a model folder says about talking to its model: tokenizer, chat format, defaults for sampling, stop ids, pictures. */
import type { Message, Sampling } from '../../../protocol/engine.ts';
import type { Gemma3Config } from '../../../protocol/gemma3-config.ts';
import { openTokenizer } from '../model/kept-tokenizer.ts';
import type { ModelFolder } from '../model/model-folder.ts';
import { ChatFormat, type FormatOptions, type FormattedChat } from './chat-format.ts';
import { Tokenizer } from './tokenizer.ts';
import { defaultSampling } from '../sampling/sampler.ts';
import { parsePreprocessorConfig, type PictureOptions } from '../vision/preprocess.ts';

export interface Prompting {
  tokenizer: Tokenizer;
  sampling: Sampling;
  /** An answer ends before any of these. */
  stopIds: ReadonlySet<number>;
  /** Null where the model sees no pictures. */
  picture: PictureOptions | null;
  format(messages: Message[], options: FormatOptions): FormattedChat;
}

function stopIds(tokenizer: Tokenizer, config: Gemma3Config, generation: unknown): Set<number> {
  const named = (generation as { eos_token_id?: unknown } | undefined)?.eos_token_id;
  const ids = (Array.isArray(named) ? named : [named]).filter((id): id is number => typeof id === 'number');
  // A turn's end is an answer's end, also where the configuration names only the text's.
  const turn = tokenizer.idOf('<end_of_turn>');
  return new Set([...config.eosTokenIds, ...ids, ...(turn === undefined ? [] : [turn])]);
}

/** @throws EngineError `model-missing`, `model-damaged`, `model-unsupported` */
export async function openPrompting(folder: ModelFolder, config: Gemma3Config): Promise<Prompting> {
  const tokenizerConfig = await folder.json('tokenizer_config.json');
  const chatTemplate = await folder.text('chat_template.jinja');
  const generation = await folder.json('generation_config.json');
  const tokenizer = Tokenizer.from(await openTokenizer(folder), tokenizerConfig, chatTemplate);
  const chat = new ChatFormat(tokenizer, tokenizerConfig, {
    tokensPerImage: config.vision?.tokensPerImage ?? 0,
    ...(chatTemplate === undefined ? {} : { chatTemplate }),
  });
  return {
    tokenizer,
    sampling: defaultSampling(generation),
    stopIds: stopIds(tokenizer, config, generation),
    picture: config.vision
      ? parsePreprocessorConfig(await folder.json('preprocessor_config.json'), config.vision.imageSize)
      : null,
    format: (messages, options) => chat.format(messages, options),
  };
}
