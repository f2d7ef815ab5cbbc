/** Reading JSON that came from outside: nothing about its shape is taken for granted. */

export type Json = Record<string, unknown>;

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A token in a tokenizer's configuration is its text, or an object with the text in `content`. */
export function tokenText(value: unknown): string | undefined {
  const text = isObject(value) ? value['content'] : value;
  return typeof text === 'string' && text !== '' ? text : undefined;
}
