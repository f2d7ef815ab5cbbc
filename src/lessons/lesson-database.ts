/** The person's own lessons in this browser's IndexedDB. */
import { Dexie, type Table } from 'dexie';
import type { Lesson } from './lesson.ts';

export interface OwnLesson {
  /** A UUID. */
  id: string;
  /** Milliseconds since 1970. */
  saved: number;
  lesson: Lesson;
}

export class LessonDatabase extends Dexie {
  readonly lessons!: Table<OwnLesson, string>;

  constructor(name = 'fournil-lessons') {
    super(name);
    this.version(1).stores({ lessons: 'id, saved' });
    // Until version 0.2.0 of the app a record held its lesson in the field `preset`.
    this.version(2).upgrade((transaction) =>
      transaction
        .table<OwnLesson & { preset?: Lesson }>('lessons')
        .toCollection()
        .modify((record) => {
          if (record.preset !== undefined) record.lesson = record.preset;
          delete record.preset;
        }),
    );
  }
}
