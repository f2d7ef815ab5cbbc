import { expect, it } from 'vitest';
import { isObject } from './json.ts';

it('takes objects alone for objects', () => {
  for (const value of [{}, { a: 1 }, Object.create(null)]) expect(isObject(value)).toBe(true);
  for (const value of [null, undefined, [], 'text', 1, true, () => null]) expect(isObject(value)).toBe(false);
});
