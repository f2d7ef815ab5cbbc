/**
 * A lesson: how a conversation is to be answered, and how it may begin, in one JSON file that people hand on
 * (`public/lessons/lesson.schema.json` is its published form). Types and limits; `read-lesson.ts` checks what comes from
 * outside.
 */
import type { Language } from '../i18n/languages.ts';
import type { Sampling } from '../../protocol/sampling.ts';

export const LESSON_FORMAT = 'fournil-lesson';
/** The format's name before version 0.2.0; files and links that carry it are still read. */
export const OLD_LESSON_FORMAT = 'fournil-preset';
export const LESSON_VERSION = 1;

/** Colours by name: how each looks is for the page to say (lesson-colours.css), legible in every theme. */
export const LESSON_COLOURS = ['clay', 'amber', 'olive', 'green', 'teal', 'blue', 'violet', 'rose'] as const;
export type LessonColour = (typeof LESSON_COLOURS)[number];

/** What a model must be able to do: hold a conversation (the built-in one cannot), or see pictures. */
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
  /** Empty: none. */
  system: string;
  /** Left out: whichever is open. `source`, where the id does not say it: a repository of the hub, or a folder's URL. */
  model?: { id: string; source?: string };
  /** What is left out is the model's own. */
  sampling: Partial<Sampling>;
  maxNewTokens?: number;
  starters: Starter[];
  pictures: LessonPicture[];
}

/** Lengths are in characters, not in UTF-16 units. */
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

/** A file that is larger is not read. */
export const LESSON_BYTES = 12_000_000;

export const LESSON_ERRORS = [
  /** The file is larger than a lesson may be. */
  'too-large',
  /** It is not JSON at all. */
  'not-json',
  /** It is JSON, but no lesson. */
  'not-a-lesson',
  /** It was made by a newer version of the app. */
  'newer',
  /** A field is missing or is not what it must be: the detail names it. */
  'field',
  /** The link is cut or damaged. */
  'link',
  /** The link names a file of another site. */
  'foreign',
  /** There is no such file, or no network. */
  'unreachable',
] as const;
export type LessonErrorCode = (typeof LESSON_ERRORS)[number];

/** Why a file or link is no lesson that can be used. */
export class LessonError extends Error {
  constructor(
    readonly code: LessonErrorCode,
    readonly detail = '',
  ) {
    super(detail ? `${code}: ${detail}` : code);
    this.name = 'LessonError';
  }
}
