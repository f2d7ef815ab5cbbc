/**
 * Lessons in links. `#lesson=` carries the lesson itself, in the part of an address that browsers do not send to servers:
 * base64url of its JSON, deflated (raw) or plain. `?lesson=` names a file of this site. Either gives a validated lesson or
 * a LessonError; at most `LINK_BYTES` are inflated.
 */
import { type Lesson, LESSON_BYTES, LessonError } from './lesson.ts';
import { parseLesson, readLessonFile, writeLesson } from './read-lesson.ts';

/** Longest JSON that a link may carry, in bytes, after it is inflated. */
export const LINK_BYTES = 1_000_000;
/** Longer links are cut by mail programs and messengers. */
export const LINK_CHARACTERS = 8000;

const toBase64Url = (bytes: Uint8Array): string => {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
};

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  if (!/^[\w-]+={0,2}$/.test(text)) throw new LessonError('link');
  try {
    return Uint8Array.from(atob(text.replace(/=+$/, '').replaceAll('-', '+').replaceAll('_', '/')), (c) =>
      c.charCodeAt(0),
    );
  } catch {
    throw new LessonError('link');
  }
}

/** Reads a stream to its end. @throws LessonError `too-large` as soon as there are more than `most` bytes. */
async function collect(stream: ReadableStream<Uint8Array>, most: number): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Blob(chunks);
    size += value.length;
    if (size > most) {
      void reader.cancel().catch(() => undefined);
      throw new LessonError('too-large');
    }
    chunks.push(new Uint8Array(value));
  }
}

async function inflate(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  try {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
    return await (await collect(stream, LINK_BYTES)).text();
  } catch (cause) {
    if (cause instanceof LessonError) throw cause;
    throw new LessonError('link', String(cause));
  }
}

/** The first byte of plain JSON. Deflated data can begin with it, too, but does not parse as JSON then. */
const OBJECT = '{'.charCodeAt(0);

/** Reads a lesson from the value of a `#lesson=` fragment. @throws LessonError */
export async function lessonFromFragment(value: string): Promise<Lesson> {
  if (value.length > (LINK_BYTES * 4) / 3 + 4) throw new LessonError('too-large');
  const bytes = fromBase64Url(value);
  if (bytes[0] === OBJECT)
    try {
      return parseLesson(new TextDecoder().decode(bytes));
    } catch (cause) {
      if (!(cause instanceof LessonError && cause.code === 'not-json')) throw cause;
    }
  try {
    return parseLesson(await inflate(bytes));
  } catch (cause) {
    // The link was cut or changed where its content is not JSON.
    throw cause instanceof LessonError && cause.code === 'not-json' ? new LessonError('link', cause.detail) : cause;
  }
}

/** The folder of the shipped lessons, and its name before version 0.2.0. */
const FOLDER = 'lessons/';
const OLD_FOLDER = 'presets/';

/** Fetches the lesson that the value of a `?lesson=` parameter names. @throws LessonError */
export async function lessonFromAddress(value: string, base: string): Promise<Lesson> {
  let url: URL;
  try {
    url = new URL(value, base);
  } catch {
    throw new LessonError('link');
  }
  const page = new URL(base);
  if (url.origin !== page.origin || url.protocol !== page.protocol) throw new LessonError('foreign', url.href);
  const oldFolder = new URL(OLD_FOLDER, base).href;
  if (!url.href.startsWith(oldFolder)) return fetchLesson(url);
  // A site's own file may still be in the old folder; shipped lessons have moved.
  const moved = new URL(FOLDER + url.href.slice(oldFolder.length), base);
  return fetchLesson(url).catch(() => fetchLesson(moved));
}

async function fetchLesson(url: URL): Promise<Lesson> {
  // A redirect could lead to another site after all.
  const response = await fetch(url, { redirect: 'error', credentials: 'omit' }).catch((cause: unknown) => {
    throw new LessonError('unreachable', String(cause));
  });
  if (!response.ok || !response.body) throw new LessonError('unreachable', `${response.status} ${url.href}`);
  return readLessonFile(await collect(response.body, LESSON_BYTES));
}

/** Makes a link to this page that carries the lesson; null where it would be longer than `LINK_CHARACTERS`. */
export async function linkToLesson(lesson: Lesson, base: string): Promise<string | null> {
  const json = JSON.stringify(JSON.parse(writeLesson(lesson)));
  const stream = new Blob([json]).stream().pipeThrough(new CompressionStream('deflate-raw'));
  const deflated = new Uint8Array(await new Response(stream).arrayBuffer());
  const url = new URL(base);
  url.search = '';
  url.hash = `lesson=${toBase64Url(deflated)}`;
  return url.href.length > LINK_CHARACTERS ? null : url.href;
}
