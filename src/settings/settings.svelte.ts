/** What the person prefers: language and theme, kept for the next visit. */
import { i18n, type Language, LANGUAGES, preferredLanguage } from '../i18n/i18n.svelte.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

/** Storage may be refused (private windows, policies): preferences then last as long as the page. */
function recall(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Nothing is lost that the person would have to be told of.
  }
}

class Settings {
  theme = $state<Theme>('system');
  private readonly dark = matchMedia('(prefers-color-scheme: dark)');

  /** Takes up what was kept, and shows it. */
  start(): void {
    const language = recall('language');
    this.setLanguage(
      language !== null && language in LANGUAGES ? (language as Language) : preferredLanguage(navigator.languages),
      false,
    );
    const theme = recall('theme') as Theme | null;
    this.theme = theme && THEMES.includes(theme) ? theme : 'system';
    this.dark.addEventListener('change', () => this.show());
    this.show();
  }

  setLanguage(language: Language, chosen = true): void {
    i18n.language = language;
    document.documentElement.lang = language;
    if (chosen) keep('language', language);
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    keep('theme', theme);
    this.show();
  }

  private show(): void {
    const dark = this.theme === 'dark' || (this.theme === 'system' && this.dark.matches);
    document.documentElement.dataset['theme'] = dark ? 'dark' : 'light';
  }
}

export const settings = new Settings();
