import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Language } from '../i18n/languages.ts';
import { readLesson } from './read-lesson.ts';
import { fetchShippedLesson, fetchShippedLessons } from './shipped-lessons.ts';

const BASE = 'https://fournil.example/app/';
const lesson = (title: string, language: Language) =>
  readLesson({ format: 'fournil-lesson', version: 1, title, language, colour: 'teal' });
const index = (...ids: string[]) => JSON.stringify({ lessons: ids.map((id) => ({ id, classroom: id === 'sea' })) });
const file = (title: string, language: Language) => JSON.stringify(lesson(title, language));

/** The files in `lessons/`, by name. A host that knows no such file may answer with its page instead of a 404. */
let files: Record<string, string>;
const asked: string[] = [];
let missing: () => Response;
beforeEach(() => {
  asked.length = 0;
  missing = () => new Response('', { status: 404 });
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  vi.stubGlobal('fetch', (url: URL) => {
    const name = url.href.slice(`${BASE}lessons/`.length);
    asked.push(name);
    const text = files[name];
    return Promise.resolve(text === undefined ? missing() : new Response(text));
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe('a shipped lesson', () => {
  it('comes in the language asked for, and no other is fetched', async () => {
    files = { 'sea.en.json': file('Sea', 'en'), 'sea.fr.json': file('Mer', 'fr') };
    expect(await fetchShippedLesson('sea', 'fr', BASE)).toEqual(lesson('Mer', 'fr'));
    expect(asked).toEqual(['sea.fr.json']);
  });

  it('comes in English where it has no such translation', async () => {
    files = { 'sea.en.json': file('Sea', 'en') };
    expect(await fetchShippedLesson('sea', 'fr', BASE)).toEqual(lesson('Sea', 'en'));
  });

  it('comes in any language where it is not in English either', async () => {
    files = { 'sea.fr.json': file('Mer', 'fr') };
    expect(await fetchShippedLesson('sea', 'en', BASE)).toEqual(lesson('Mer', 'fr'));
  });

  it('comes in another language where its translation cannot be read', async () => {
    files = { 'sea.en.json': file('Sea', 'en'), 'sea.fr.json': file('Mer', 'fr').replace('teal', 'grey') };
    expect(await fetchShippedLesson('sea', 'fr', BASE)).toEqual(lesson('Sea', 'en'));
  });

  it('falls back where the host answers with its page, too', async () => {
    files = { 'sea.en.json': file('Sea', 'en') };
    missing = () => new Response('<!doctype html>');
    expect(await fetchShippedLesson('sea', 'fr', BASE)).toEqual(lesson('Sea', 'en'));
  });

  it('is refused for the reason in the language asked for', async () => {
    files = { 'sea.fr.json': '{' };
    await expect(fetchShippedLesson('sea', 'fr', BASE)).rejects.toThrow('not-json');
    await expect(fetchShippedLesson('lake', 'fr', BASE)).rejects.toThrow(
      'unreachable: 404 https://fournil.example/app/lessons/lake.fr.json',
    );
  });
});

describe('the shipped lessons', () => {
  it('are all that the index lists, in its order', async () => {
    files = {
      'index.json': index('sea', 'lake'),
      'sea.en.json': file('Sea', 'en'),
      'lake.en.json': file('Lake', 'en'),
    };
    expect(await fetchShippedLessons('en', BASE)).toEqual([
      { id: 'sea', classroom: true, lesson: lesson('Sea', 'en') },
      { id: 'lake', classroom: false, lesson: lesson('Lake', 'en') },
    ]);
    expect(console.error).not.toHaveBeenCalled();
  });

  it('are shown without one that is missing or damaged, which is reported', async () => {
    files = { 'index.json': index('sea', 'lake', 'pond'), 'sea.fr.json': file('Mer', 'fr'), 'pond.en.json': '{}' };
    expect((await fetchShippedLessons('en', BASE)).map(({ id }) => id)).toEqual(['sea']);
    expect(console.error).toHaveBeenCalledTimes(2);
  });

  it('are refused where there are none', async () => {
    files = { 'index.json': index('sea') };
    await expect(fetchShippedLessons('en', BASE)).rejects.toThrow('unreachable');
    files = {};
    await expect(fetchShippedLessons('en', BASE)).rejects.toThrow('unreachable');
    files = { 'index.json': index() };
    expect(await fetchShippedLessons('en', BASE)).toEqual([]);
  });
});
