/**
 * Messages as a chat template accepts them: turns alternate, beginning and ending with the user's, after at most one
 * system message. What can sensibly be merged is; the rest is refused with a sentence.
 */
import { type ContentPart, EngineError, type Message } from '../../../protocol/engine.ts';

export type Turn =
  | { role: 'system' | 'assistant'; content: string }
  /** Text stays a text and a list stays a list: templates treat the two differently. */
  | { role: 'user'; content: string | ContentPart[] };

const refuse = (why: string) => new EngineError('bad-request', why);

/** What stands between two texts that become one. */
const BLANK_LINE = '\n\n';

function joinTexts(first: string, second: string): string {
  const texts = [first, second].map((text) => text.trim()).filter((text) => text !== '');
  return texts.join(BLANK_LINE);
}

/** Messages come from another thread: their types are a promise, not a proof. */
function checkContent(content: unknown): void {
  const isPart = (part: unknown): boolean => {
    const { type, text, image } = (part ?? {}) as Partial<Record<'type' | 'text' | 'image', unknown>>;
    return (type === 'text' && typeof text === 'string') || (type === 'image' && image instanceof Blob);
  };
  if (typeof content !== 'string' && !(Array.isArray(content) && content.every(isPart)))
    throw refuse("a message's content is neither a text nor a list of texts and pictures");
}

function textOf(message: Message): string {
  if (typeof message.content === 'string') return message.content;
  return message.content
    .map((part) => {
      if (part.type === 'text') return part.text;
      throw refuse(`a picture can only be in a message of the user's, not of the ${message.role}'s`);
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
  // Only two texts that touch need the blank line: a picture brings its own.
  if (last?.type !== 'text' || next?.type !== 'text') return [...before, ...after];
  return [...before.slice(0, -1), { type: 'text', text: joinTexts(last.text, next.text) }, ...after.slice(1)];
}

function add(turns: Turn[], message: Message): void {
  const last = turns.at(-1);
  switch (message.role) {
    case 'system':
      if (last && last.role !== 'system') throw refuse('a system message can only come first');
      if (last) last.content = joinTexts(last.content, textOf(message));
      else turns.push({ role: 'system', content: textOf(message) });
      return;
    case 'assistant':
      if (last?.role === 'assistant') last.content = joinTexts(last.content, textOf(message));
      else if (last?.role === 'user') turns.push({ role: 'assistant', content: textOf(message) });
      else throw refuse("the first message must be the user's, not an answer");
      return;
    case 'user':
      if (last?.role === 'user') last.content = mergeUser(last.content, message.content);
      else turns.push({ role: 'user', content: message.content });
      return;
    default:
      throw refuse(`a message's role is ${JSON.stringify(message.role)}, not system, user or assistant`);
  }
}

/** @param continueAnswer the last turn is then the beginning of an answer. @throws EngineError `bad-request` */
export function toTurns(messages: readonly Message[], continueAnswer = false): Turn[] {
  const turns: Turn[] = [];
  for (const { content } of messages) checkContent(content);
  // An empty answer at the end is the place for the answer that is asked for.
  const last = messages.at(-1);
  const asked = last?.role === 'assistant' && textOf(last).trim() === '' ? messages.slice(0, -1) : messages;
  for (const message of asked) add(turns, message);
  // A system message that says nothing would still put a blank line before the first text.
  if (turns[0]?.role === 'system' && turns[0].content.trim() === '') turns.shift();
  if (continueAnswer && turns.at(-1)?.role === 'assistant') return turns;
  if (continueAnswer) throw refuse('the last message must be the answer to carry on');
  if (turns.at(-1)?.role !== 'user') throw refuse("the last message must be the user's: there is nothing to answer");
  return turns;
}
