/**
 * The languages of the page, its lessons and its voices. To add one, add it here and its messages in `messages/CODE.json`:
 * everything on the page follows. Lessons without a translation are shown in another language.
 */

interface LanguageEntry {
  /** Its name in itself. */
  name: string;
  /** Its most frequent short words, by which the language of an answer is recognised before it is read aloud. */
  commonWords: string;
}

export const LANGUAGES = {
  en: {
    name: 'English',
    commonWords: 'the of and is are to in that it you for with not this on be as have was',
  },
  fr: {
    name: 'Français',
    commonWords: "le la les des du un une est et que qui dans pour pas vous je il elle sur avec ce c’est c'est",
  },
} as const satisfies Record<string, LanguageEntry>;

export type Language = keyof typeof LANGUAGES;

export const LANGUAGE_CODES = Object.keys(LANGUAGES) as Language[];

/** The language of what is not translated. */
export const FALLBACK_LANGUAGE: Language = 'en';

/** Options for a menu of languages, each named in itself. */
export const LANGUAGE_OPTIONS = LANGUAGE_CODES.map((code) => ({
  value: code,
  label: LANGUAGES[code].name,
  lang: code,
}));

export const isLanguage = (code: string): code is Language => Object.hasOwn(LANGUAGES, code);

/** @returns the first of a person's BCP 47 tags whose language the page speaks. */
export function preferredLanguage(tags: readonly string[]): Language {
  return tags.map((tag) => tag.toLowerCase().split('-')[0] ?? '').find(isLanguage) ?? FALLBACK_LANGUAGE;
}

/** @returns a person's own variety of the language, such as `fr-CA`, in which numbers and dates are written. */
export function localeFor(language: Language, tags: readonly string[]): string {
  return tags.find((tag) => tag.toLowerCase().startsWith(`${language}-`)) ?? language;
}

/** @returns the language with the region where most of its speakers are, such as `fr-FR`. */
export function commonLocale(language: Language): string {
  const { region } = new Intl.Locale(language).maximize();
  return region ? `${language}-${region}` : language;
}
