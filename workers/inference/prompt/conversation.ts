/**
 * Messages as a chat template accepts them: after at most one system message, turns alternate, and the first and the last are
 * the user's. Consecutive messages of one role are merged; other orders are refused with a sentence.
 */
import { type ContentPart, EngineError, type Message } from '../../../protocol/engine.ts';

/** A turn of the conversation. */
export type Turn =
  | { role: 'system' | 'assistant'; content: string }
  /** A string stays a string and a list stays a list, since templates treat the two differently. */
  | { role: 'user'; content: string | ContentPart[] };

const badRequest = (why: string) => new EngineError('bad-request', why);

/** Separates two texts that become one. */
const BLANK_LINE = '\n\n';

function joinTexts(first: string, second: string): string {
  const texts = [first, second].map((text) => text.trim()).filter((text) => text !== '');
  return texts.join(BLANK_LINE);
}

/** Messages come from another thread, so their types are not certain. @throws EngineError `bad-request` */
function checkContent(content: unknown): void {
  const isPart = (part: unknown): boolean => {
    const { type, text, image } = (part ?? {}) as Partial<Record<'type' | 'text' | 'image', unknown>>;
    return (type === 'text' && typeof text === 'string') || (type === 'image' && image instanceof Blob);
  };
  if (typeof content !== 'string' && !(Array.isArray(content) && content.every(isPart)))
    throw badRequest("a message's content is neither a text nor a list of texts and pictures");
}

function textOf(message: Message): string {
  if (typeof message.content === 'string') return message.content;
  return message.content
    .map((part) => {
      if (part.type === 'text') return part.text;
      throw badRequest(`a picture can only be in a message of the user's, not of the ${message.role}'s`);
    })
    .reduce((all, text) => (all === '' ? text : joinTexts(all, text)), '');
}

function mergeUser(first: string | ContentPart[], second: string | ContentPart[]): string | ContentPart[] {
  if (typeof first === 'string' && typeof second === 'string') return joinTexts(first, second);
  const parts = [first, second].map((content): ContentPart[] =>
    typeof content === 'string' ? [{ type: 'text', text: content }] : content,
  );
  const [before = [], after = []] = parts;
  const last = before.at(-1);
  const next = after[0];
  // Only two adjacent texts need the blank line: the prompt has blank lines around a picture.
  if (last?.type !== 'text' || next?.type !== 'text') return [...before, ...after];
  return [...before.slice(0, -1), { type: 'text', text: joinTexts(last.text, next.text) }, ...after.slice(1)];
}

function add(turns: Turn[], message: Message): void {
  const last = turns.at(-1);
  switch (message.role) {
    case 'system':
      if (last && last.role !== 'system') throw badRequest('a system message can only come first');
      if (last) last.content = joinTexts(last.content, textOf(message));
      else turns.push({ role: 'system', content: textOf(message) });
      return;
    case 'assistant':
      if (last?.role === 'assistant') last.content = joinTexts(last.content, textOf(message));
      else if (last?.role === 'user') turns.push({ role: 'assistant', content: textOf(message) });
      else throw badRequest("the first message must be the user's, not an answer");
      return;
    case 'user':
      if (last?.role === 'user') last.content = mergeUser(last.content, message.content);
      else turns.push({ role: 'user', content: message.content });
      return;
    default:
      throw badRequest(`a message's role is ${JSON.stringify(message.role)}, not system, user or assistant`);
  }
}

/**
 * Makes turns of messages.
 * @param messages the conversation.
 * @param continueAnswer whether the last message is the beginning of an answer.
 * @returns at least one turn
 * @throws EngineError `bad-request`
 */
export function toTurns(messages: readonly Message[], continueAnswer = false): Turn[] {
  const turns: Turn[] = [];
  for (const { content } of messages) checkContent(content);
  // An empty answer at the end stands for the answer that is to come.
  const last = messages.at(-1);
  const given = last?.role === 'assistant' && textOf(last).trim() === '' ? messages.slice(0, -1) : messages;
  for (const message of given) add(turns, message);
  // An empty system message would still put a blank line before the first text.
  if (turns[0]?.role === 'system' && turns[0].content.trim() === '') turns.shift();
  if (continueAnswer && turns.at(-1)?.role === 'assistant') return turns;
  if (continueAnswer) throw badRequest('the last message must be the answer to carry on');
  if (turns.at(-1)?.role !== 'user')
    throw badRequest("the last message must be the user's: there is nothing to answer");
  return turns;
}
