/**
 * The types and limits of lessons. A lesson says how a conversation is answered and how it can begin, in one JSON file that
 * people pass on; `public/lessons/lesson.schema.json` is its published schema, and `read-lesson.ts` validates it.
 */
import type { Language } from '../i18n/languages.ts';
import type { Sampling } from '../../protocol/sampling.ts';

export const LESSON_FORMAT = 'fournil-lesson';
/** The format's name before version 0.2.0; files and links that carry it are still read. */
export const OLD_LESSON_FORMAT = 'fournil-preset';
export const LESSON_VERSION = 1;

/** Names of colours; `lesson-colours.css` defines them, legible in every theme. */
export const LESSON_COLOURS = ['clay', 'amber', 'olive', 'green', 'teal', 'blue', 'violet', 'rose'] as const;
export type LessonColour = (typeof LESSON_COLOURS)[number];

/** Abilities that a model must have: to hold a conversation, which the built-in model cannot, or to see pictures. */
export const LESSON_NEEDS = ['language', 'pictures'] as const;
export type LessonNeed = (typeof LESSON_NEEDS)[number];

export interface Starter {
  text: string;
  /** Indices into the lesson's pictures. */
  pictures: number[];
}

export interface LessonPicture {
  name: string;
  /** A data URL of a PNG, JPEG or WebP, or a path from the page's own folder. */
  src: string;
}

export interface Lesson {
  format: typeof LESSON_FORMAT;
  version: typeof LESSON_VERSION;
  title: string;
  description: string;
  language: Language;
  colour: LessonColour;
  needs: LessonNeed[];
  /** The system prompt; empty for none. */
  system: string;
  /**
   * The model that answers; if it is left out, the loaded one. `source` is a repository of the hub or a folder's URL, where
   * the id is not the source.
   */
  model?: { id: string; source?: string };
  /** Parameters that are left out take the model's defaults. */
  sampling: Partial<Sampling>;
  maxNewTokens?: number;
  starters: Starter[];
  pictures: LessonPicture[];
}

/** Lengths are counted in code points, not in UTF-16 units. */
export const LIMITS = {
  title: 80,
  description: 400,
  system: 8000,
  model: 200,
  source: 500,
  maxNewTokens: 32_768,
  starters: 24,
  starter: 4000,
  pictures: 8,
  pictureName: 120,
  pictureSrc: 4_000_000,
} as const;

/** Larger files are not read. */
export const LESSON_BYTES = 12_000_000;

export const LESSON_ERRORS = [
  /** The file is larger than a lesson may be. */
  'too-large',
  /** The file is not JSON. */
  'not-json',
  /** The file is JSON, but not a lesson. */
  'not-a-lesson',
  /** The lesson was made by a newer version of the app. */
  'newer',
  /** A field is missing or invalid; the detail names it. */
  'field',
  /** The link is cut or damaged. */
  'link',
  /** The link names a file of another site. */
  'foreign',
  /** There is no such file, or no network. */
  'unreachable',
] as const;
export type LessonErrorCode = (typeof LESSON_ERRORS)[number];

/** The reason why a file or link cannot be used as a lesson. */
export class LessonError extends Error {
  constructor(
    readonly code: LessonErrorCode,
    readonly detail = '',
  ) {
    super(detail ? `${code}: ${detail}` : code);
    this.name = 'LessonError';
  }
}
