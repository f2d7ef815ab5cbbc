/**
 * The lessons that come with the page, from its own folder `lessons/`: `index.json` lists them, and each has a file
 * `ID.LANGUAGE.json` for every language that it is translated into. They are checked like lessons from anywhere else.
 */
import { FALLBACK_LANGUAGE, type Language, LANGUAGE_CODES } from '../i18n/languages.ts';
import { type Lesson, LessonError } from './lesson.ts';
import { readLessonFile } from './read-lesson.ts';

/** A lesson that comes with the page, in the page's language where it is translated. */
export interface ShippedLesson {
  id: string;
  classroom: boolean;
  lesson: Lesson;
}

async function fetchFile(path: string, base: string): Promise<Blob> {
  const url = new URL(`lessons/${path}`, base);
  const response = await fetch(url);
  if (!response.ok) throw new LessonError('unreachable', `${response.status} ${url.href}`);
  return response.blob();
}

/**
 * Fetches a shipped lesson in the given language, else in English, else in any other that it is translated into.
 * @throws the failure in the given language, where it can be had in none.
 */
export async function fetchShippedLesson(id: string, language: Language, base: string): Promise<Lesson> {
  const failures: unknown[] = [];
  for (const each of new Set([language, FALLBACK_LANGUAGE, ...LANGUAGE_CODES]))
    try {
      return await readLessonFile(await fetchFile(`${id}.${each}.json`, base));
    } catch (cause) {
      failures.push(cause);
    }
  throw failures[0];
}

/**
 * Fetches all shipped lessons, without those that cannot be had in any language.
 * @throws LessonError where their list cannot be had, or none of them.
 */
export async function fetchShippedLessons(language: Language, base: string): Promise<ShippedLesson[]> {
  const index = await fetchFile('index.json', base);
  const { lessons } = JSON.parse(await index.text()) as { lessons: Omit<ShippedLesson, 'lesson'>[] };
  const found = await Promise.all(
    lessons.map(({ id, classroom }) =>
      fetchShippedLesson(id, language, base).then(
        (lesson): ShippedLesson => ({ id, classroom, lesson }),
        (cause: unknown) => {
          console.error(`The lesson ${id} could not be loaded:`, cause);
          return null;
        },
      ),
    ),
  );
  const shipped = found.filter((each) => each !== null);
  if (shipped.length === 0 && lessons.length > 0) throw new LessonError('unreachable');
  return shipped;
}
