/**
 * A conversation as the model reads it: token ids, and where the pictures' soft tokens are.
 *
 * The model's own chat template is rendered with a stand-in for each text, so that control tokens can only come from the
 * template. Between two control tokens everything is then joined before it is encoded: the reference encodes one long
 * string, and tokens may span what the template wrote and what a person did. A picture is what the reference's processor
 * writes in place of `<start_of_image>` (transformers, `models/gemma3/processing_gemma3.py`).
 */
import { Template } from '@huggingface/jinja';
import { type ContentPart, EngineError, type Message } from '../../../protocol/engine.ts';
import { isObject } from '../../../protocol/json.ts';
import { toTurns, type Turn } from './conversation.ts';
import { GEMMA_CHAT_TEMPLATE } from './gemma-template.ts';
import { tokenText } from './token-text.ts';
import type { Tokenizer } from './tokenizer.ts';

export interface PictureSlot {
  image: Blob;
  /** Index of its first soft token. */
  start: number;
  /** How many soft tokens it has. */
  length: number;
}

export interface FormattedChat {
  ids: number[];
  /** In the order in which they are in `ids`. */
  pictures: PictureSlot[];
}

export interface FormatOptions {
  /**
   * The ids that the model made an answer of, if known. Encoding its text again may give others; with its own ids the
   * prompt begins as the KV cache does. `text` is trimmed.
   */
  assistantIds?: (text: string) => readonly number[] | undefined;
  /** The last message is an answer to carry on: the prompt ends with its last word. */
  continueAnswer?: boolean;
}

/** A piece of the prompt, before encoding. */
type Piece =
  | { type: 'text'; text: string }
  | { type: 'control'; text: string }
  | { type: 'ids'; ids: readonly number[] }
  | { type: 'picture'; image: Blob };

/** A text of the conversation, waiting to take its stand-in's place. */
interface Slot {
  text: string;
  answer: boolean;
}

// A white space that every `trim` removes and no template writes: what is left of it tells whether the template trims.
const PROBE = '\u2005';
const STAND_IN = new RegExp(`(${PROBE}?)\\uE000(\\d+)\\uE001(${PROBE}?)`, 'u');
// What Python's str.strip removes, which is what `trim` does in the reference; JavaScript's differs a little.
const SPACE = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+';
const LEADING = new RegExp(`^${SPACE}`);

const trimStart = (text: string) => text.replace(LEADING, '');
function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && LEADING.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

export class ChatFormat {
  private readonly template: Template;
  private readonly specials: Record<string, string> = {};
  private readonly imageStart: string;

  /**
   * @param tokenizerConfig tokenizer_config.json, parsed.
   * @param options `chatTemplate`: where the model folder has it in a file of its own; else the configuration's is used,
   *   else Gemma 3's. `tokensPerImage`: 0 for a model without vision.
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

  /** @throws EngineError `bad-request`, `pictures-unsupported`, `model-unsupported` */
  format(messages: readonly Message[], options: FormatOptions = {}): FormattedChat {
    const turns = toTurns(messages, options.continueAnswer);
    const hasPictures = turns.some((turn) => typeof turn.content !== 'string' && turn.content.some(isImage));
    if (hasPictures && this.options.tokensPerImage < 1) throw new EngineError('pictures-unsupported');
    return this.encode(this.pieces(turns, options));
  }

  /**
   * The prompt as text, a picture being its `<start_of_image>` alone: for tests and for a person who wants to see it.
   * What a person typed cannot be told from control tokens in it.
   */
  text(messages: readonly Message[], options: Pick<FormatOptions, 'continueAnswer'> = {}): string {
    return this.pieces(toTurns(messages, options.continueAnswer), options)
      .map((piece) => (piece.type === 'picture' ? this.imageStart : piece.type === 'ids' ? '' : piece.text))
      .join('');
  }

