/**
 * Text to token ids and back, on @huggingface/tokenizers. It guarantees that text that a person typed never becomes a
 * control token, and that the chat template's control tokens do.
 *
 * The control tokens are read from the model's own files: tokens marked `special`, those that the configuration names
 * (`bos_token`, `boi_token`…), and `<…>` tokens that its chat template writes. The other added tokens (runs of newlines,
 * HTML tags, `<unusedN>`) are ordinary text, and are found in a person's text as the reference does.
 */
import { Tokenizer as Library } from '@huggingface/tokenizers';
import { EngineError } from '../../../protocol/engine.ts';
import { isObject, type JsonObject } from '../../../protocol/json.ts';
import { Bpe } from './bpe.ts';
import type { CompactTokenizer } from './compact-tokenizer.ts';
import { tokenText } from './token-text.ts';

/** Keys of tokenizer_config.json that name one control token. */
const NAMED = ['bos_token', 'eos_token', 'pad_token', 'unk_token', 'boi_token', 'eoi_token', 'image_token'] as const;
/** Number of texts whose ids are cached, since a conversation is encoded again at every turn. */
const MAX_CACHED_TEXTS = 256;
/** Length from which encoding a text takes longer than caching it. */
const MIN_CACHED_LENGTH = 257;

/** An id in decoded text; `unknown` is an id that the vocabulary does not have. */
export type DecodedToken = { text: string } | { byte: number } | 'control' | 'unknown';

/** Begins a text that stands for an id (makeLibrary). */
const ID_PREFIX = '\uE000';

const unsupported = (why: string) => new EngineError('model-unsupported', `tokenizer.json: ${why}`);

