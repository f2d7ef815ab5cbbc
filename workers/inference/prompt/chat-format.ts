/**
 * A conversation as a prompt: token ids, and where the pictures' soft tokens are.
 *
 * The model's own chat template is rendered with a placeholder for each text, so that control tokens can only come from the
 * template. Everything between two control tokens is joined before it is encoded, since the reference encodes one long string
 * and tokens may span text of the template and of a person. A picture becomes what the reference's processor writes in place
 * of `<start_of_image>` (transformers, `models/gemma3/processing_gemma3.py`).
 */
import { Template } from '@huggingface/jinja';
import { type ContentPart, EngineError, type Message } from '../../../protocol/engine.ts';
import { isObject } from '../../../protocol/json.ts';
import { toTurns, type Turn } from './conversation.ts';
import { GEMMA_CHAT_TEMPLATE } from './gemma-template.ts';
import { tokenText } from './token-text.ts';
import type { Tokenizer } from './tokenizer.ts';

/** A picture and its soft tokens in the prompt. */
export interface PictureSlot {
  image: Blob;
  /** Index of its first soft token. */
  start: number;
  /** Number of its soft tokens. */
  length: number;
}

/** A conversation as a prompt. */
export interface FormattedChat {
  ids: number[];
  /** The pictures in `ids`, in order of `start`. */
  pictures: PictureSlot[];
}

export interface FormatOptions {
  /**
   * Gives the ids that an answer was generated with, if they are known. Encoding its text again may give others; with its own
   * ids the prompt begins as the KV cache does. `text` is trimmed.
   */
  assistantIds?: (text: string) => readonly number[] | undefined;
  /** Whether the last message is an answer to carry on, so that the prompt ends with its last word. */
  continueAnswer?: boolean;
}

/** A part of the prompt, before encoding. */
type PromptPart =
  | { type: 'text'; text: string }
  | { type: 'control'; text: string }
  | { type: 'ids'; ids: readonly number[] }
  | { type: 'picture'; image: Blob };

/** A text of the conversation, which replaces its placeholder. */
interface MessageText {
  text: string;
  isAnswer: boolean;
}

// White space that every `trim` removes and no template writes: whether it is left tells whether the template trims.
const PROBE = '\u2005';
const PLACEHOLDER = new RegExp(`(${PROBE}?)\\uE000(\\d+)\\uE001(${PROBE}?)`, 'u');
// The characters that Python's str.strip removes, as the reference's `trim` does; JavaScript's removes slightly others.
const SPACE = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+';
const LEADING = new RegExp(`^${SPACE}`);

const trimStart = (text: string) => text.replace(LEADING, '');
function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && LEADING.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

/** Formats conversations for one model. */
export class ChatFormat {
  private readonly template: Template;
  private readonly specials: Record<string, string> = {};
  private readonly imageStart: string;

  /**
   * @param tokenizer the model's tokenizer.
   * @param tokenizerConfig tokenizer_config.json, parsed.
   * @param options `chatTemplate`: the template, where the model folder has it in a file of its own; else the configuration's
   *   is used, else Gemma 3's. `tokensPerImage`: number of soft tokens of a picture, 0 for a model without vision.
   * @throws EngineError `model-unsupported`
   */
  constructor(
    private readonly tokenizer: Tokenizer,
    tokenizerConfig: unknown,
    private readonly options: { chatTemplate?: string; tokensPerImage: number },
  ) {
    const config = isObject(tokenizerConfig) ? tokenizerConfig : {};
    const own = config['chat_template'];
    const source =
      options.chatTemplate ?? (typeof own === 'string' ? own : defaultTemplate(own)) ?? GEMMA_CHAT_TEMPLATE;
    try {
      this.template = new Template(source);
    } catch (cause) {
      throw new EngineError('model-unsupported', `the chat template cannot be read: ${String(cause)}`);
    }
    for (const key of ['bos_token', 'eos_token', 'pad_token', 'unk_token'])
      this.specials[key] = tokenText(config[key]) ?? (key === 'bos_token' ? '<bos>' : '');
    this.imageStart = tokenizer.named('boi_token', '<start_of_image>');
  }

  /**
   * Formats a conversation, followed by the beginning of the model's turn.
   * @throws EngineError `bad-request`, `pictures-unsupported`, `model-unsupported`
   */
  format(messages: readonly Message[], options: FormatOptions = {}): FormattedChat {
    const turns = toTurns(messages, options.continueAnswer);
    const hasPictures = turns.some((turn) => typeof turn.content !== 'string' && turn.content.some(isImage));
    if (hasPictures && this.options.tokensPerImage < 1) throw new EngineError('pictures-unsupported');
    return this.encode(this.parts(turns, options));
  }

  /**
   * The prompt as text, with `<start_of_image>` alone for a picture, for tests and for people who want to see it. Control
   * tokens in it cannot be told from the same text typed by a person.
   */
  text(messages: readonly Message[], options: Pick<FormatOptions, 'continueAnswer'> = {}): string {
    return this.parts(toTurns(messages, options.continueAnswer), options)
      .map((part) => (part.type === 'picture' ? this.imageStart : part.type === 'ids' ? '' : part.text))
      .join('');
  }

