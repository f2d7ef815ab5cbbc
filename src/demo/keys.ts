/** The keys of a demonstration: those of presenters' remote controls, and what one would try. */

const KEYS = {
  forward: ['ArrowRight', 'PageDown', ' '],
  reset: ['Home', 'r', 'R'],
  stop: ['ArrowLeft', 'PageUp', '.'],
} as const;

export type DemoKey = keyof typeof KEYS;

/** What a key asks for, if anything. */
export const keyOf = (key: string): DemoKey | null =>
  (Object.keys(KEYS) as DemoKey[]).find((action) => (KEYS[action] as readonly string[]).includes(key)) ?? null;
