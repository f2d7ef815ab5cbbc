/** The person's own lessons, kept in this browser, and those that come with the page. */
import type { Language } from '../i18n/languages.ts';
import { newId } from '../conversations/new-id.ts';
import { LessonDatabase, type OwnLesson } from './lesson-database.ts';
import type { Lesson } from './lesson.ts';
import { readLesson } from './read-lesson.ts';
import { type ShippedLesson, fetchShippedLessons } from './shipped-lessons.ts';

export class LessonLibrary {
  own = $state.raw<OwnLesson[]>([]);
  shipped = $state.raw<ShippedLesson[]>([]);
  /** The browser keeps nothing for this page (private windows of some). */
  refused = $state(false);
  /** Those that come with the page did not arrive. */
  unreachable = $state(false);

  constructor(
    private readonly base: string,
    private readonly database = new LessonDatabase(),
  ) {}

  async refresh(language: Language): Promise<void> {
    await Promise.all([this.readOwn(), this.readShipped(language)]);
  }

  /** Under the id that it has, or a new one. @returns whether it is kept */
  async save(lesson: Lesson, id: string = newId()): Promise<boolean> {
    try {
      // What is kept is what would be read again: no proxies, no more than the format's fields.
      await this.database.lessons.put({ id, saved: Date.now(), lesson: readLesson(structuredClone(lesson)) });
    } catch {
      this.refused = true;
      return false;
    }
    await this.readOwn();
    return true;
  }

  async remove(id: string): Promise<void> {
    await this.database.lessons.delete(id);
    await this.readOwn();
  }

  /** Newest first. One that is damaged, or of a newer version of the app, stays and is not shown. */
  private async readOwn(): Promise<void> {
    try {
      const rows = await this.database.lessons.orderBy('saved').reverse().toArray();
      this.own = rows.flatMap((row) => {
        try {
          return [{ ...row, lesson: readLesson(row.lesson) }];
        } catch {
          return [];
        }
      });
      this.refused = false;
    } catch {
      this.refused = true;
    }
  }

  private async readShipped(language: Language): Promise<void> {
    try {
      this.shipped = await fetchShippedLessons(language, this.base);
      this.unreachable = false;
    } catch {
      this.unreachable = true;
    }
  }
}
