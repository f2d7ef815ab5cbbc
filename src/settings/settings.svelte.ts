/** What the person prefers: language and theme, kept for the next visit. */
import { i18n, type Language, LANGUAGES, preferredLanguage } from '../i18n/i18n.svelte.ts';
import { keep, recall } from './storage.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

class Settings {
  theme = $state<Theme>('system');

  /** Takes up what was kept, and shows it. */
  start(): void {
    const language = recall('language');
    const known = language !== null && language in LANGUAGES;
    this.showLanguage(known ? (language as Language) : preferredLanguage(navigator.languages));
    this.theme = THEMES.find((theme) => theme === recall('theme')) ?? 'system';
    this.showTheme();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.showTheme());
  }

  setLanguage(language: Language): void {
    keep('language', language);
    this.showLanguage(language);
  }

  setTheme(theme: Theme): void {
    keep('theme', theme);
    this.theme = theme;
    this.showTheme();
  }

  private showLanguage(language: Language): void {
    i18n.language = language;
    document.documentElement.lang = language;
  }

  private showTheme(): void {
    const { documentElement, body } = document;
    if (this.theme === 'system') delete documentElement.dataset['theme'];
    else documentElement.dataset['theme'] = this.theme;
    // The browser's own frame takes the page's colour, also where the person chose another theme than the system's.
    const colour = getComputedStyle(body).backgroundColor;
    for (const meta of document.querySelectorAll('meta[name="theme-color"]')) meta.setAttribute('content', colour);
  }
}

export const settings = new Settings();
