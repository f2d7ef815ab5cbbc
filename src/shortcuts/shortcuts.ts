/**
 * The keyboard shortcuts in one table, which both the handler and the list read. None is a single character, which
 * could be triggered by dictation or by typing outside the message box (WCAG 2.1.4).
 */
import type { MessageKey } from '../i18n/i18n.svelte.ts';

interface Shortcut {
  readonly key: string;
  /** Ctrl, or Command on a Mac. */
  readonly ctrl?: boolean;
  readonly shift?: boolean;
  readonly label: MessageKey;
}

export const SHORTCUTS = {
  send: { key: 'Enter', label: 'shortcuts.send' },
  break: { key: 'Enter', shift: true, label: 'shortcuts.break' },
  stop: { key: 'Escape', label: 'shortcuts.stop' },
  focus: { key: 'Escape', shift: true, label: 'shortcuts.focus' },
  new: { key: 'o', ctrl: true, shift: true, label: 'shortcuts.new' },
  find: { key: 'k', ctrl: true, label: 'shortcuts.find' },
  copy: { key: 'c', ctrl: true, shift: true, label: 'shortcuts.copy' },
  settings: { key: ';', ctrl: true, label: 'settings.title' },
  preferences: { key: '.', ctrl: true, label: 'shortcuts.preferences' },
  list: { key: '/', ctrl: true, label: 'shortcuts.list' },
} as const satisfies Record<string, Shortcut>;

export type ShortcutId = keyof typeof SHORTCUTS;

type KeyPress = Pick<KeyboardEvent, 'key' | 'keyCode' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey' | 'isComposing'>;

function matches({ key, ctrl = false, shift = false }: Shortcut, event: KeyPress): boolean {
  if (event.key.toLowerCase() !== key.toLowerCase()) return false;
  if (event.altKey || (event.ctrlKey || event.metaKey) !== ctrl) return false;
  // Some keyboards need Shift to type these characters.
  return event.shiftKey === shift || /^\W$/.test(key);
}

/** The shortcut of a key event; null if it is none. */
export function shortcutOf(event: KeyPress): ShortcutId | null {
  // While an input method composes, keys belong to it. Some browsers tell this only by key code 229.
  if (event.isComposing || event.keyCode === 229) return null;
  const ids = Object.keys(SHORTCUTS) as ShortcutId[];
  return ids.find((id) => matches(SHORTCUTS[id], event)) ?? null;
}

const NAMED: Readonly<Record<string, MessageKey>> = { Enter: 'shortcuts.keyEnter', Escape: 'shortcuts.keyEscape' };

/** The keys to press, each as a message key or as a character. */
export function keysOf(id: ShortcutId, onMac: boolean): { name: MessageKey | null; character: string }[] {
  const { key, ctrl, shift }: Shortcut = SHORTCUTS[id];
  const names = [
    ctrl && { name: onMac ? null : ('shortcuts.keyCtrl' as const), character: '⌘' },
    shift && { name: 'shortcuts.keyShift' as const, character: '⇧' },
    { name: NAMED[key] ?? null, character: key.toUpperCase() },
  ];
  return names.filter((name) => name !== undefined && name !== false);
}
