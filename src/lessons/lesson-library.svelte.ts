/** The lessons of the gallery: the person's own, which are stored in this browser, and the shipped ones. */
import type { Language } from '../i18n/languages.ts';
import { newId } from '../conversations/new-id.ts';
import { LessonDatabase, type OwnLesson } from './lesson-database.ts';
import type { Lesson } from './lesson.ts';
import { readLesson } from './read-lesson.ts';
import { type ShippedLesson, fetchShippedLessons } from './shipped-lessons.ts';

export class LessonLibrary {
  own = $state.raw<OwnLesson[]>([]);
  shipped = $state.raw<ShippedLesson[]>([]);
  /** The browser refuses to store anything for this page, as some do in private windows. */
  refused = $state(false);
  /** The shipped lessons could not be loaded. */
  unreachable = $state(false);

  constructor(
    private readonly base: string,
    private readonly database = new LessonDatabase(),
  ) {}

  async refresh(language: Language): Promise<void> {
    await Promise.all([this.readOwn(), this.readShipped(language)]);
  }

  /** Saves a lesson under its id, or under a new one. @returns whether it was stored */
  async save(lesson: Lesson, id: string = newId()): Promise<boolean> {
    try {
      // Validation leaves plain objects with the format's fields alone: no proxies.
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

  /** Reads the person's lessons, newest first. Damaged ones, and those of a newer version of the app, stay stored but hidden. */
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
