/**
 * Reads answers aloud, only with voices that run on this device: others would send the answer to a server. It reads one
 * answer at a time, sentence by sentence, since browsers cut long utterances short.
 */
import { spoken } from './spoken.ts';

const speech = (): SpeechSynthesis | undefined => ('speechSynthesis' in globalThis ? speechSynthesis : undefined);

/** Function words tell English from French in short texts. */
const SMALL_WORDS = {
  fr: /(?<!\p{L})(?:le|la|les|des|du|un|une|est|et|que|qui|dans|pour|pas|vous|je|il|elle|sur|avec|ce|c’est|c'est)(?!\p{L})/giu,
  en: /(?<!\p{L})(?:the|of|and|is|are|to|in|that|it|you|for|with|not|this|on|be|as|have|was)(?!\p{L})/giu,
};

/** Detects the language of a text; `fallback` if it is undecided. */
export function languageOf(text: string, fallback: 'en' | 'fr'): 'en' | 'fr' {
  const count = (words: RegExp) => [...text.slice(0, 2000).matchAll(words)].length;
  const [french, english] = [count(SMALL_WORDS.fr), count(SMALL_WORDS.en)];
  return french === english ? fallback : french > english ? 'fr' : 'en';
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

  start(whom: object, text: string, language: 'en' | 'fr'): void {
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
