/** Checks pictures as they are added, so that one which the engine could not decode is refused before sending. */
import { MAX_PICTURE_MB, MAX_PICTURE_MEGAPIXELS } from '../../../protocol/engine.ts';
import { Refused } from './refusal.ts';

/** SVG is excluded: it may have no size, and workers cannot decode it. */
export const isPicture = ({ type }: Blob): boolean => type.startsWith('image/') && !type.startsWith('image/svg');

/** @throws Refused */
export async function checkPicture(file: File): Promise<void> {
  const { name } = file;
  if (!isPicture(file)) throw new Refused({ key: 'chat.notPicture', name });
  if (file.size > MAX_PICTURE_MB * 1e6) throw new Refused({ key: 'chat.pictureTooLarge', name, limit: MAX_PICTURE_MB });
  const pixels = await pixelsOf(file).catch(() => null);
  if (pixels === null) throw new Refused({ key: 'chat.notPicture', name });
  if (pixels > MAX_PICTURE_MEGAPIXELS * 1e6)
    throw new Refused({ key: 'composer.tooManyPixels', name, limit: MAX_PICTURE_MEGAPIXELS });
  await createImageBitmap(file).then(
    (bitmap) => bitmap.close(),
    () => {
      throw new Refused({ key: 'composer.brokenPicture', name });
    },
  );
}

/** Reads the size from the header without decoding: a small file can decode to gigabytes. */
async function pixelsOf(file: Blob): Promise<number> {
  const url = URL.createObjectURL(file);
  try {
    const img = new Image();
    await new Promise((resolve, reject) => {
      img.onload = resolve;
      img.onerror = reject;
      img.src = url;
    });
    return img.naturalWidth * img.naturalHeight;
  } finally {
    URL.revokeObjectURL(url);
  }
}
