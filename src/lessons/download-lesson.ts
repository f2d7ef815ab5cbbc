/** Saves a lesson to a file. */
import type { Lesson } from './lesson.ts';
import { writeLesson } from './read-lesson.ts';

/** Turns a title into a file name that every system accepts: “Été à la mer !” becomes “ete-a-la-mer.json”. */
export function fileNameOf({ title }: Pick<Lesson, 'title'>): string {
  const plain = title.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  const words = plain.replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
  return `${words || 'lesson'}.json`;
}

/** Time until the download's object URL is revoked, by when the browser has read it. */
const KEPT_MS = 60_000;

export function downloadLesson(lesson: Lesson): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([writeLesson(lesson)], { type: 'application/json' }));
  link.download = fileNameOf(lesson);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}
