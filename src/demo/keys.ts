/** The keys of a demonstration: those that presenters' remote controls send, and usual ones of a keyboard. */

const KEYS = {
  forward: ['ArrowRight', 'PageDown', ' '],
  reset: ['Home', 'r', 'R'],
  stop: ['ArrowLeft', 'PageUp', '.'],
} as const;

export type DemoKey = keyof typeof KEYS;

/** Returns the action of a key, or null. */
export const keyOf = (key: string): DemoKey | null =>
  (Object.keys(KEYS) as DemoKey[]).find((action) => (KEYS[action] as readonly string[]).includes(key)) ?? null;
