import { afterEach, describe, expect, it, vi } from 'vitest';
import { Dictation } from './dictation.svelte.ts';
import type { Recognition } from './recognition.ts';

type Result = Parameters<NonNullable<Recognition['onresult']>>[0]['results'][number];
const result = (transcript: string, isFinal: boolean): Result => Object.assign([{ transcript }], { isFinal });

/** A browser that understands some languages on this computer, and others by sending them away. */
function stubBrowser(local: readonly string[]) {
  const made: FakeRecognition[] = [];
  class FakeRecognition {
    lang = '';
    continuous = false;
    interimResults = false;
    onresult: Recognition['onresult'] = null;
    onerror: Recognition['onerror'] = null;
    onend: Recognition['onend'] = null;
    start = vi.fn();
    stop = vi.fn(() => this.onend?.());
    abort = vi.fn(() => this.onend?.());
    #local = false;
    constructor() {
      made.push(this);
    }
    get processLocally(): boolean {
      return this.#local;
    }
    set processLocally(value: boolean) {
      this.#local = value;
    }
    static available = ({ langs }: { langs: string[] }) =>
      Promise.resolve(langs.every((each) => local.includes(each)) ? 'available' : 'downloadable');
  }
  vi.stubGlobal('SpeechRecognition', FakeRecognition);
  return made;
}

afterEach(() => vi.unstubAllGlobals());

describe('Dictation', () => {
  it('is only there where the language is understood on this computer', async () => {
    const dictation = new Dictation(vi.fn());
    const offered = async () => {
      await dictation.detectLanguage('fr', 'fr-CA');
      return dictation.language;
    };
    expect(await offered()).toBeNull();
    // Older recognition APIs send recordings to a service.
    vi.stubGlobal('webkitSpeechRecognition', vi.fn());
    vi.stubGlobal('SpeechRecognition', vi.fn());
    expect(await offered()).toBeNull();
    stubBrowser([]);
    expect(await offered()).toBeNull();
    stubBrowser(['fr-FR']);
    expect(await offered()).toBe('fr-FR');
    stubBrowser(['fr-FR', 'fr-CA']);
    expect(await offered()).toBe('fr-CA');
  });

  it('listens locally, and writes what was understood', async () => {
    const [words, made] = [vi.fn(), stubBrowser(['en-GB'])];
    const dictation = new Dictation(words);
    await dictation.detectLanguage('en', 'en-GB');
    dictation.start();
    const [recognition] = made;
    expect(recognition).toMatchObject({ lang: 'en-GB', processLocally: true });
    expect(recognition?.start).toHaveBeenCalledOnce();
    recognition?.onresult?.({ resultIndex: 0, results: [result('What is', false)] });
    expect(dictation.heard).toBe('What is');
    recognition?.onresult?.({ resultIndex: 0, results: [result('What is this?', true), result('A', false)] });
    expect(words.mock.calls).toEqual([['What is this?']]);
    expect(dictation.heard).toBe('A');
    dictation.stop();
    expect(dictation).toMatchObject({ listening: false, heard: '', trouble: null });
  });

  it('says why it does not listen', async () => {
    const made = stubBrowser(['en-US']);
    const dictation = new Dictation(vi.fn());
    await dictation.detectLanguage('en', 'en');
    for (const [error, trouble] of [
      ['not-allowed', 'denied'],
      ['audio-capture', 'noMicrophone'],
      ['network', 'failed'],
      ['no-speech', null],
    ] as const) {
      dictation.start();
      made.at(-1)?.onerror?.({ error });
      made.at(-1)?.onend?.();
      expect(dictation).toMatchObject({ trouble, listening: false });
    }
  });
});