  private pieces(turns: Turn[], options: FormatOptions): Piece[] {
    const slots: Slot[] = [];
    const images: Blob[] = [];
    const standIn = (text: string, answer = false) => `${PROBE}\uE000${slots.push({ text, answer }) - 1}\uE001${PROBE}`;
    const part = (item: ContentPart) => {
      if (item.type === 'text') return { type: 'text', text: standIn(item.text) };
      images.push(item.image);
      return { type: 'image' };
    };
    const messages = turns.map((turn) => ({
      role: turn.role,
      content:
        typeof turn.content === 'string' ? standIn(turn.content, turn.role === 'assistant') : turn.content.map(part),
    }));
    const whole = this.render(messages);
    const rendered = options.continueAnswer ? untilLastText(whole, slots.length - 1) : whole;
    const pieces = this.tokenizer.split(rendered).flatMap((text): Piece[] => {
      if (text !== this.imageStart)
        return this.tokenizer.isControlText(text)
          ? [{ type: 'control', text }]
          : fill(text, slots, options, this.tokenizer);
      const image = images.shift();
      if (!image) throw new EngineError('model-unsupported', 'the chat template writes pictures that are not there');
      return [{ type: 'picture', image }];
    });
    if (images.length > 0) throw new EngineError('pictures-unsupported', 'the chat template leaves pictures out');
    return pieces;
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

  private encode(pieces: Piece[]): FormattedChat {
    const { tokenizer, options } = this;
    const ids: number[] = [];
    const pictures: PictureSlot[] = [];
    let run = '';
    const endRun = () => {
      for (const id of tokenizer.encodeText(run)) ids.push(id);
      run = '';
    };
    for (const piece of pieces) {
      if (piece.type === 'text') {
        run += piece.text;
        continue;
      }
      if (piece.type === 'picture') run += '\n\n';
      endRun();
      if (piece.type === 'control') ids.push(this.control(piece.text));
      else if (piece.type === 'ids') ids.push(...piece.ids);
      else {
        ids.push(this.control(this.imageStart));
        pictures.push({ image: piece.image, start: ids.length, length: options.tokensPerImage });
        const soft = this.control(tokenizer.named('image_token', '<image_soft_token>'));
        for (let i = 0; i < options.tokensPerImage; i++) ids.push(soft);
        ids.push(this.control(tokenizer.named('eoi_token', '<end_of_image>')));
        run = '\n\n';
      }
    }
    endRun();
    return { ids, pictures };
  }

  private control(text: string): number {
    const id = this.tokenizer.idOf(text);
    if (id === undefined) throw new EngineError('model-unsupported', `the tokenizer has no ${text}`);
    return id;
  }
}

const isImage = (part: ContentPart): boolean => part.type === 'image';

/** The prompt up to the end of its last text, with all the white space that text ends in. */
function untilLastText(rendered: string, last: number): string {
  const standIn = `\uE000${last}\uE001`;
  const at = rendered.lastIndexOf(standIn);
  if (at < 0) throw new EngineError('model-unsupported', 'the chat template leaves the last answer out');
  return rendered.slice(0, at + standIn.length) + PROBE;
}

/** Puts the conversation's texts where their stand-ins are. */
function fill(text: string, slots: Slot[], options: FormatOptions, tokenizer: Tokenizer): Piece[] {
  // Splitting by four groups: template text, probe before, number, probe after, template text…
  const parts = text.split(STAND_IN);
  const pieces: Piece[] = [];
  for (let i = 0; i < parts.length; i += 4) {
    pieces.push({ type: 'text', text: parts[i] ?? '' });
    const slot = slots[Number(parts[i + 2])];
    if (i + 2 >= parts.length || !slot) continue;
    const start = parts[i + 1] === '' ? trimStart(slot.text) : slot.text;
    const whole = parts[i + 3] === '' ? trimEnd(start) : start;
    const ids = slot.answer ? options.assistantIds?.(whole.trim()) : undefined;
    // Control tokens that a model wrote must not act as the template's, or as pictures.
    const usable = ids && ids.length > 0 && !ids.some((id) => tokenizer.isControl(id));
    pieces.push(usable ? { type: 'ids', ids } : { type: 'text', text: whole });
  }
  return pieces;
}

/** Older configurations hold several templates, by name. */
function defaultTemplate(templates: unknown): string | undefined {
  if (!Array.isArray(templates)) return undefined;
  const named = (templates as unknown[]).filter(isObject);
  const chosen = named.find((template) => template['name'] === 'default') ?? named[0];
  return tokenText(chosen?.['template']);
}
