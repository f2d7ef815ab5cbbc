/**
 * Validates lessons from outside. Any input gives either a complete lesson with the known fields alone, or a LessonError
 * that names the first invalid field. Nothing is fetched, decoded or run.
 */
import { isObject } from '../../protocol/json.ts';
import { LANGUAGE_CODES } from '../i18n/languages.ts';
import { readSampling, type Sampling } from '../../protocol/sampling.ts';
import {
  LIMITS,
  type Lesson,
  LESSON_BYTES,
  LESSON_COLOURS,
  LESSON_FORMAT,
  LESSON_NEEDS,
  LESSON_VERSION,
  OLD_LESSON_FORMAT,
  LessonError,
  type LessonPicture,
  type Starter,
} from './lesson.ts';

/** Matches text that is not only white space. */
const SOMETHING = /\S/u;
/** Matches one line without control characters, such as those that turn the direction of the text around it. */
const ONE_LINE = /^[^\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u;
/** Matches data URLs whose content begins with the signature of the image format that they name. */
const DATA_PICTURE =
  /^data:image\/(?:png;base64,iVBORw0KGgo|jpeg;base64,\/9j\/|webp;base64,UklGR)[A-Za-z0-9+/]+={0,2}$/u;
/** Matches a path within the page's own folder. */
const OWN_PICTURE = /^(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*\/)*[A-Za-z0-9_-][A-Za-z0-9_.-]*\.(?:png|jpg|jpeg|webp)$/u;

const refuse = (field: string): never => {
  throw new LessonError('field', field);
};

/** Counts code points, as JSON Schema does. Each takes at most two UTF-16 units. */
function isText(value: unknown, most: number): value is string {
  if (typeof value !== 'string' || value.length > 2 * most) return false;
  return value.length <= most || [...value].length <= most;
}

const text = (value: unknown, field: string, most: number, pattern?: RegExp): string =>
  isText(value, most) && (!pattern || pattern.test(value)) ? value : refuse(field);

const optional = (value: unknown, field: string, most: number, pattern?: RegExp): string =>
  value === undefined ? '' : text(value, field, most, pattern);

/** Reads a name that is shown: one line that is not empty. */
const line = (value: unknown, field: string, most: number): string =>
  SOMETHING.test(text(value, field, most, ONE_LINE)) ? (value as string) : refuse(field);

const oneOf = <T extends string>(value: unknown, field: string, known: readonly T[]): T =>
  known.find((each) => each === value) ?? refuse(field);

function list(value: unknown, field: string, most: number): unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) && value.length <= most ? value : refuse(field);
}

function readLessonSampling(value: unknown): Partial<Sampling> {
  if (value === undefined) return {};
  if (!isObject(value)) return refuse('sampling');
  return readSampling(
    (name) => value[name],
    (name) => refuse(`sampling.${name}`),
  );
}

function readModel(value: unknown): Pick<Lesson, 'model'> {
  if (value === undefined) return {};
  if (!isObject(value)) return refuse('model');
  const id = line(value['id'], 'model.id', LIMITS.model);
  if (value['source'] === undefined) return { model: { id } };
  return { model: { id, source: line(value['source'], 'model.source', LIMITS.source) } };
}

function readLength(value: unknown): Pick<Lesson, 'maxNewTokens'> {
  if (value === undefined) return {};
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= LIMITS.maxNewTokens
    ? { maxNewTokens: value as number }
    : refuse('maxNewTokens');
}

function readPicture(value: unknown, i: number): LessonPicture {
  const field = `pictures[${i}]`;
  if (!isObject(value)) return refuse(field);
  const src = text(value['src'], `${field}.src`, LIMITS.pictureSrc);
  if (!DATA_PICTURE.test(src) && !OWN_PICTURE.test(src)) return refuse(`${field}.src`);
  return { name: line(value['name'], `${field}.name`, LIMITS.pictureName), src };
}

function readStarter(value: unknown, i: number, pictures: number): Starter {
  const field = `starters[${i}]`;
  if (!isObject(value)) return refuse(field);
  const shown = list(value['pictures'], `${field}.pictures`, LIMITS.pictures);
  for (const index of shown)
    if (!Number.isInteger(index) || (index as number) < 0 || (index as number) >= pictures)
      return refuse(`${field}.pictures`);
  return { text: text(value['text'], `${field}.text`, LIMITS.starter, SOMETHING), pictures: shown as number[] };
}

/** @throws LessonError */
export function readLesson(value: unknown): Lesson {
  if (!isObject(value) || (value['format'] !== LESSON_FORMAT && value['format'] !== OLD_LESSON_FORMAT))
    throw new LessonError('not-a-lesson');
  const { version } = value;
  if (typeof version === 'number' && version > LESSON_VERSION) throw new LessonError('newer', String(version));
  if (version !== LESSON_VERSION) return refuse('version');
  const needs = list(value['needs'], 'needs', LESSON_NEEDS.length).map((need) => oneOf(need, 'needs', LESSON_NEEDS));
  const pictures = list(value['pictures'], 'pictures', LIMITS.pictures).map(readPicture);
  const starters = list(value['starters'], 'starters', LIMITS.starters);
  return {
    format: LESSON_FORMAT,
    version: LESSON_VERSION,
    title: line(value['title'], 'title', LIMITS.title),
    description: optional(value['description'], 'description', LIMITS.description, ONE_LINE),
    language: oneOf(value['language'], 'language', LANGUAGE_CODES),
    colour: oneOf(value['colour'], 'colour', LESSON_COLOURS),
    needs: [...new Set(needs)],
    system: optional(value['system'], 'system', LIMITS.system),
    ...readModel(value['model']),
    sampling: readLessonSampling(value['sampling']),
    ...readLength(value['maxNewTokens']),
    starters: starters.map((starter, i) => readStarter(starter, i, pictures.length)),
    pictures,
  };
}

/** @throws LessonError */
export function parseLesson(json: string): Lesson {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new LessonError('not-json', String(cause));
  }
  return readLesson(value);
}

/** @throws LessonError */
export async function readLessonFile(file: Blob): Promise<Lesson> {
  if (file.size > LESSON_BYTES) throw new LessonError('too-large');
  return parseLesson(await file.text());
}

/** Returns the lesson as indented JSON, without empty fields. */
export function writeLesson(lesson: Lesson): string {
  const { needs, system, description, sampling, starters, pictures } = lesson;
  const written = {
    ...lesson,
    description: description || undefined,
    needs: needs.length > 0 ? needs : undefined,
    system: system || undefined,
    sampling: Object.keys(sampling).length > 0 ? sampling : undefined,
    starters: starters.length > 0 ? starters.map(writeStarter) : undefined,
    pictures: pictures.length > 0 ? pictures : undefined,
  };
  return `${JSON.stringify(written, null, 2)}\n`;
}

const writeStarter = ({ text, pictures }: Starter) => (pictures.length > 0 ? { text, pictures } : { text });
