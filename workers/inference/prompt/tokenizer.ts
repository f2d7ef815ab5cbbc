/**
 * Text to token ids and back, on @huggingface/tokenizers. Guarantees that what a person typed never becomes a control
 * token, and that what the chat template wrote does.
 *
 * Which tokens control is read from the model's own files: those marked `special`, those that the configuration names
 * (`bos_token`, `boi_token`…), and `<…>` tokens that its chat template writes. The other added tokens (runs of newlines,
 * HTML tags, `<unusedN>`) are ordinary pieces of text, and are found in a person's text as the reference does.
 */
import { Tokenizer as Library } from '@huggingface/tokenizers';
import { EngineError } from '../../../protocol/engine.ts';
import { isObject, type JsonObject } from '../../../protocol/json.ts';
import { Bpe } from './bpe.ts';
import type { CompactTokenizer } from './compact-tokenizer.ts';
import { tokenText } from './token-text.ts';

/** Keys of tokenizer_config.json that name one control token. */
const NAMED = ['bos_token', 'eos_token', 'pad_token', 'unk_token', 'boi_token', 'eoi_token', 'image_token'] as const;
/** Long texts whose ids are remembered: a conversation is encoded again at every turn. */
const REMEMBERED = 256;

/** What an id stands for in decoded text. */
export type Piece = { text: string } | { byte: number } | 'control' | 'unknown';

const MARK = '\uE000';

const unsupported = (why: string) => new EngineError('model-unsupported', `tokenizer.json: ${why}`);

export class Tokenizer {
  /** How many ids there are: one more than the highest. */
  readonly vocabSize: number;
  private readonly pieces: (Piece | undefined)[] = [];
  private readonly controlSplitter: RegExp | null;
  private readonly remembered = new Map<string, readonly number[]>();
  private readonly unknownId: number | undefined;

  private constructor(
    private readonly library: Library,
    private readonly vocabulary: Bpe,
    private readonly added: ReadonlyMap<number, string>,
    private readonly config: JsonObject,
    private readonly controls: ReadonlyMap<string, number>,
    private readonly controlIds: ReadonlyMap<number, string>,
    private readonly space: string,
    vocabSize: number,
  ) {
    this.vocabSize = vocabSize;
    const { unknownId } = vocabulary;
    this.unknownId = unknownId !== null && controlIds.has(unknownId) ? unknownId : undefined;
    // Longest first: an alternation takes the first that matches.
    const texts = [...controls.keys()].sort((a, b) => b.length - a.length).map(escape);
    this.controlSplitter = texts.length > 0 ? new RegExp(`(${texts.join('|')})`, 'u') : null;
  }

  /**
   * @param tokenizerConfig tokenizer_config.json, parsed.
   * @param chatTemplate where the model folder has it in a file of its own.
   * @throws EngineError `model-unsupported`
   */
  static from({ rest, bpe }: CompactTokenizer, tokenizerConfig: unknown, chatTemplate?: string): Tokenizer {
    const config = isObject(tokenizerConfig) ? tokenizerConfig : {};
    const vocabulary = new Bpe(bpe);
    const added = (Array.isArray(rest['added_tokens']) ? rest['added_tokens'] : []).filter(isAdded);
    const template = chatTemplate ?? (typeof config['chat_template'] === 'string' ? config['chat_template'] : '');
    const controls = findControls(added, vocabulary, config, template);
    const controlIds = new Map([...controls].map(([text, id]) => [id, text]));
    // Without its control tokens the library sees ordinary text in `<end_of_turn>`.
    const plain = added.filter((token) => !controls.has(token.content));
    let size = vocabulary.size;
    for (const { id } of added) size = Math.max(size, id + 1);
    return new Tokenizer(
      makeLibrary({ ...rest, added_tokens: plain }, config, vocabulary),
      vocabulary,
      new Map(added.map(({ id, content }) => [id, content])),
      config,
      controls,
      controlIds,
      spaceOf(rest['decoder']),
      size,
    );
  }

