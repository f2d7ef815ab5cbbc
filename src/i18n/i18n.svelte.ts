/** The page's language and its messages. Both languages are in the bundle: nothing is fetched. */
import i18next from 'i18next';
import en from './en.json';
import fr from './fr.json';

export const LANGUAGES = { en: 'English', fr: 'Français' } as const;
export type Language = keyof typeof LANGUAGES;

/** A message with forms for one and for many (`x_one`, `x_other`…) is asked for as `x`, with a `count`. */
type Bare<Key extends string> = Key extends `${infer Begin}_${Intl.LDMLPluralRule}` ? Begin : Key;
export type MessageKey = Bare<keyof typeof en>;

export const messages = i18next.createInstance();
void messages.init({
  lng: 'en',
  fallbackLng: 'en',
  resources: { en: { translation: en }, fr: { translation: fr } },
  // Keys have points in them, and Svelte escapes what it shows.
  keySeparator: false,
  nsSeparator: false,
  interpolation: { escapeValue: false },
  initAsync: false,
});

const isLanguage = (code: string): code is Language => code in LANGUAGES;

/** The first of the person's languages that we speak. */
export function preferredLanguage(languages: readonly string[]): Language {
  return languages.map((code) => code.slice(0, 2).toLowerCase()).find(isLanguage) ?? 'en';
}

const BYTE_UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];

/** The person's own kind of the language, as `fr-CA`: numbers and dates are written as there. */
export function localeFor(language: Language, languages: readonly string[]): string {
  return languages.find((code) => code.toLowerCase().startsWith(`${language}-`)) ?? language;
}

class I18n {
  language = $state<Language>('en');
  readonly locale = $derived(localeFor(this.language, globalThis.navigator?.languages ?? []));

  /** A message in the page's language. */
  t = (key: MessageKey, values: Record<string, string | number> = {}): string =>
    messages.t(key, { lng: this.language, ...values });

  number(value: number, digits = 0): string {
    return new Intl.NumberFormat(this.locale, { maximumFractionDigits: digits }).format(value);
  }

  /** As it is typed: without marks between thousands. */
  plain(value: number): string {
    return new Intl.NumberFormat(this.locale, { maximumFractionDigits: 6, useGrouping: false }).format(value);
  }

  /** 859106816 → “859 MB”, “859 Mo”. */
  bytes(value: number): string {
    const power = BYTE_UNITS.findIndex((_, i) => value < 999.5 * 1000 ** i);
    const i = power < 0 ? BYTE_UNITS.length - 1 : power;
    return this.quantity(value / 1000 ** i, BYTE_UNITS[i] ?? 'byte', i < 3 ? 0 : 1);
  }

  /** In the unit that says enough: “40 sec”, “12 min”, “1.5 hr”. */
  duration(seconds: number): string {
    if (seconds < 59.5) return this.quantity(seconds, 'second', 0);
    return seconds < 3570 ? this.quantity(seconds / 60, 'minute', 0) : this.quantity(seconds / 3600, 'hour', 1);
  }

  /** “0.4 sec” */
  seconds(value: number): string {
    return this.quantity(value, 'second', 1);
  }

  date(ms: number): string {
    return new Intl.DateTimeFormat(this.locale, { dateStyle: 'medium' }).format(ms);
  }

  /** “a, b and c” */
  list(items: readonly string[]): string {
    return new Intl.ListFormat(this.locale).format(items);
  }

  percent(fraction: number): string {
    return this.t('model.percent', { percent: Math.floor(fraction * 100) });
  }

  private quantity(value: number, unit: string, digits: number): string {
    const options = { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: digits } as const;
    return new Intl.NumberFormat(this.locale, options).format(value);
  }
}

export const i18n = new I18n();
