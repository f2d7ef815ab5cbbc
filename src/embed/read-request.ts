/**
 * Validates a host's message field by field. The result contains only validated values; any input yields a request or
 * an error, never an exception.
 */
import type { EmbedId, EmbedOptions, EmbedRequest } from '../../protocol/embed.ts';
import { type ContentPart, type GenerateOptions, MAX_PICTURE_MB, type Message } from '../../protocol/engine.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { isInRange, MAX_NEW_TOKENS_RANGE, readSampling } from '../../protocol/sampling.ts';

export const REQUEST_LIMITS = { messages: 1000, parts: 100, pictures: 16, characters: 1_000_000, id: 100 } as const;

/** A validated request. */
export type HostRequest =
  | { type: 'status' | 'load' }
  | { type: 'count' | 'generate'; messages: Message[]; options: GenerateOptions }
  | { type: 'stop'; request: EmbedId };

export type ParsedRequest =
  { id: EmbedId; asked: HostRequest } | { id: EmbedId | null; wrong: 'bad-message' | 'unknown-version'; what: string };

type PublicSamplingName = keyof NonNullable<EmbedOptions['sampling']>;

/** Thrown and caught in this file. The message is the path of the invalid field. */
class InvalidField extends Error {}

/** Whether a message is meant for Fournil. Others, which hosts send to all their frames, are ignored. */
export const isOurs = (data: unknown): data is JsonObject => isObject(data) && Object.hasOwn(data, 'fournil');

const isId = (value: unknown): value is EmbedId =>
  typeof value === 'string' ? value.length > 0 && value.length <= REQUEST_LIMITS.id : Number.isSafeInteger(value);

function objectAt(where: string, value: unknown): JsonObject {
  if (!isObject(value)) throw new InvalidField(where);
  return value;
}

function listAt(where: string, value: unknown, limit: number): unknown[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > limit) throw new InvalidField(where);
  // Array.from turns holes into undefined, so that they are validated too.
  return Array.from(value as unknown[]);
}

/** Counts characters and pictures over all messages of a request. */
class Sizes {
  private characters = 0;
  private pictures = 0;

  text(where: string, value: unknown): string {
    if (typeof value !== 'string' || (this.characters += value.length) > REQUEST_LIMITS.characters)
      throw new InvalidField(where);
    return value;
  }

  picture(where: string, value: unknown): Blob {
    if (!(value instanceof Blob) || value.size > MAX_PICTURE_MB * 1e6) throw new InvalidField(where);
    if (++this.pictures > REQUEST_LIMITS.pictures) throw new InvalidField(where);
    return value;
  }
}

function readPart(where: string, value: unknown, sizes: Sizes): ContentPart {
  const part = objectAt(where, value);
  if (part['type'] === 'text') return { type: 'text', text: sizes.text(`${where}.text`, part['text']) };
  if (part['type'] === 'image') return { type: 'image', image: sizes.picture(`${where}.image`, part['image']) };
  throw new InvalidField(`${where}.type`);
}

function readMessage(where: string, value: unknown, sizes: Sizes): Message {
  const { role, content } = objectAt(where, value);
  if (role !== 'system' && role !== 'user' && role !== 'assistant') throw new InvalidField(`${where}.role`);
  if (!Array.isArray(content)) return { role, content: sizes.text(`${where}.content`, content) };
  const parts = listAt(`${where}.content`, content, REQUEST_LIMITS.parts);
  return { role, content: parts.map((part, i) => readPart(`${where}.content[${i}]`, part, sizes)) };
}

function readMessages(value: unknown): Message[] {
  const sizes = new Sizes();
  const list = listAt('messages', value, REQUEST_LIMITS.messages);
  return list.map((message, i) => readMessage(`messages[${i}]`, message, sizes));
}

function readOptions(value: unknown): GenerateOptions {
  if (value === undefined) return {};
  const { sampling, maxNewTokens, continueAnswer } = objectAt('options', value);
  const options: GenerateOptions = {};
  if (sampling !== undefined) {
    const fields = objectAt('options.sampling', sampling);
    options.sampling = readSampling(
      // The public protocol names every parameter, or this fails to compile.
      (name) => fields[name satisfies PublicSamplingName],
      (name) => {
        throw new InvalidField(`options.sampling.${name}`);
      },
    );
  }
  if (maxNewTokens !== undefined) {
    if (!isInRange(MAX_NEW_TOKENS_RANGE, maxNewTokens)) throw new InvalidField('options.maxNewTokens');
    options.maxNewTokens = maxNewTokens;
  }
  if (continueAnswer !== undefined) {
    if (typeof continueAnswer !== 'boolean') throw new InvalidField('options.continueAnswer');
    options.continueAnswer = continueAnswer;
  }
  return options;
}

function parseRequest(data: JsonObject): HostRequest {
  const type = data['type'] as EmbedRequest['type'];
  switch (type) {
    case 'status':
    case 'load':
      return { type };
    case 'count':
    case 'generate':
      return { type, messages: readMessages(data['messages']), options: readOptions(data['options']) };
    case 'stop':
      if (!isId(data['request'])) throw new InvalidField('request');
      return { type, request: data['request'] };
    default:
      throw new InvalidField('type');
  }
}

export function readRequest(data: JsonObject): ParsedRequest {
  const id = isId(data['id']) ? data['id'] : null;
  if (data['fournil'] !== 1) return { id, wrong: 'unknown-version', what: 'fournil' };
  if (id === null) return { id, wrong: 'bad-message', what: 'id' };
  try {
    return { id, asked: parseRequest(data) };
  } catch (cause) {
    if (cause instanceof InvalidField) return { id, wrong: 'bad-message', what: cause.message };
    throw cause;
  }
}