  /**
   * A person's (or a model's) text: whatever it says, no control token comes of it, save the unknown token where a
   * vocabulary without byte tokens has nothing for a character.
   */
  encodeText(text: string): number[] {
    if (text === '') return [];
    const known = this.remembered.get(text);
    if (known) return [...known];
    const { ids } = this.library.encode(text, { add_special_tokens: false });
    const safe = ids.some((id) => this.isControl(id) && id !== this.unknownId) ? this.respell(ids) : ids;
    // Short texts cost less than looking after a memory of them.
    if (text.length > 256) {
      this.remembered.set(text, [...safe]);
      const oldest = this.remembered.keys().next();
      if (this.remembered.size > REMEMBERED && !oldest.done) this.remembered.delete(oldest.value);
    }
    return safe;
  }

  /** A trusted text, e.g. of a chat template: the control tokens in it become their ids. None is put before or after. */
  encodePrompt(text: string): number[] {
    return this.split(text).flatMap((part) => this.controls.get(part) ?? this.encodeText(part));
  }

  /** Cuts a trusted text before and after each control token; joined, the parts are the text. No part is empty. */
  split(text: string): string[] {
    if (!this.controlSplitter) return text === '' ? [] : [text];
    return text.split(this.controlSplitter).filter((part) => part !== '');
  }

  /** The text that `ids` stand for. Control tokens leave nothing, unless asked for. Invalid bytes give U+FFFD. */
  decode(ids: Iterable<number>, options: { controls?: boolean } = {}): string {
    const decoder = new ByteRuns();
    let text = '';
    for (const id of ids) {
      const piece = this.pieceOf(id);
      if (piece === 'unknown') continue;
      if (piece === 'control') text += options.controls ? decoder.end() + (this.controlIds.get(id) ?? '') : '';
      else if ('byte' in piece) text += decoder.push(piece.byte);
      else text += decoder.end() + piece.text;
    }
    return text + decoder.end();
  }

  idOf(token: string): number | undefined {
    return this.controls.get(token) ?? this.vocabulary.idOf(token) ?? this.addedId(token);
  }

  private addedId(text: string): number | undefined {
    for (const [id, content] of this.added) if (content === text) return id;
    return undefined;
  }

  isControl(id: number): boolean {
    return this.controlIds.has(id);
  }

  isControlText(text: string): boolean {
    return this.controls.has(text);
  }

  /**
   * The text of a token that the configuration names.
   * @param fallback used where the configuration names none.
   */
  named(key: (typeof NAMED)[number], fallback: string): string {
    return namedToken(this.config, key) ?? fallback;
  }

  /** What `id` adds to a text; `unknown` for one that the vocabulary does not have (padding rows of the embedding). */
  pieceOf(id: number): Piece {
    const known = this.pieces[id];
    if (known) return known;
    const piece = this.readPiece(id);
    if (piece !== 'unknown') this.pieces[id] = piece;
    return piece;
  }

  private readPiece(id: number): Piece {
    if (this.controlIds.has(id)) return 'control';
    const token = this.added.get(id) ?? this.vocabulary.textOf(id);
    if (token === undefined) return 'unknown';
    const byte = /^<0x([0-9A-F]{2})>$/i.exec(token)?.[1];
    return byte === undefined ? { text: token.replaceAll(this.space, ' ') } : { byte: parseInt(byte, 16) };
  }

  /** A vocabulary may have merges that lead to a control token: its characters are then encoded one by one. */
  private respell(ids: number[]): number[] {
    return ids.flatMap((id) => {
      const text = id === this.unknownId ? undefined : this.controlIds.get(id);
      if (text === undefined) return [id];
      return [...text]
        .flatMap((character) => this.library.encode(character, { add_special_tokens: false }).ids)
        .filter((part) => !this.isControl(part));
    });
  }
}

/** UTF-8 that arrives a byte at a time. Nothing comes out before a character is whole, or proven not to be one. */
export class ByteRuns {
  // A byte order mark that the model wrote is text like any other.
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  private readonly one = new Uint8Array(1);
  private open = false;

