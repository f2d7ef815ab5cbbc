/**
 * A lesson: how a conversation is to be answered, and how it may begin, in one JSON file that people hand on
 * (`public/lessons/lesson.schema.json` is its published form). Types and limits; `read-preset.ts` checks what comes from
 * outside.
 */
import type { Sampling } from '../../protocol/engine.ts';

export const PRESET_FORMAT = 'fournil-preset';
export const PRESET_VERSION = 1;

/** Colours by name: how each looks is for the page to say (lesson-colours.css), legible in every theme. */
export const PRESET_COLOURS = ['clay', 'amber', 'olive', 'green', 'teal', 'blue', 'violet', 'rose'] as const;
export type PresetColour = (typeof PRESET_COLOURS)[number];

/** What a model must be able to do: hold a conversation (the built-in one cannot), or see pictures. */
export const PRESET_NEEDS = ['language', 'pictures'] as const;
export type PresetNeed = (typeof PRESET_NEEDS)[number];

export const PRESET_LANGUAGES = ['en', 'fr'] as const;

export interface Starter {
  text: string;
  /** Indices into the preset's pictures. */
  pictures: number[];
}

export interface PresetPicture {
  name: string;
  /** A data URL of a PNG, JPEG or WebP, or a path from the page's own folder. */
  src: string;
}

export interface Preset {
  format: typeof PRESET_FORMAT;
  version: typeof PRESET_VERSION;
  title: string;
  description: string;
  language: (typeof PRESET_LANGUAGES)[number];
  colour: PresetColour;
  needs: PresetNeed[];
  /** Empty: none. */
  system: string;
  /** Left out: whichever is open. `source`, where the id does not say it: a repository of the hub, or a folder's URL. */
  model?: { id: string; source?: string };
  /** What is left out is the model's own. */
  sampling: Partial<Sampling>;
  maxNewTokens?: number;
  starters: Starter[];
  pictures: PresetPicture[];
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
export const PRESET_BYTES = 12_000_000;

export const PRESET_REFUSALS = [
  /** The file is larger than a lesson may be. */
  'too-large',
  /** It is not JSON at all. */
  'not-json',
  /** It is JSON, but no lesson. */
  'not-a-preset',
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
export type PresetRefusal = (typeof PRESET_REFUSALS)[number];

/** Why a file or link is no lesson that can be used. */
export class PresetError extends Error {
  constructor(
    readonly code: PresetRefusal,
    readonly detail = '',
  ) {
    super(detail ? `${code}: ${detail}` : code);
    this.name = 'PresetError';
  }
}
