/** What the person prefers: language, looks, and whether answers come with numbers; kept for the next visit. */
import { i18n } from '../i18n/i18n.svelte.ts';
import { isLanguage, type Language, preferredLanguage } from '../i18n/languages.ts';
import { forget, keep, recall } from './storage.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];
/** `system` is the browser's, or the computer's, own wish. */
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
  /** Under each answer: how fast it came, and from how many tokens. Most people need not know. */
  numbers = $state(false);

  /** Takes up what was kept, and shows it. */
  start(): void {
    const language = recall('language');
    this.showLanguage(language !== null && isLanguage(language) ? language : preferredLanguage(navigator.languages));
    this.theme = THEMES.find((theme) => theme === recall('theme')) ?? 'system';
    this.contrast = CONTRASTS.find((contrast) => contrast === recall('contrast')) ?? 'system';
    this.textSize = TEXT_SIZES.find((size) => size === recall('text-size')) ?? 'normal';
    this.numbers = recall('numbers') !== null;
    this.showLooks();
    for (const wish of [DARK, MORE_CONTRAST]) matchMedia(wish).addEventListener('change', () => this.showLooks());
  }

  setLanguage(language: Language): void {
    keep('language', language);
    this.showLanguage(language);
  }

  setTheme(theme: Theme): void {
    keep('theme', theme);
    this.theme = theme;
    this.showLooks();
  }

  setContrast(contrast: Contrast): void {
    keep('contrast', contrast);
    this.contrast = contrast;
    this.showLooks();
  }

  setTextSize(size: TextSize): void {
    keep('text-size', size);
    this.textSize = size;
    this.showLooks();
  }

  setNumbers(shown: boolean): void {
    if (shown) keep('numbers', 'shown');
    else forget('numbers');
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
    // The browser's own frame takes the page's colour, also where the person chose another theme than the system's.
    const colour = getComputedStyle(body).backgroundColor;
    for (const meta of document.querySelectorAll('meta[name="theme-color"]')) meta.setAttribute('content', colour);
  }
}

export const preferences = new Preferences();