  private parts(turns: Turn[], options: FormatOptions): PromptPart[] {
    const texts: MessageText[] = [];
    const images: Blob[] = [];
    const placeholder = (text: string, isAnswer = false) =>
      `${PROBE}\uE000${texts.push({ text, isAnswer }) - 1}\uE001${PROBE}`;
    const withPlaceholder = (item: ContentPart) => {
      if (item.type === 'text') return { type: 'text', text: placeholder(item.text) };
      images.push(item.image);
      return { type: 'image' };
    };
    const messages = turns.map((turn) => ({
      role: turn.role,
      content:
        typeof turn.content === 'string'
          ? placeholder(turn.content, turn.role === 'assistant')
          : turn.content.map(withPlaceholder),
    }));
    const whole = this.render(messages);
    const rendered = options.continueAnswer ? untilLastText(whole, texts.length - 1) : whole;
    const parts = this.tokenizer.split(rendered).flatMap((text): PromptPart[] => {
      if (text !== this.imageStart)
        return this.tokenizer.isControlText(text)
          ? [{ type: 'control', text }]
          : fillPlaceholders(text, texts, options, this.tokenizer);
      const image = images.shift();
      if (!image) throw new EngineError('model-unsupported', 'the chat template writes pictures that are not there');
      return [{ type: 'picture', image }];
    });
    if (images.length > 0) throw new EngineError('pictures-unsupported', 'the chat template leaves pictures out');
    return parts;
  }

  private render(messages: unknown[]): string {
    try {
      return this.template.render({
        ...this.specials,
        messages,
        add_generation_prompt: true,
      });
    } catch (cause) {
      throw new EngineError('bad-request', cause instanceof Error ? cause.message : String(cause));
    }
  }

  private encode(parts: PromptPart[]): FormattedChat {
    const { tokenizer, options } = this;
    const ids: number[] = [];
    const pictures: PictureSlot[] = [];
    let run = '';
    const endRun = () => {
      for (const id of tokenizer.encodeText(run)) ids.push(id);
      run = '';
    };
    for (const part of parts) {
      if (part.type === 'text') {
        run += part.text;
        continue;
      }
      if (part.type === 'picture') run += '\n\n';
      endRun();
      if (part.type === 'control') ids.push(this.controlId(part.text));
      else if (part.type === 'ids') ids.push(...part.ids);
      else {
        ids.push(this.controlId(this.imageStart));
        pictures.push({ image: part.image, start: ids.length, length: options.tokensPerImage });
        const soft = this.controlId(tokenizer.named('image_token', '<image_soft_token>'));
        for (let i = 0; i < options.tokensPerImage; i++) ids.push(soft);
        ids.push(this.controlId(tokenizer.named('eoi_token', '<end_of_image>')));
        run = '\n\n';
      }
    }
    endRun();
    return { ids, pictures };
  }

  private controlId(text: string): number {
    const id = this.tokenizer.idOf(text);
    if (id === undefined) throw new EngineError('model-unsupported', `the tokenizer has no ${text}`);
    return id;
  }
}

const isImage = (part: ContentPart): boolean => part.type === 'image';

/** The prompt up to the end of its last text, which keeps the white space that it ends in. */
function untilLastText(rendered: string, last: number): string {
  const placeholder = `\uE000${last}\uE001`;
  const at = rendered.lastIndexOf(placeholder);
  if (at < 0) throw new EngineError('model-unsupported', 'the chat template leaves the last answer out');
  return rendered.slice(0, at + placeholder.length) + PROBE;
}

/** Replaces the placeholders in a text of the template by the conversation's texts. */
function fillPlaceholders(
  text: string,
  texts: MessageText[],
  options: FormatOptions,
  tokenizer: Tokenizer,
): PromptPart[] {
  // Template text, probe before, number, probe after, template text…
  const groups = text.split(PLACEHOLDER);
  const parts: PromptPart[] = [];
  for (let i = 0; i < groups.length; i += 4) {
    parts.push({ type: 'text', text: groups[i] ?? '' });
    const message = texts[Number(groups[i + 2])];
    if (i + 2 >= groups.length || !message) continue;
    const start = groups[i + 1] === '' ? trimStart(message.text) : message.text;
    const whole = groups[i + 3] === '' ? trimEnd(start) : start;
    const ids = message.isAnswer ? options.assistantIds?.(whole.trim()) : undefined;
    // Control tokens that a model generated must not act as the template's or as pictures.
    const usable = ids && ids.length > 0 && !ids.some((id) => tokenizer.isControl(id));
    parts.push(usable ? { type: 'ids', ids } : { type: 'text', text: whole });
  }
  return parts;
}

/** Older configurations hold several templates, by name. */
function defaultTemplate(templates: unknown): string | undefined {
  if (!Array.isArray(templates)) return undefined;
  const named = (templates as unknown[]).filter(isObject);
  const chosen = named.find((template) => template['name'] === 'default') ?? named[0];
  return tokenText(chosen?.['template']);
}
