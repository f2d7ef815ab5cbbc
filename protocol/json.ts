/** @file Reading JSON that came from outside. Nothing about its shape is taken for granted. */

/** A JSON object whose fields have not been checked yet. */
export type JsonObject = Record<string, unknown>;

/**
 * Tells whether a parsed value is a JSON object: not null, not an array.
 * @param value a value from `JSON.parse` or from a message.
 * @returns whether its fields may be read.
 */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
