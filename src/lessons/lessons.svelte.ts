/**
 * What is asked about lessons: which dialog is open, and which lesson a conversation began with. It is small, because it
 * comes with the page; all else about lessons is loaded when it is first wanted.
 */
import { SvelteMap } from 'svelte/reactivity';
import type { ConversationSettings } from '../conversations/records.ts';
import type { Choice } from '../models/model.svelte.ts';
import { takeLessonFromAddress } from './lesson-address.ts';
import { type Lesson, LESSON_BYTES, LESSON_FORMAT, LessonError, OLD_LESSON_FORMAT } from './lesson.ts';

/** What of the conversations and the models a lesson needs in order to begin. */
interface ConversationStarter {
  startNew: (options: { settings: ConversationSettings; title: string }) => { id: string };
}
interface Models {
  readonly choice: Choice | null;
  use: (choice: Choice | null) => Promise<void>;
}

export interface Editing {
  /** What is being changed; null: a new one. */
  lesson: Lesson | null;
  /** Its id among the person's own; null: it is not among them yet. */
  id: string | null;
}

export class Lessons {
  galleryOpen = $state(false);
  /** Came from outside, and waits for the person's word. */
  offered = $state.raw<Lesson | null>(null);
  refusal = $state.raw<LessonError | null>(null);
  editing = $state.raw<Editing | null>(null);
  private readonly begun = new SvelteMap<string, Lesson>();

  constructor(
    private readonly conversations: ConversationStarter,
    private readonly models: Models,
    /** Closes what is over the page and leads to where one writes. */
    private readonly onbegin: () => void,
  ) {}

  /** Something of the lessons is to be seen. */
  get wanted(): boolean {
    return this.galleryOpen || this.offered !== null || this.refusal !== null || this.editing !== null;
  }

  /** The lesson that a conversation began with. */
  of(conversation: { id: string }): Lesson | undefined {
    return this.begun.get(conversation.id);
  }

  /** @param choice the model that answers; left out: whichever is open. */
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

  /** Shows a lesson from outside, or why it is none. */
  async offer(read: () => Promise<Lesson>): Promise<void> {
    try {
      this.offered = await read();
    } catch (cause) {
      this.refusal = cause instanceof LessonError ? cause : new LessonError('unreachable', String(cause));
    }
  }

  /** Of files that were picked or dropped, shows the lesson if there is one, and gives back the others. */
  async take(files: Iterable<File>): Promise<File[]> {
    const others: File[] = [];
    for (const file of files) {
      if (await looksLikeLesson(file))
        await this.offer(async () => (await import('./read-lesson.ts')).readLessonFile(file));
      else others.push(file);
    }
    return others;
  }

  /** A lesson in the page's address is offered, and leaves the address: a reload does not ask again. */
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

/** JSON that names the format: other JSON files are documents like any. */
async function looksLikeLesson(file: File): Promise<boolean> {
  if (!/\.json$/i.test(file.name) || file.size > LESSON_BYTES) return false;
  const text = await file.text();
  return [LESSON_FORMAT, OLD_LESSON_FORMAT].some((format) => text.includes(`"${format}"`));
}
