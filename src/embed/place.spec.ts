import { expect, it } from 'vitest';
import { placeOf } from './place.ts';

it('only a window of its own holds the app, and only ?embed may be used in a frame', () => {
  expect(placeOf(false, '')).toBe('app');
  expect(placeOf(false, '?demo')).toBe('app');
  expect(placeOf(true, '')).toBe('framed');
  expect(placeOf(true, '?preset=a&embedded')).toBe('framed');
  expect(placeOf(true, '?embed')).toBe('embed');
  expect(placeOf(true, '?lang=fr&embed=1')).toBe('embed');
  expect(placeOf(false, '?embed')).toBe('alone');
});
