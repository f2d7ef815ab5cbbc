/**
 * Reads answers aloud, only with voices that run on this device: others would send the answer to a server. It reads one
 * answer at a time, sentence by sentence, since browsers cut long utterances short.
 */
import { type Language, LANGUAGE_CODES, LANGUAGES } from '../../i18n/languages.ts';
import { spoken } from './spoken.ts';

const speech = (): SpeechSynthesis | undefined => ('speechSynthesis' in globalThis ? speechSynthesis : undefined);

/** Matches the common words of each language, where no letter stands beside them. */
const COMMON_WORDS = LANGUAGE_CODES.map((code) => {
  const words = LANGUAGES[code].commonWords.replaceAll(' ', '|');
  return { code, pattern: new RegExp(`(?<!\\p{L})(?:${words})(?!\\p{L})`, 'giu') };
});

/** The language whose common words are the most frequent in a text, or `fallback` where no language has the most. */
export function languageOf(text: string, fallback: Language): Language {
  const start = text.slice(0, 2000);
  const counts = COMMON_WORDS.map(({ code, pattern }) => ({ code, count: [...start.matchAll(pattern)].length }));
  const most = Math.max(...counts.map(({ count }) => count));
  const [first, ...others] = counts.filter(({ count }) => count === most);
  return first && others.length === 0 ? first.code : fallback;
}

export function sentencesOf(text: string): string[] {
  const plain = spoken(text.replace(/```[\s\S]*?(?:```|$)/g, ' '));
  return plain
    .split(/(?<=[.!?…]["»”)]?)\s+|\n+/u)
    .map((sentence) => sentence.trim())
    .filter((sentence) => /[\p{L}\p{N}]/u.test(sentence));
}

class ReadAloud {
  private voices = $state.raw<SpeechSynthesisVoice[]>([]);
  /** Identifies the answer that is being read. */
  private reading = $state.raw<object | null>(null);

  constructor() {
    const update = () =>
      (this.voices =
        speech()
          ?.getVoices()
          .filter((voice) => voice.localService) ?? []);
    update();
    // Browsers load their voices asynchronously.
    speech()?.addEventListener('voiceschanged', update);
  }

  isReading(whom: object): boolean {
    return this.reading === whom;
  }

  /** Whether this device has a voice for the language. */
  can(language: string): boolean {
    return this.voiceFor(language) !== undefined;
  }

  private voiceFor(language: string): SpeechSynthesisVoice | undefined {
    const matching = this.voices.filter((voice) => voice.lang.toLowerCase().startsWith(language));
    return matching.find((voice) => voice.default) ?? matching[0];
  }

  start(whom: object, text: string, language: Language): void {
    const voice = this.voiceFor(language);
    const sentences = sentencesOf(text);
    this.stop();
    if (!voice || sentences.length === 0) return;
    this.reading = whom;
    for (const [i, sentence] of sentences.entries()) {
      const utterance = new SpeechSynthesisUtterance(sentence);
      utterance.voice = voice;
      utterance.lang = voice.lang;
      const ended = () => {
        if (this.reading === whom) this.reading = null;
      };
      if (i === sentences.length - 1) utterance.onend = ended;
      utterance.onerror = ended;
      speech()?.speak(utterance);
    }
  }

  stop(): void {
    this.reading = null;
    speech()?.cancel();
  }
}

export const readAloud = new ReadAloud();
