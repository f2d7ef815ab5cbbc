import { isObject } from '../../../protocol/json.ts';

/**
 * Reads a token as tokenizer configurations write it: its text, or an object with the text in `content`.
 * @param value the configuration's value.
 * @returns the token's text, or undefined where there is none.
 */
export function tokenText(value: unknown): string | undefined {
  const text = isObject(value) ? value['content'] : value;
  return typeof text === 'string' && text !== '' ? text : undefined;
}
