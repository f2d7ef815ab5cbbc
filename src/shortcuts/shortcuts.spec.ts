import { describe, expect, it } from 'vitest';
import { keysOf, type ShortcutId, shortcutOf, SHORTCUTS } from './shortcuts.ts';

const press = (key: string, more: Partial<Parameters<typeof shortcutOf>[0]> = {}) =>
  shortcutOf({
    key,
    keyCode: 0,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    shiftKey: false,
    isComposing: false,
    ...more,
  });

describe('shortcutOf', () => {
  it('knows the keys of the table', () => {
    for (const [id, { key, ...more }] of Object.entries(SHORTCUTS))
      expect(press(key, { ctrlKey: 'ctrl' in more, shiftKey: 'shift' in more }), id).toBe(id);
    expect(press('O', { metaKey: true, shiftKey: true })).toBe('new');
    // French keyboards need Shift for a slash.
    expect(press('/', { ctrlKey: true, shiftKey: true })).toBe('list');
  });

  it('leaves everything else alone, and what an input method composes', () => {
    for (const key of ['o', '/', '.', '?', 'a', 'Tab']) expect(press(key), key).toBeNull();
    expect(press('o', { ctrlKey: true })).toBeNull();
    // AltGr, by which characters are typed.
    expect(press('/', { ctrlKey: true, altKey: true })).toBeNull();
    expect(press('Enter', { isComposing: true })).toBeNull();
    expect(press('Enter', { keyCode: 229 })).toBeNull();
  });

  it('has no key twice, and no bare character', () => {
    const all = Object.keys(SHORTCUTS) as ShortcutId[];
    const written = all.map((id) => JSON.stringify(keysOf(id, false)));
    expect(new Set(written).size).toBe(all.length);
    for (const [id, { key, ...more }] of Object.entries(SHORTCUTS))
      expect(key.length > 1 || 'ctrl' in more, id).toBe(true);
  });
});
