import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LessonDatabase } from './lesson-database.ts';
import { LessonLibrary } from './lesson-library.svelte.ts';
import { readLesson } from './read-lesson.ts';

const BASE = 'https://fournil.example/';
const SEA = readLesson({ format: 'fournil-lesson', version: 1, title: 'Sea', language: 'en', colour: 'teal' });

const fetched = vi.fn<typeof fetch>();
vi.stubGlobal('fetch', fetched);
beforeEach(() => void fetched.mockRejectedValue(new TypeError('offline')));

let count = 0;
const opened: LessonDatabase[] = [];
function open(name = `lessons ${++count}`): LessonLibrary {
  const database = new LessonDatabase(name);
  opened.push(database);
  return new LessonLibrary(BASE, database);
}
afterEach(() => opened.splice(0).forEach((database) => database.close()));

const titles = ({ own }: LessonLibrary) => own.map(({ id, lesson }) => [id, lesson.title]);

describe("the person's own lessons", () => {
  it('are saved, replaced under their id, removed, and there on the next visit', async () => {
    const library = open('visit');
    expect(await library.save(SEA, 'a')).toBe(true);
    expect(await library.save({ ...SEA, title: 'Lake' }, 'a')).toBe(true);
    expect(await library.save(SEA, 'b')).toBe(true);
    await library.remove('b');
    expect(titles(library)).toEqual([['a', 'Lake']]);
    const next = open('visit');
    await next.refresh('en');
    expect(next.own.map(({ lesson }) => lesson)).toEqual([{ ...SEA, title: 'Lake' }]);
  });

  it('of the first version of the database are still there', async () => {
    // Dexie counts in tens: this is its version 1, whose records hold `preset`, in the format of that name.
    const old = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open('old', 10);
      request.onupgradeneeded = () =>
        request.result.createObjectStore('lessons', { keyPath: 'id' }).createIndex('saved', 'saved');
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(new Error('not opened'));
    });
    await new Promise<void>((resolve) => {
      const writing = old.transaction('lessons', 'readwrite');
      const store = writing.objectStore('lessons');
      store.add({ id: 'a', saved: 1, preset: { ...SEA, format: 'fournil-preset' } });
      store.add({ id: 'b', saved: 2, preset: { ...SEA, format: 'fournil-preset', title: 'Lake' } });
      writing.oncomplete = () => resolve();
    });
    old.close();

    const library = open('old');
    await library.refresh('en');
    expect(library.refused).toBe(false);
    expect(titles(library)).toEqual([
      ['b', 'Lake'],
      ['a', 'Sea'],
    ]);
    expect(library.own[1]?.lesson).toEqual(SEA);
    expect(Object.keys((await opened.at(-1)?.lessons.get('a')) ?? {}).sort()).toEqual(['id', 'lesson', 'saved']);
  });

  it('that are damaged stay, and are not shown', async () => {
    const library = open();
    await library.save(SEA, 'a');
    await opened.at(-1)?.lessons.put({ id: 'b', saved: 1, lesson: { ...SEA, colour: 'grey' as 'teal' } });
    await library.refresh('en');
    expect(titles(library)).toEqual([['a', 'Sea']]);
    expect(await opened.at(-1)?.lessons.count()).toBe(2);
  });
});
