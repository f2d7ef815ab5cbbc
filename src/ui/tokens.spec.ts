import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LESSON_COLOURS } from '../lessons/lesson.ts';

/** What is read, and what is read on. Every colour must be in one of the lists below: a new one is thought about. */
const LESSONS = LESSON_COLOURS.map((colour) => `--lesson-${colour}`);
const INKS = ['--ink', '--ink-soft', '--accent', '--accent-strong', '--good', '--danger', '--focus', ...LESSONS];
const GROUNDS = ['--paper', '--surface', '--surface-user', '--danger-soft'];
/** Text that has one ground of its own. */
const PAIRS = [
  ['--on-accent', '--accent'],
  ['--on-accent', '--accent-strong'],
];
/** Edges that a control is known by. */
const EDGES = ['--line-strong'];
/** Mere decoration. */
const DECORATION = ['--line'];

type Colours = Record<string, [light: string, dark: string]>;

const css = readFileSync('src/ui/tokens.css', 'utf8');

function coloursOf(selector: string): Colours {
  const start = css.indexOf(`${selector} {`);
  if (start < 0) throw new Error(`tokens.css has no ${selector}`);
  const block = css.slice(start, css.indexOf('}', start));
  const found = block.matchAll(/(--[\w-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)/g);
  return Object.fromEntries([...found].map(([, name = '', light = '', dark = '']) => [name, [light, dark]]));
}

/** WCAG 2.2, relative luminance and contrast ratio. */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

/** Pairs with too little contrast, as sentences. */
function tooFaint(colours: Colours, text: number): string[] {
  const wanted = [
    ...INKS.flatMap((ink) => GROUNDS.map((ground) => [ink, ground, text] as const)),
    ...PAIRS.map(([ink = '', ground = '']) => [ink, ground, text] as const),
    ...EDGES.flatMap((edge) => ['--paper', '--surface'].map((ground) => [edge, ground, 3] as const)),
  ];
  return wanted.flatMap(([ink, ground, least]) =>
    ([0, 1] as const).flatMap((theme) => {
      const ratio = contrast(colours[ink]?.[theme] ?? '', colours[ground]?.[theme] ?? '');
      return ratio >= least ? [] : [`${ink} on ${ground}, ${theme ? 'dark' : 'light'}: ${ratio.toFixed(2)} < ${least}`];
    }),
  );
}

const normal = coloursOf(':root');
const high = { ...normal, ...coloursOf(":root[data-contrast='more']") };

describe('contrast', () => {
  it('is computed as WCAG says', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
    expect(tooFaint({ ...normal, '--ink-soft': ['#999999', '#666666'] }, 4.5).length).toBeGreaterThan(0);
  });

  it('is known for every colour', () => {
    const known = [...INKS, ...GROUNDS, ...PAIRS.flat(), ...EDGES, ...DECORATION];
    expect(Object.keys(normal).filter((name) => !known.includes(name))).toEqual([]);
    expect(known.filter((name) => !(name in normal))).toEqual([]);
  });

  it('is at least 4.5 : 1 in both themes', () => {
    expect(tooFaint(normal, 4.5)).toEqual([]);
  });

  it('is at least 7 : 1 where more contrast is wished for', () => {
    expect(tooFaint(high, 7)).toEqual([]);
  });
});
