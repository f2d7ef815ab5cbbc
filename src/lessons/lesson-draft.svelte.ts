/** The state of the lesson editor. */
import { FALLBACK_LANGUAGE, type Language } from '../i18n/languages.ts';
import {
  LIMITS,
  type Lesson,
  LESSON_FORMAT,
  LESSON_VERSION,
  type LessonColour,
  type LessonNeed,
  type LessonPicture,
} from './lesson.ts';
import { readLesson } from './read-lesson.ts';

interface DraftStarter {
  /** Identifies the starter while others are added and removed. */
  id: number;
  text: string;
  /** The ids of its pictures. */
  pictures: number[];
}
interface DraftPicture extends LessonPicture {
  id: number;
}

const EMPTY: Omit<Lesson, 'language'> = {
  format: LESSON_FORMAT,
  version: LESSON_VERSION,
  title: '',
  description: '',
  colour: 'amber',
  needs: [],
  system: '',
  sampling: {},
  starters: [{ text: '', pictures: [] }],
  pictures: [],
};

export class LessonDraft {
  title = $state('');
  description = $state('');
  language = $state<Language>(FALLBACK_LANGUAGE);
  colour = $state<LessonColour>('amber');
  needs = $state<LessonNeed[]>([]);
  system = $state('');
  model = $state.raw<Lesson['model']>();
  sampling = $state.raw<Lesson['sampling']>({});
  maxNewTokens = $state.raw<number | undefined>();
  starters = $state<DraftStarter[]>([]);
  pictures = $state<DraftPicture[]>([]);
  private lastId = 0;

  constructor(lesson: Lesson | null, language: Language) {
    const from = lesson ?? { ...EMPTY, language };
    const pictures = from.pictures.map((picture) => ({ id: ++this.lastId, ...picture }));
    Object.assign(this, {
      title: from.title,
      description: from.description,
      language: from.language,
      colour: from.colour,
      needs: [...from.needs],
      system: from.system,
      model: from.model,
      sampling: from.sampling,
      maxNewTokens: from.maxNewTokens,
      pictures,
      starters: from.starters.map((starter) => ({
        id: ++this.lastId,
        text: starter.text,
        pictures: starter.pictures.flatMap((index) => pictures[index]?.id ?? []),
      })),
    });
  }

  get canAddStarter(): boolean {
    return this.starters.length < LIMITS.starters;
  }

  get canAddPicture(): boolean {
    return this.pictures.length < LIMITS.pictures;
  }

  addStarter(): void {
    if (this.canAddStarter) this.starters.push({ id: ++this.lastId, text: '', pictures: [] });
  }

  removeStarter(id: number): void {
    this.starters = this.starters.filter((starter) => starter.id !== id);
  }

  addPicture(picture: LessonPicture): void {
    if (this.canAddPicture) this.pictures.push({ id: ++this.lastId, ...picture });
  }

  removePicture(id: number): void {
    this.pictures = this.pictures.filter((picture) => picture.id !== id);
    for (const starter of this.starters) starter.pictures = starter.pictures.filter((each) => each !== id);
  }

  /** Returns the lesson as it would be saved, without empty starters. @throws LessonError */
  toLesson(): Lesson {
    const order = this.pictures.map(({ id }) => id);
    return readLesson({
      format: LESSON_FORMAT,
      version: LESSON_VERSION,
      title: this.title.trim(),
      description: this.description.trim(),
      language: this.language,
      colour: this.colour,
      needs: [...this.needs],
      system: this.system.trim(),
      model: this.model,
      sampling: this.sampling,
      maxNewTokens: this.maxNewTokens,
      starters: this.starters
        .filter(({ text }) => text.trim() !== '')
        .map(({ text, pictures }) => ({
          text: text.trim(),
          pictures: pictures.map((id) => order.indexOf(id)).filter((index) => index >= 0),
        })),
      pictures: this.pictures.map(({ name, src }) => ({ name, src })),
    });
  }
}
