/** Formats the page's messages, numbers and dates in its language. All languages are in the bundle: nothing is fetched. */
import i18next from 'i18next';
import { FALLBACK_LANGUAGE, type Language, localeFor } from './languages.ts';
import type en from './messages/en.json';

/** A message with plural forms (`x_one`, `x_other`…) is asked for as `x`, with a `count`. */
type WithoutPlural<Key extends string> = Key extends `${infer Name}_${Intl.LDMLPluralRule}` ? Name : Key;
export type MessageKey = WithoutPlural<keyof typeof en>;

const files = import.meta.glob<Record<string, string>>('./messages/*.json', { eager: true, import: 'default' });

export const messages = i18next.createInstance();
void messages.init({
  lng: FALLBACK_LANGUAGE,
  fallbackLng: FALLBACK_LANGUAGE,
  resources: Object.fromEntries(
    Object.entries(files).map(([path, translation]) => [/(\w+)\.json$/.exec(path)?.[1], { translation }]),
  ),
  // Keys contain points, and Svelte escapes text.
  keySeparator: false,
  nsSeparator: false,
  interpolation: { escapeValue: false },
  initAsync: false,
});

const BYTE_UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];

class I18n {
  language = $state<Language>(FALLBACK_LANGUAGE);
  readonly locale = $derived(localeFor(this.language, globalThis.navigator?.languages ?? []));

  /** Returns a message in the page's language. */
  t = (key: MessageKey, values: Record<string, string | number> = {}): string =>
    messages.t(key, { lng: this.language, ...values });

  number(value: number, digits = 0): string {
    return new Intl.NumberFormat(this.locale, { maximumFractionDigits: digits }).format(value);
  }

  /** Formats a number for an input field: without group separators. */
  plain(value: number): string {
    return new Intl.NumberFormat(this.locale, { maximumFractionDigits: 6, useGrouping: false }).format(value);
  }

  /** Formats bytes: 859106816 becomes “859 MB” or “859 Mo”. */
  bytes(value: number): string {
    const power = BYTE_UNITS.findIndex((_, i) => value < 999.5 * 1000 ** i);
    const i = power < 0 ? BYTE_UNITS.length - 1 : power;
    return this.quantity(value / 1000 ** i, BYTE_UNITS[i] ?? 'byte', i < 3 ? 0 : 1);
  }

  /** Formats a duration in a fitting unit: “40 sec”, “12 min” or “1.5 hr”. */
  duration(seconds: number): string {
    if (seconds < 59.5) return this.quantity(seconds, 'second', 0);
    return seconds < 3570 ? this.quantity(seconds / 60, 'minute', 0) : this.quantity(seconds / 3600, 'hour', 1);
  }

  /** Formats seconds with one decimal: “0.4 sec”. */
  seconds(value: number): string {
    return this.quantity(value, 'second', 1);
  }

  date(ms: number): string {
    return new Intl.DateTimeFormat(this.locale, { dateStyle: 'medium' }).format(ms);
  }

  /** Joins items: “a, b and c”. */
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
