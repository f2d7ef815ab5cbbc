/** A question that is spoken: its words are written as they are understood. */
import type { Language } from '../../../i18n/i18n.svelte.ts';
import { localLanguage, recognise, type Recognition } from './recognition.ts';

export type DictationTrouble = 'denied' | 'noMicrophone' | 'failed';

const TROUBLES: Readonly<Record<string, DictationTrouble | null>> = {
  'not-allowed': 'denied',
  'audio-capture': 'noMicrophone',
  // Nobody spoke, or it was stopped.
  'no-speech': null,
  aborted: null,
};

/** For whom none of the languages they speak names a country. */
const COMMON: Readonly<Record<Language, string>> = { en: 'en-US', fr: 'fr-FR' };

export class Dictation {
  /** What is understood here; null where nothing is. */
  language = $state.raw<string | null>(null);
  listening = $state(false);
  /** Words that may still change. */
  heard = $state('');
  trouble = $state.raw<DictationTrouble | null>(null);
  private recognition: Recognition | null = null;

  /** @param onwords gets what was understood, in pieces. */
  constructor(private readonly onwords: (words: string) => void) {}

  async detectLanguage(language: Language, locale: string): Promise<void> {
    this.language = await localLanguage([locale, COMMON[language]]);
  }

  start(): void {
    if (this.language === null || this.listening) return;
    this.trouble = null;
    const recognition = recognise(this.language);
    this.recognition = recognition;
    recognition.onresult = ({ resultIndex, results }) => {
      this.heard = '';
      for (const result of Array.from(results).slice(resultIndex)) {
        const words = result[0]?.transcript.trim() ?? '';
        if (!result.isFinal) this.heard = [this.heard, words].filter(Boolean).join(' ');
        else if (words) this.onwords(words);
      }
    };
    recognition.onerror = ({ error }) => {
      this.trouble = error in TROUBLES ? (TROUBLES[error] ?? null) : 'failed';
    };
    recognition.onend = () => {
      if (this.recognition === recognition) this.end();
    };
    this.listening = true;
    try {
      recognition.start();
    } catch {
      this.trouble = 'failed';
      this.end();
    }
  }

  /** What was said until now is still written. */
  stop(): void {
    this.recognition?.stop();
  }

  /** What was said until now is dropped where it was not understood yet. */
  abort(): void {
    this.recognition?.abort();
    this.end();
  }

  private end(): void {
    this.recognition = null;
    this.listening = false;
    this.heard = '';
  }
}
