/** A lesson as a file that the browser saves. */
import type { Lesson } from './lesson.ts';
import { writeLesson } from './read-lesson.ts';

/** “Été à la mer !” → “ete-a-la-mer”: a name that every system takes. */
export function fileNameOf({ title }: Pick<Lesson, 'title'>): string {
  const plain = title.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  const words = plain.replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
  return `${words || 'lesson'}.json`;
}

/** By then a download has long been taken over by the browser. */
const KEPT_MS = 60_000;

export function downloadLesson(lesson: Lesson): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([writeLesson(lesson)], { type: 'application/json' }));
  link.download = fileNameOf(lesson);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}
