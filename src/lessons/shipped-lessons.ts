/** The lessons that come with the page, from its own folder: the host is trusted as with its scripts, and still checked. */
import type { Lesson } from './lesson.ts';
import { readLessonFile } from './read-lesson.ts';

/** A lesson that comes with the page, in the page's language. */
export interface ShippedLesson {
  id: string;
  classroom: boolean;
  lesson: Lesson;
}

/** @throws LessonError */
export async function fetchShippedLesson(id: string, language: string, base: string): Promise<Lesson> {
  const response = await fetch(new URL(`lessons/${id}.${language}.json`, base));
  if (!response.ok) throw new Error(`${response.status}`);
  return readLessonFile(await response.blob());
}

export async function fetchShippedLessons(language: string, base: string): Promise<ShippedLesson[]> {
  const response = await fetch(new URL('lessons/index.json', base));
  const { lessons } = (await response.json()) as { lessons: Omit<ShippedLesson, 'lesson'>[] };
  return Promise.all(
    lessons.map(async ({ id, classroom }) => ({ id, classroom, lesson: await fetchShippedLesson(id, language, base) })),
  );
}
