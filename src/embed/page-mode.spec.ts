import { expect, it } from 'vitest';
import { pageModeOf } from './page-mode.ts';

it('only a window of its own holds the app, and only ?embed may be used in a frame', () => {
  expect(pageModeOf(false, '')).toBe('app');
  expect(pageModeOf(false, '?demo')).toBe('app');
  expect(pageModeOf(true, '')).toBe('framed');
  expect(pageModeOf(true, '?lesson=a&embedded')).toBe('framed');
  expect(pageModeOf(true, '?embed')).toBe('embed');
  expect(pageModeOf(true, '?lang=fr&embed=1')).toBe('embed');
  expect(pageModeOf(false, '?embed')).toBe('alone');
});
