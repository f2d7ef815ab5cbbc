/** Dictation: words are added to the message as they are recognised. */
import { commonLocale, type Language } from '../../../i18n/languages.ts';
import { localLanguage, recognise, type Recognition } from './recognition.ts';

export type DictationTrouble = 'denied' | 'noMicrophone' | 'failed';

const TROUBLES: Readonly<Record<string, DictationTrouble | null>> = {
  'not-allowed': 'denied',
  'audio-capture': 'noMicrophone',
  // Silence and an intended stop are no errors.
  'no-speech': null,
  aborted: null,
};

export class Dictation {
  /** The locale that can be recognised; null if there is none. */
  language = $state.raw<string | null>(null);
  listening = $state(false);
  /** Interim words, which may still change. */
  heard = $state('');
  trouble = $state.raw<DictationTrouble | null>(null);
  private recognition: Recognition | null = null;

  /** @param onwords receives final words, a phrase at a time */
  constructor(private readonly onwords: (words: string) => void) {}

  async detectLanguage(language: Language, locale: string): Promise<void> {
    this.language = await localLanguage([locale, commonLocale(language)]);
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

  /** Stops listening; what was said so far is still added. */
  stop(): void {
    this.recognition?.stop();
  }

  /** Stops listening; words that are not final are dropped. */
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
