/**
 * Which lesson dialogs are open, and which lesson a conversation began with. This file is in the page's first chunk, so it
 * is small; the dialogs and the reading of lessons are loaded on demand.
 */
import { SvelteMap } from 'svelte/reactivity';
import type { ConversationSettings } from '../conversations/records.ts';
import type { Choice } from '../models/model.svelte.ts';
import { takeLessonFromAddress } from './lesson-address.ts';
import { type Lesson, LESSON_BYTES, LESSON_FORMAT, LessonError, OLD_LESSON_FORMAT } from './lesson.ts';

/** The parts of the conversations and of the models that beginning a lesson needs. */
interface ConversationStarter {
  startNew: (options: { settings: ConversationSettings; title: string }) => { id: string };
}
interface Models {
  readonly choice: Choice | null;
  use: (choice: Choice | null) => Promise<void>;
}

export interface Editing {
  /** The lesson that is edited; null for a new one. */
  lesson: Lesson | null;
  /** Its id among the person's own lessons; null where it is not saved yet. */
  id: string | null;
}

export class Lessons {
  galleryOpen = $state(false);
  /** A lesson from outside that the person has not accepted yet. */
  offered = $state.raw<Lesson | null>(null);
  refusal = $state.raw<LessonError | null>(null);
  editing = $state.raw<Editing | null>(null);
  private readonly begun = new SvelteMap<string, Lesson>();

  constructor(
    private readonly conversations: ConversationStarter,
    private readonly models: Models,
    /** Called when a lesson begins; moves the focus to the message box. */
    private readonly onbegin: () => void,
  ) {}

  /** Whether a dialog about lessons is open. */
  get wanted(): boolean {
    return this.galleryOpen || this.offered !== null || this.refusal !== null || this.editing !== null;
  }

  /** Returns the lesson that a conversation began with. */
  of(conversation: { id: string }): Lesson | undefined {
    return this.begun.get(conversation.id);
  }

  /** @param choice the model that answers; if it is left out, the loaded one */
  begin(lesson: Lesson, choice?: Choice | null): void {
    const { system, sampling, maxNewTokens, title } = lesson;
    const settings: ConversationSettings = {
      ...(choice === undefined ? {} : { model: choice }),
      system,
      sampling: { ...sampling },
      ...(maxNewTokens === undefined ? {} : { maxNewTokens }),
    };
    const conversation = this.conversations.startNew({ settings, title });
    this.begun.set(conversation.id, lesson);
    if (choice !== undefined && choice?.key !== this.models.choice?.key) void this.models.use(choice);
    this.galleryOpen = false;
    this.offered = this.editing = null;
    this.onbegin();
  }

  /** Offers a lesson from outside, or shows why it cannot be used. */
  async offer(read: () => Promise<Lesson>): Promise<void> {
    try {
      this.offered = await read();
    } catch (cause) {
      this.refusal = cause instanceof LessonError ? cause : new LessonError('unreachable', String(cause));
    }
  }

  /** Offers the lessons among files that were picked or dropped. @returns the other files */
  async offerFrom(files: Iterable<File>): Promise<File[]> {
    const others: File[] = [];
    for (const file of files) {
      if (await looksLikeLesson(file))
        await this.offer(async () => (await import('./read-lesson.ts')).readLessonFile(file));
      else others.push(file);
    }
    return others;
  }

  /** Offers the lesson in the page's address, and removes it from there, so that a reload does not offer it again. */
  readAddress(page: Location = location, past: History = history): void {
    const found = takeLessonFromAddress(page, past);
    if (!found) return;
    void this.offer(async () => {
      const { lessonFromAddress, lessonFromFragment } = await import('./lesson-link.ts');
      return 'fragment' in found
        ? lessonFromFragment(found.fragment)
        : lessonFromAddress(found.address, document.baseURI);
    });
  }
}

/** Tells whether a JSON file names the lesson format. Other JSON files are attached as documents. */
async function looksLikeLesson(file: File): Promise<boolean> {
  if (!/\.json$/i.test(file.name) || file.size > LESSON_BYTES) return false;
  const text = await file.text();
  return [LESSON_FORMAT, OLD_LESSON_FORMAT].some((format) => text.includes(`"${format}"`));
}
