import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ENGINE_ERRORS } from '../../protocol/engine.ts';
import { STORE_ERRORS } from '../../protocol/store.ts';
import { SETTINGS } from '../chat/settings/generation-settings.ts';
import { IMPORT_ERRORS, LEFT_OUT } from '../conversations/export/format.ts';
import { messages } from './i18n.svelte.ts';
import { LANGUAGE_CODES } from './languages.ts';
import en from './messages/en.json';
import fr from './messages/fr.json';

type Messages = Record<string, string>;
const messagesOf = (language: string) =>
  JSON.parse(readFileSync(`src/i18n/messages/${language}.json`, 'utf8')) as Messages;
const ALL = LANGUAGE_CODES.map((language) => [language, messagesOf(language)] as const);

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.(svelte|ts)$/.test(path) && !path.endsWith('.spec.ts'))
  .map((path) => ({ path, text: readFileSync(`src/${path}`, 'utf8') }));
const sources = files.map(({ text }) => text).join('\n');

/** Keys that are put together from a value, by what they begin with: every value must have its message. */
const MADE: Record<string, readonly string[]> = {
  'error.': ENGINE_ERRORS,
  'store.error.': STORE_ERRORS,
  'composer.pdf.': ['encrypted', 'broken'],
  'camera.': ['denied', 'none', 'busy', 'failed'],
  'speech.': ['denied', 'noMicrophone', 'failed'],
  'waiting.': ['network', 'server-busy', 'server-error', 'web-page', 'other-tab'],
  'data.left.': LEFT_OUT,
  'data.refused.': IMPORT_ERRORS,
  'demo.outcome.': ['waiting', 'good', 'bad'],
  'finish.': ['length', 'context-full', 'aborted'],
  'setting.': SETTINGS.flatMap((setting) => [setting, `${setting}.about`]),
  'embed.error.': ['bad-message', 'unknown-version', 'not-allowed', 'no-origin', 'too-many', 'elsewhere'],
};
const made = Object.entries(MADE).flatMap(([begin, values]) => values.map((value) => begin + value));

/** A message that depends on a number has one form for each of the language's plural categories. */
const PLURAL = /_(zero|one|two|few|many|other)$/;
const bare = (key: string) => key.replace(PLURAL, '');
const bareKeys = (texts: Messages) => [...new Set(Object.keys(texts).map(bare))];
const formsOf = (texts: Messages, key: string) =>
  Object.entries(texts).flatMap(([each, text]) => (bare(each) === key ? [text] : []));

const placeholders = (text: string) => [...text.matchAll(/{{(\w+)}}/g)].map((match) => match[1]).sort();

describe('messages', () => {
  it('are there for each language of the list, and for no other', () => {
    const found = readdirSync('src/i18n/messages').map((name) => name.replace('.json', ''));
    expect(found.sort()).toEqual([...LANGUAGE_CODES].sort());
    for (const [language, texts] of ALL) expect(messages.t('chat.send', { lng: language })).toBe(texts['chat.send']);
  });

  it('are the same in all languages, in the same order, with the same placeholders', () => {
    for (const [language, texts] of ALL) {
      expect(bareKeys(texts), language).toEqual(bareKeys(en));
      for (const key of bareKeys(en)) {
        const [first = '', ...others] = [...formsOf(en, key), ...formsOf(texts, key)];
        for (const text of others) expect(placeholders(text), `${language}: ${key}`).toEqual(placeholders(first));
      }
    }
  });

  it('have every plural form of their language, or none', () => {
    for (const [language, texts] of ALL) {
      const { pluralCategories } = new Intl.PluralRules(language).resolvedOptions();
      for (const key of Object.keys(texts).filter((each) => PLURAL.test(each)))
        for (const category of pluralCategories) expect(texts, language).toHaveProperty([`${bare(key)}_${category}`]);
    }
  });

  it('say something', () => {
    for (const [, texts] of ALL) for (const [key, text] of Object.entries(texts)) expect(text.trim(), key).toBe(text);
    for (const [, texts] of ALL) for (const [key, text] of Object.entries(texts)) expect(text, key).not.toBe('');
  });

  it('are all used', () => {
    const unused = bareKeys(en).filter((key) => !made.includes(key) && !sources.includes(`'${key}'`));
    expect(unused).toEqual([]);
    // What is said to be put together is so somewhere.
    expect(Object.keys(MADE).filter((begin) => !sources.includes('`' + begin + '${'))).toEqual([]);
  });

  it('are there for every key that is put together from a value', () => {
    for (const key of made) expect(bareKeys(en)).toContain(key);
    const begun = [...sources.matchAll(/\bt\(\s*`([^`$]*)\$\{/g)].map((match) => match[1] ?? '');
    expect(begun.filter((begin) => !(begin in MADE))).toEqual([]);
  });

  it('are given the values that they need', () => {
    for (const [, key = '', values = ''] of sources.matchAll(/\bt\(\s*'([\w.-]+)'(?:,\s*{([^}]*)})?/g)) {
      const names = [...values.matchAll(/(?:^|,)\s*([a-z]\w*)\s*(?=[:,]|$)/g)].map((match) => match[1] ?? '');
      const [text] = formsOf(en, key);
      if (text === undefined) throw new Error(`there is no message ${key}`);
      // The number that chooses the form need not be shown.
      const plural = !(key in en);
      if (plural) expect(names, key).toContain('count');
      const needed = placeholders(text);
      expect(names.filter((name) => !(plural && name === 'count' && !needed.includes(name))).sort(), key).toEqual(
        needed,
      );
    }
  });

  it('follow French typography', () => {
    for (const [key, text] of Object.entries(fr)) {
      // A no-break space, narrow or not, before ; : ! ? % and inside guillemets.
      expect(text, key).not.toMatch(/[^\u202f\u00a0?!][;:!?»%](?!\/)/u);
      expect(text, key).not.toMatch(/«[^\u202f\u00a0]/u);
      // Never one that lets the line break there.
      expect(text, key).not.toMatch(/['"“”]|\.\.\./);
      expect(text, key).not.toMatch(/ {2}|\s[,.]/);
    }
  });

  it('follow English typography', () => {
    for (const [key, text] of Object.entries(en)) {
      expect(text, key).not.toMatch(/['"«»]|\.\.\./);
      expect(text, key).not.toMatch(/ {2}|\s[,.;:!?](?!\.)/);
    }
  });

  it('are given in the language asked for', () => {
    expect(messages.t('chat.send', { lng: 'fr' })).toBe('Envoyer');
    expect(messages.t('chat.removePicture', { lng: 'en', name: '<a>.png' })).toBe('Remove <a>.png');
  });
});

describe('numbers and dates', () => {
  it('are written by one hand, in the language of the page', () => {
    const own = /\.toLocale\w*String\(|new Intl\.(NumberFormat|DateTimeFormat|RelativeTimeFormat|ListFormat)/;
    const elsewhere = files.filter(({ path, text }) => own.test(text) && !path.endsWith('i18n.svelte.ts'));
    expect(elsewhere.map(({ path }) => path)).toEqual([]);
  });
});
