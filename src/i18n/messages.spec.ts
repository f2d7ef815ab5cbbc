import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ENGINE_ERRORS } from '../../protocol/engine.ts';
import { STORE_ERRORS } from '../../protocol/store.ts';
import en from './en.json';
import fr from './fr.json';
import { messages, preferredLanguage } from './i18n.svelte.ts';

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.(svelte|ts)$/.test(path) && !path.endsWith('.spec.ts'))
  .map((path) => readFileSync(`src/${path}`, 'utf8'))
  .join('\n');

/** Keys that are put together from a value: every value must have its message. */
const MADE = [
  ...ENGINE_ERRORS.map((code) => `error.${code}`),
  ...STORE_ERRORS.map((code) => `store.error.${code}`),
  ...['network', 'server-busy', 'server-error', 'web-page', 'other-tab'].map((why) => `waiting.${why}`),
  ...['length', 'context-full', 'aborted'].map((reason) => `finish.${reason}`),
];

const placeholders = (text: string) => [...text.matchAll(/{{(\w+)}}/g)].map((match) => match[1]).sort();

describe('messages', () => {
  it('are the same in both languages, with the same placeholders', () => {
    expect(Object.keys(fr)).toEqual(Object.keys(en));
    for (const [key, text] of Object.entries(en))
      expect(placeholders(fr[key as keyof typeof fr]), key).toEqual(placeholders(text));
  });

  it('are all used', () => {
    const unused = Object.keys(en).filter((key) => !MADE.includes(key) && !sources.includes(`'${key}'`));
    expect(unused).toEqual([]);
  });

  it('are given the values that they need', () => {
    for (const [, key = '', values = ''] of sources.matchAll(/\bt\(\s*'([\w.-]+)'(?:,\s*{([^}]*)})?/g)) {
      const names = [...values.matchAll(/(?:^|,)\s*([a-z]\w*)\s*(?=[:,]|$)/g)].map((match) => match[1]).sort();
      expect(names, key).toEqual(placeholders(en[key as keyof typeof en]));
    }
  });

  it('are there for everything that can go wrong', () => {
    for (const key of MADE) expect(en).toHaveProperty([key]);
  });

  it('follow French typography', () => {
    for (const [key, text] of Object.entries(fr)) {
      expect(text, key).not.toMatch(/[^\u202f][;:!?»](?!\/)/u);
      expect(text, key).not.toMatch(/«[^\u202f]/u);
      expect(text, key).not.toMatch(/'/);
    }
  });

  it('are given in the language asked for', () => {
    expect(messages.t('chat.send', { lng: 'fr' })).toBe('Envoyer');
    expect(messages.t('chat.removePicture', { lng: 'en', name: '<a>.png' })).toBe('Remove <a>.png');
  });
});

describe('preferredLanguage', () => {
  it('takes the first that we speak', () => {
    expect(preferredLanguage(['de-DE', 'fr-CA', 'en'])).toBe('fr');
    expect(preferredLanguage(['zh'])).toBe('en');
  });
});
