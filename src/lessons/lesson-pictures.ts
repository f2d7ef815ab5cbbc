/** Converts a lesson's pictures to files that are attached to a message, and files to pictures of a lesson. */
import { LIMITS, type Lesson, LessonError, type LessonPicture } from './lesson.ts';

/** Longest side of a picture in a lesson, in pixels. Models scale pictures down further than this. */
const LONGEST_SIDE = 1024;
/** Files of at most this many bytes are embedded unchanged. */
const LIGHT = 200_000;

const DATA = /^data:(image\/\w+);base64,(.*)$/s;

/** @throws LessonError `unreachable`, where a picture from the page's own folder cannot be fetched. */
async function toFile({ name, src }: LessonPicture, base: string): Promise<File> {
  const [, type, base64] = DATA.exec(src) ?? [];
  if (type !== undefined && base64 !== undefined)
    return new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, { type });
  const response = await fetch(new URL(src, base), { redirect: 'error' }).catch(() => null);
  if (!response?.ok) throw new LessonError('unreachable', src);
  const blob = await response.blob();
  return new File([blob], name, { type: blob.type });
}

/** Returns the pictures of one of the lesson's starters as files. @throws LessonError `unreachable` */
export function picturesOf(lesson: Lesson, indices: readonly number[], base: string): Promise<File[]> {
  const pictures = indices.flatMap((index) => lesson.pictures[index] ?? []);
  return Promise.all(pictures.map((picture) => toFile(picture, base)));
}

function dataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(reader.error ?? new Error('not read'));
    reader.readAsDataURL(blob);
  });
}

/** Reads and shrinks a picture for a lesson; null where this browser cannot decode it, or where it stays too large. */
export async function pictureFromFile(file: File): Promise<LessonPicture | null> {
  try {
    const bitmap = await createImageBitmap(file);
    const light = file.size <= LIGHT && /^image\/(png|jpeg|webp)$/.test(file.type);
    const src = await dataUrl(light ? file : await smaller(bitmap));
    bitmap.close();
    return src.length > LIMITS.pictureSrc ? null : { name: nameOf(file), src };
  } catch {
    return null;
  }
}

/** Removes the characters of a file's name that cannot be shown on one line. */
function nameOf(file: File): string {
  const name = file.name.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '').trim();
  return [...name].slice(0, LIMITS.pictureName).join('') || 'picture';
}

function smaller(bitmap: ImageBitmap): Promise<Blob> {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = new OffscreenCanvas(
    Math.max(1, Math.round(bitmap.width * scale)),
    Math.max(1, Math.round(bitmap.height * scale)),
  );
  const context = canvas.getContext('2d');
  if (!context) throw new Error('no canvas');
  // JPEG has no transparency, so transparent pixels become white.
  context.fillStyle = '#ffffff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type: 'image/jpeg', quality: 0.85 });
}