/** Encodes and decodes text as one model does. */
export class Tokenizer {
  /** One more than the highest id. */
  readonly vocabSize: number;
  /** Results of `decodeToken`. */
  private readonly decoded: (DecodedToken | undefined)[] = [];
  private readonly controlSplitter: RegExp | null;
  private readonly cachedIds = new Map<string, readonly number[]>();
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
    // An alternation takes the first that matches, so the longest come first.
    const texts = [...controls.keys()].sort((a, b) => b.length - a.length).map(escape);
    this.controlSplitter = texts.length > 0 ? new RegExp(`(${texts.join('|')})`, 'u') : null;
  }

  /**
   * Makes a tokenizer of a model's files.
   * @param tokenizer tokenizer.json in its compact form.
   * @param tokenizerConfig tokenizer_config.json, parsed.
   * @param chatTemplate where the model folder has it in a file of its own.
   * @throws EngineError `model-unsupported`
   */
  static from({ rest, bpe }: CompactTokenizer, tokenizerConfig: unknown, chatTemplate?: string): Tokenizer {
    const config = isObject(tokenizerConfig) ? tokenizerConfig : {};
    const vocabulary = new Bpe(bpe);
    const added = (Array.isArray(rest['added_tokens']) ? rest['added_tokens'] : []).filter(isAddedToken);
    const template = chatTemplate ?? (typeof config['chat_template'] === 'string' ? config['chat_template'] : '');
    const controls = findControls(added, vocabulary, config, template);
    const controlIds = new Map([...controls].map(([text, id]) => [id, text]));
    // The library does not know the control tokens, so that `<end_of_turn>` is ordinary text to it.
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
   * Encodes a person's or a model's text. No control token comes of it, except the unknown token where a vocabulary without
   * byte tokens has nothing for a character.
   * @returns token ids
   */
  encodeText(text: string): number[] {
    if (text === '') return [];
    const cached = this.cachedIds.get(text);
    if (cached) return [...cached];
    const { ids } = this.library.encode(text, { add_special_tokens: false });
    const safe = ids.some((id) => this.isControl(id) && id !== this.unknownId) ? this.respell(ids) : ids;
    if (text.length >= MIN_CACHED_LENGTH) {
      this.cachedIds.set(text, [...safe]);
      const oldest = this.cachedIds.keys().next();
      if (this.cachedIds.size > MAX_CACHED_TEXTS && !oldest.done) this.cachedIds.delete(oldest.value);
    }
    return safe;
  }

  /**
   * Encodes a trusted text, e.g. of a chat template. The control tokens in it become their ids; none are added.
   * @returns token ids
   */
  encodePrompt(text: string): number[] {
    return this.split(text).flatMap((part) => this.controls.get(part) ?? this.encodeText(part));
  }

  /** Splits a trusted text before and after each control token. @returns its parts, none of them empty */
  split(text: string): string[] {
    if (!this.controlSplitter) return text === '' ? [] : [text];
    return text.split(this.controlSplitter).filter((part) => part !== '');
  }

  /**
   * Decodes ids. Invalid bytes give U+FFFD.
   * @param ids token ids.
   * @param options `controls`: whether control tokens are written; else they leave nothing.
   */
  decode(ids: Iterable<number>, options: { controls?: boolean } = {}): string {
    const decoder = new ByteDecoder();
    let text = '';
    for (const id of ids) {
      const token = this.decodeToken(id);
      if (token === 'unknown') continue;
      if (token === 'control') text += options.controls ? decoder.end() + (this.controlIds.get(id) ?? '') : '';
      else if ('byte' in token) text += decoder.push(token.byte);
      else text += decoder.end() + token.text;
    }
    return text + decoder.end();
  }

  /** @returns the id of a token by its text; undefined for a text that is not one token */
  idOf(token: string): number | undefined {
    return this.controls.get(token) ?? this.vocabulary.idOf(token) ?? this.addedId(token);
  }

  private addedId(text: string): number | undefined {
    for (const [id, content] of this.added) if (content === text) return id;
    return undefined;
  }

  /** Whether an id is a control token's. */
  isControl(id: number): boolean {
    return this.controlIds.has(id);
  }

  /** Whether a text is that of a control token. */
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

  /** Decodes one id. Padding rows of the embedding have ids that the vocabulary does not have. */
  decodeToken(id: number): DecodedToken {
    const cached = this.decoded[id];
    if (cached) return cached;
    const token = this.readToken(id);
    if (token !== 'unknown') this.decoded[id] = token;
    return token;
  }

  private readToken(id: number): DecodedToken {
    if (this.controlIds.has(id)) return 'control';
    const token = this.added.get(id) ?? this.vocabulary.textOf(id);
    if (token === undefined) return 'unknown';
    const byte = /^<0x([0-9A-F]{2})>$/i.exec(token)?.[1];
    return byte === undefined ? { text: token.replaceAll(this.space, ' ') } : { byte: parseInt(byte, 16) };
  }

  /** Encodes the characters of control tokens one by one: a vocabulary may have merges that lead to such a token. */
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

/** Decodes UTF-8 that arrives a byte at a time. A character comes out when it is complete, or certain not to become so. */
export class ByteDecoder {
  // A byte order mark that the model wrote is ordinary text.
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  private readonly oneByte = new Uint8Array(1);
  private hasBytes = false;

  /** @returns the characters that this byte completes */
  push(byte: number): string {
    this.hasBytes = true;
    this.oneByte[0] = byte;
    return this.decoder.decode(this.oneByte, { stream: true });
  }

  /** Ends the bytes. @returns U+FFFD for a character that is not complete; else nothing */
  end(): string {
    if (!this.hasBytes) return '';
    this.hasBytes = false;
    return this.decoder.decode();
  }
}

/** An entry of tokenizer.json's `added_tokens`. */
interface AddedToken {
  id: number;
  content: string;
  special?: boolean;
}

const isAddedToken = (value: unknown): value is AddedToken =>
  isObject(value) && typeof value['content'] === 'string' && Number.isSafeInteger(value['id']);

const escape = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

function namedToken(config: JsonObject, key: string): string | undefined {
  const more = config['extra_special_tokens'];
  return tokenText(config[key]) ?? (isObject(more) ? tokenText(more[key]) : undefined);
}

/** The control tokens' ids by their texts. */
function findControls(added: AddedToken[], vocabulary: Bpe, config: JsonObject, template: string): Map<string, number> {
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
  // The files of a fine-tune may have lost the mark of tokens that begin and end a turn.
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
 * The library, for normalisers, added tokens and pre-tokenizers, with our tables in place of its model, which takes seconds to
 * construct from Gemma 3's vocabulary and merges.
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
  // The library passes tokens by their texts, so ids are written as texts that no token has.
  const model = (sections: string[]) =>
    sections.flatMap((section) => vocabulary.encode(section).map((id) => ID_PREFIX + id));
  const tokens_to_ids = { get: (token: string) => Number(token.slice(ID_PREFIX.length)) };
  library.model = Object.assign(model, { tokens_to_ids, vocab: [] }) as unknown as NonNullable<Library['model']>;
  return library;
}

/**
 * Reads the steps of the decoder, which must be Gemma's: replace the mark of spaces, decode byte tokens, join.
 * @returns the mark of spaces
 * @throws EngineError `model-unsupported`
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