  push(byte: number): string {
    this.open = true;
    this.one[0] = byte;
    return this.decoder.decode(this.one, { stream: true });
  }

  /** What is left of a character that did not end: U+FFFD; nothing otherwise. */
  end(): string {
    if (!this.open) return '';
    this.open = false;
    return this.decoder.decode();
  }
}

interface Added {
  id: number;
  content: string;
  special?: boolean;
}

const isAdded = (value: unknown): value is Added =>
  isObject(value) && typeof value['content'] === 'string' && Number.isSafeInteger(value['id']);

const escape = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

function namedToken(config: JsonObject, key: string): string | undefined {
  const more = config['extra_special_tokens'];
  return tokenText(config[key]) ?? (isObject(more) ? tokenText(more[key]) : undefined);
}

function findControls(added: Added[], vocabulary: Bpe, config: JsonObject, template: string): Map<string, number> {
  const texts = new Set(added.filter((token) => token.special).map((token) => token.content));
  const decoder = config['added_tokens_decoder'];
  for (const token of isObject(decoder) ? Object.values(decoder) : []) {
    const text = tokenText(token);
    if (text !== undefined && isObject(token) && token['special'] === true) texts.add(text);
  }
  for (const key of NAMED) texts.add(namedToken(config, key) ?? '');
  for (const list of [config['additional_special_tokens'], config['extra_special_tokens']])
    for (const token of isObject(list) || Array.isArray(list) ? Object.values(list) : [])
      texts.add(tokenText(token) ?? '');
  // A fine-tune's files may have lost the mark, but what opens and closes a turn still does.
  for (const { content } of added) if (/^<[^<>]+>$/.test(content) && template.includes(content)) texts.add(content);
  const ids = new Map(added.map((token) => [token.content, token.id]));
  const controls = new Map<string, number>();
  for (const text of texts) {
    const id = ids.get(text) ?? (text === '' ? undefined : vocabulary.idOf(text));
    if (id !== undefined) controls.set(text, id);
  }
  return controls;
}

/**
 * The library, which knows normalisers, added tokens and pre-tokenizers, with our tables in place of its model: made of
 * Gemma 3's vocabulary and merges, that takes seconds.
 * @throws EngineError `model-unsupported`
 */
function makeLibrary(json: JsonObject, config: JsonObject, vocabulary: Bpe): Library {
  const defaults = { normalizer: null, pre_tokenizer: null, post_processor: null };
  let library: Library;
  try {
    library = new Library({ ...defaults, ...json, model: { type: 'BPE', vocab: {}, merges: [] } }, config);
  } catch (cause) {
    throw unsupported(cause instanceof Error ? cause.message : String(cause));
  }
  // The library speaks of tokens by their texts; an id written as a text that no token has says the same.
  const model = (sections: string[]) =>
    sections.flatMap((section) => vocabulary.encode(section).map((id) => MARK + id));
  const tokens_to_ids = { get: (token: string) => Number(token.slice(MARK.length)) };
  library.model = Object.assign(model, { tokens_to_ids, vocab: [] }) as unknown as NonNullable<Library['model']>;
  return library;
}

/**
 * Gemma's decoder: a mark stands for a space, bytes fall back, all is joined. Another one would decode otherwise.
 * @returns the mark.
 */
function spaceOf(decoder: unknown): string {
  const steps: unknown = isObject(decoder) && decoder['type'] === 'Sequence' ? decoder['decoders'] : [decoder];
  let space = '▁';
  for (const step of Array.isArray(steps) ? (steps as unknown[]) : []) {
    if (!isObject(step)) continue;
    const pattern = step['pattern'];
    if (step['type'] === 'Replace' && step['content'] === ' ' && isObject(pattern) && tokenText(pattern['String']))
      space = tokenText(pattern['String']) ?? space;
    else if (step['type'] !== 'ByteFallback' && step['type'] !== 'Fuse')
      throw unsupported(`its decoder has a step (${String(step['type'])}) that Gemma 3's does not have`);
  }
  return space;
}
