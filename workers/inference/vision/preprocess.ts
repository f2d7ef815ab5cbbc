/**
 * A picture file to the vision encoder's input, as the reference's processor computes it: rotated as its EXIF says, RGB,
 * resized with antialiasing, normalised. Runs in a worker.
 *
 * Colour profiles are not applied, since the reference (PIL) takes the file's numbers as they are. Transparent pixels are
 * drawn on white, which the page and most viewers have behind a picture: a model sees no transparency, and the colour that a
 * file holds under transparent pixels is arbitrary, often black, which would hide dark writing.
 */
import { sha256 } from 'hash-wasm';
import { EngineError, MAX_PICTURE_MB, MAX_PICTURE_MEGAPIXELS } from '../../../protocol/engine.ts';
import { type ImageSize, imageSize } from './image-size.ts';
import type { PictureOptions } from './preprocessor-config.ts';
import { Resizer } from './resize.ts';

export { parsePreprocessorConfig, type PictureOptions } from './preprocessor-config.ts';

const MEGA = 1_000_000;
const MAX_BYTES = MAX_PICTURE_MB * MEGA;
const MAX_PIXELS = MAX_PICTURE_MEGAPIXELS * MEGA;
/** Pixels of the widest canvas in all supported browsers. */
const MAX_SIDE = 32_767;
/** Pixels that are read back at once: 4 MB of RGBA, whatever the picture's size. */
const STRIP_PIXELS = 1 << 20;

const broken = (cause: unknown) => new EngineError('picture-broken', String(cause));

/**
 * Prepares a picture for the vision encoder.
 * @param blob a picture file in any format that the browser decodes.
 * @param options the model's own.
 * @returns float32 [3, size, size], normalised
 * @throws EngineError `picture-broken`, `picture-too-large`
 */
export async function preparePicture(blob: Blob, options: PictureOptions): Promise<Float32Array<ArrayBuffer>> {
  return normalise(await resizedRgb(blob, await readFile(blob), options.size), options);
}

/**
 * Names a picture's content, without decoding it.
 * @param blob a picture file.
 * @returns SHA-256 of the file, in hexadecimal
 * @throws EngineError `picture-broken`, `picture-too-large`
 */
export async function hashPicture(blob: Blob): Promise<string> {
  return hashOf(await readFile(blob));
}

async function readFile(blob: Blob): Promise<Uint8Array<ArrayBuffer>> {
  if (blob.size > MAX_BYTES) throw tooLarge(`${Math.ceil(blob.size / MEGA)} MB, at most ${MAX_BYTES / MEGA}`);
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch (cause) {
    // The file may have been moved or changed since it was chosen.
    throw broken(cause);
  }
}

async function hashOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  // Pages from plain http servers, as in schools, do not have the browser's own.
  const { subtle } = crypto as { subtle?: SubtleCrypto };
  if (!subtle) return sha256(bytes);
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const tooLarge = (why: string) => new EngineError('picture-too-large', why);

function checkSize({ width, height }: ImageSize): void {
  if (width * height > MAX_PIXELS || Math.max(width, height) > MAX_SIDE)
    throw tooLarge(`${width}×${height} pixels, at most ${MAX_PIXELS / MEGA} million and ${MAX_SIDE} a side`);
}

async function resizedRgb(blob: Blob, bytes: Uint8Array, size: number): Promise<Uint8Array> {
  const stated = imageSize(bytes);
  if (stated) checkSize(stated);
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(blob, { imageOrientation: 'from-image', colorSpaceConversion: 'none' });
  } catch (cause) {
    throw broken(cause);
  }
  try {
    checkSize(bitmap);
    return resizeBitmap(bitmap, size);
  } finally {
    bitmap.close();
  }
}

/** Reads the picture back in strips, so that a large one is not in memory a second time. @returns uint8 [size, size, 3] */
function resizeBitmap(bitmap: ImageBitmap, size: number): Uint8Array {
  const { width, height } = bitmap;
  const rows = Math.min(height, Math.max(1, Math.floor(STRIP_PIXELS / width)));
  const context = new OffscreenCanvas(width, rows).getContext('2d', { willReadFrequently: true, colorSpace: 'srgb' });
  if (!context) throw tooLarge(`the browser makes no canvas ${width} wide`);
  // Every pixel is copied as it is.
  context.imageSmoothingEnabled = false;
  context.fillStyle = '#fff';
  const resizer = new Resizer(width, height, size);
  for (let y = 0; y < height; y += rows) {
    const count = Math.min(rows, height - y);
    // On an opaque background the canvas's premultiplied values are exactly the colours.
    context.fillRect(0, 0, width, count);
    context.drawImage(bitmap, 0, y, width, count, 0, 0, width, count);
    resizer.push(context.getImageData(0, 0, width, count).data, 4);
  }
  return resizer.result;
}

/**
 * Normalises pixels in float32, as the reference does: (byte × rescaleFactor − mean) / std.
 * @param rgb uint8 [size, size, 3].
 * @param options the model's own.
 * @returns float32 [3, size, size]
 */
export function normalise(
  rgb: Uint8Array,
  { size, mean, std, rescaleFactor }: PictureOptions,
): Float32Array<ArrayBuffer> {
  const plane = size * size;
  if (rgb.length !== plane * 3) throw new RangeError(`${rgb.length} bytes are not ${size}×${size} pixels`);
  const pixels = new Float32Array(plane * 3);
  for (let channel = 0; channel < 3; channel++) {
    const values = valuesOfBytes(mean[channel] ?? 0, std[channel] ?? 1, rescaleFactor);
    for (let i = 0; i < plane; i++) pixels[channel * plane + i] = values[rgb[i * 3 + channel] ?? 0] ?? 0;
  }
  return pixels;
}

/** The normalised value of each byte, rounded to float32 after each step, which gives the reference's bits. */
function valuesOfBytes(mean: number, std: number, rescaleFactor: number): Float32Array {
  const { fround } = Math;
  const rescaled = (byte: number) => fround(byte * rescaleFactor);
  return Float32Array.from({ length: 256 }, (_, byte) => fround(rescaled(byte) - fround(mean)) / fround(std));
}
