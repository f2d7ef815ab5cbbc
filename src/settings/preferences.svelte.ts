/** The person's preferences: language, appearance, and numbers under answers. They are stored for the next visit. */
import { i18n } from '../i18n/i18n.svelte.ts';
import { isLanguage, type Language, preferredLanguage } from '../i18n/languages.ts';
import { removeStored, writeStored, readStored } from './storage.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];
/** `system` follows the browser or the operating system. */
export const CONTRASTS = ['system', 'more'] as const;
export type Contrast = (typeof CONTRASTS)[number];
export const TEXT_SIZES = ['normal', 'large', 'larger', 'largest'] as const;
export type TextSize = (typeof TEXT_SIZES)[number];

const DARK = '(prefers-color-scheme: dark)';
const MORE_CONTRAST = '(prefers-contrast: more)';

class Preferences {
  theme = $state<Theme>('system');
  contrast = $state<Contrast>('system');
  textSize = $state<TextSize>('normal');
  /** Whether each answer shows its speed and its number of tokens. */
  numbers = $state(false);

  /** Reads the stored preferences and applies them. */
  start(): void {
    const language = readStored('language');
    this.showLanguage(language !== null && isLanguage(language) ? language : preferredLanguage(navigator.languages));
    this.theme = THEMES.find((theme) => theme === readStored('theme')) ?? 'system';
    this.contrast = CONTRASTS.find((contrast) => contrast === readStored('contrast')) ?? 'system';
    this.textSize = TEXT_SIZES.find((size) => size === readStored('text-size')) ?? 'normal';
    this.numbers = readStored('numbers') !== null;
    this.showLooks();
    for (const wish of [DARK, MORE_CONTRAST]) matchMedia(wish).addEventListener('change', () => this.showLooks());
  }

  setLanguage(language: Language): void {
    writeStored('language', language);
    this.showLanguage(language);
  }

  setTheme(theme: Theme): void {
    writeStored('theme', theme);
    this.theme = theme;
    this.showLooks();
  }

  setContrast(contrast: Contrast): void {
    writeStored('contrast', contrast);
    this.contrast = contrast;
    this.showLooks();
  }

  setTextSize(size: TextSize): void {
    writeStored('text-size', size);
    this.textSize = size;
    this.showLooks();
  }

  setNumbers(shown: boolean): void {
    if (shown) writeStored('numbers', 'shown');
    else removeStored('numbers');
    this.numbers = shown;
  }

  private showLanguage(language: Language): void {
    i18n.language = language;
    document.documentElement.lang = language;
  }

  private showLooks(): void {
    const { documentElement, body } = document;
    const { dataset } = documentElement;
    if (this.theme === 'system') delete dataset['theme'];
    else dataset['theme'] = this.theme;
    if (this.contrast === 'more' || matchMedia(MORE_CONTRAST).matches) dataset['contrast'] = 'more';
    else delete dataset['contrast'];
    if (this.textSize === 'normal') delete dataset['text'];
    else dataset['text'] = this.textSize;
    // The browser's toolbar takes the page's colour, also where the chosen theme is not the system's.
    const colour = getComputedStyle(body).backgroundColor;
    for (const meta of document.querySelectorAll('meta[name="theme-color"]')) meta.setAttribute('content', colour);
  }
}

export const preferences = new Preferences();
