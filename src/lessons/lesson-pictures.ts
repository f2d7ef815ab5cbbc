/** A lesson's pictures as the files that go with a message, and files as pictures that go into a lesson. */
import { LIMITS, type Lesson, LessonError, type LessonPicture } from './lesson.ts';

/** Models see less than this; a larger picture only makes the lesson heavy. */
const LONGEST_SIDE = 1024;
/** Lighter files go in as they are. */
const LIGHT = 200_000;

const DATA = /^data:(image\/\w+);base64,(.*)$/s;

/** @throws LessonError `unreachable`, for pictures that come with the page */
async function toFile({ name, src }: LessonPicture, base: string): Promise<File> {
  const [, type, base64] = DATA.exec(src) ?? [];
  if (type !== undefined && base64 !== undefined)
    return new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, { type });
  const response = await fetch(new URL(src, base), { redirect: 'error' }).catch(() => null);
  if (!response?.ok) throw new LessonError('unreachable', src);
  const blob = await response.blob();
  return new File([blob], name, { type: blob.type });
}

/** The pictures of one of the lesson's starters. @throws LessonError */
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

/** Small enough for a file that is handed on; null where this browser cannot read it. */
export async function fromFile(file: File): Promise<LessonPicture | null> {
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

/** A file's name may hold anything; what cannot be shown on a line goes. */
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
  // JPEG has no transparency: white, as on paper.
  context.fillStyle = '#ffffff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type: 'image/jpeg', quality: 0.85 });
}
