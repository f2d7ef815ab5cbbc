/**
 * Speech recognition by the browser, on this device only: a language is used only if the browser says that it processes
 * it locally, so that no recording is sent to a service. TypeScript's DOM types do not have this API yet.
 */
export interface Recognition {
  lang: string;
  processLocally: boolean;
  continuous: boolean;
  interimResults: boolean;
  onresult: ((event: RecognitionResult) => void) | null;
  onerror: ((event: { error: string }) => void) | null;
  onend: (() => void) | null;
  start(): void;
  stop(): void;
  abort(): void;
}

interface RecognitionResult {
  resultIndex: number;
  results: ArrayLike<ArrayLike<{ transcript: string }> & { isFinal: boolean }>;
}

interface RecognitionClass {
  new (): Recognition;
  available?(options: { langs: string[]; processLocally: boolean }): Promise<string>;
}

const recognitionClass = (): RecognitionClass | undefined =>
  (globalThis as { SpeechRecognition?: RecognitionClass }).SpeechRecognition;

/** @returns the first of the languages that is recognised locally; null if none is */
export async function localLanguage(languages: readonly string[]): Promise<string | null> {
  const Class = recognitionClass();
  if (!Class?.available || !('processLocally' in Class.prototype)) return null;
  for (const language of languages)
    try {
      if ((await Class.available({ langs: [language], processLocally: true })) === 'available') return language;
    } catch {
      // A permissions policy can forbid recognition.
      return null;
    }
  return null;
}

/** Creates a recognition that is not started yet. */
export function recognise(language: string): Recognition {
  const Class = recognitionClass();
  if (!Class) throw new Error('this browser recognises no speech');
  return Object.assign(new Class(), {
    lang: language,
    processLocally: true,
    continuous: true,
    interimResults: true,
  });
}
