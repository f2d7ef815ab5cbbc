/** The page's language and its messages. Both languages are in the bundle: nothing is fetched. */
import i18next from 'i18next';
import en from './en.json';
import fr from './fr.json';

export const LANGUAGES = { en: 'English', fr: 'Français' } as const;
export type Language = keyof typeof LANGUAGES;
export type MessageKey = keyof typeof en;

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

class I18n {
  language = $state<Language>('en');

  /** A message in the page's language. */
  t = (key: MessageKey, values: Record<string, string | number> = {}): string =>
    messages.t(key, { lng: this.language, ...values });

  number(value: number, digits = 0): string {
    return new Intl.NumberFormat(this.language, { maximumFractionDigits: digits }).format(value);
  }
}

export const i18n = new I18n();
