/**
 * Encodes and decodes base64 of Blobs in chunks, so that the page stays responsive and the heap never holds the whole.
 */

/** Divisible by 3, so that no chunk but the last needs padding. A chunk takes a few milliseconds. */
const CHUNK_BYTES = 3 * 2 ** 18;
/** Number of arguments that `String.fromCharCode` safely takes. */
const MAX_ARGUMENTS = 2 ** 14;

function toBinary(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += MAX_ARGUMENTS)
    text += String.fromCharCode(...bytes.subarray(i, i + MAX_ARGUMENTS));
  return text;
}

/** Yields base64 as Blobs, which the browser may keep on disk. */
export async function* encodeBase64(blob: Blob): AsyncGenerator<Blob> {
  for (let at = 0; at < blob.size; at += CHUNK_BYTES) {
    const bytes = new Uint8Array(await blob.slice(at, at + CHUNK_BYTES).arrayBuffer());
    yield new Blob([btoa(toBinary(bytes))]);
  }
}

/** @returns null if the text is not base64 */
export async function decodeBase64(text: Blob, type: string): Promise<Blob | null> {
  const step = (CHUNK_BYTES / 3) * 4;
  const chunks: BlobPart[] = [];
  for (let at = 0; at < text.size; at += step) {
    const chunk = await text.slice(at, at + step).text();
    // `atob` alone would accept white space, and padding in the middle.
    const last = at + step >= text.size;
    if (chunk.length % 4 !== 0 || !(last ? /^[A-Za-z0-9+/]*={0,2}$/ : /^[A-Za-z0-9+/]*$/).test(chunk)) return null;
    chunks.push(new Blob([Uint8Array.from(atob(chunk), (character) => character.charCodeAt(0))]));
  }
  return new Blob(chunks, { type });
}
