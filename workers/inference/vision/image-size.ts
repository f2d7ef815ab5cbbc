/**
 * A picture's size as its file's header states it, without decoding, since a small file can decode to gigabytes. PNG, JPEG,
 * GIF, WebP and BMP are known; pictures of other formats are measured after decoding.
 */

/** Pixels. */
export interface ImageSize {
  width: number;
  height: number;
}

const startsWith = (bytes: Uint8Array, at: number, text: string): boolean =>
  [...text].every((character, i) => bytes[at + i] === character.charCodeAt(0));

/**
 * Reads a picture's size.
 * @param bytes the file, or its beginning.
 * @returns the size before any EXIF rotation; undefined for other formats and for a header that is not complete
 */
export function imageSize(bytes: Uint8Array): ImageSize | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return readSize(bytes, view);
  } catch (cause) {
    // A DataView throws this error beyond its end.
    if (cause instanceof RangeError) return undefined;
    throw cause;
  }
}

function readSize(bytes: Uint8Array, view: DataView): ImageSize | undefined {
  if (startsWith(bytes, 0, '\x89PNG\r\n\x1a\n')) return { width: view.getUint32(16), height: view.getUint32(20) };
  if (startsWith(bytes, 0, '\xff\xd8')) return jpegSize(view);
  if (startsWith(bytes, 0, 'GIF8')) return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
  if (startsWith(bytes, 0, 'RIFF') && startsWith(bytes, 8, 'WEBP')) return webpSize(bytes, view);
  if (startsWith(bytes, 0, 'BM') && view.getUint32(14, true) >= 40)
    // A negative height means that the rows are stored from the top down.
    return { width: view.getInt32(18, true), height: Math.abs(view.getInt32(22, true)) };
  return undefined;
}

/** Goes from segment to segment until the frame header. All of them state their length, but fill bytes do not. */
function jpegSize(view: DataView): ImageSize | undefined {
  let at = 2;
  for (;;) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at++;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    at += 2 + view.getUint16(at + 2);
  }
}

function webpSize(bytes: Uint8Array, view: DataView): ImageSize | undefined {
  if (startsWith(bytes, 12, 'VP8 '))
    return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  if (startsWith(bytes, 12, 'VP8L')) {
    const bits = view.getUint32(21, true);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  if (startsWith(bytes, 12, 'VP8X'))
    return { width: (view.getUint32(24, true) & 0xffffff) + 1, height: (view.getUint32(26, true) >>> 8) + 1 };
  return undefined;
}
