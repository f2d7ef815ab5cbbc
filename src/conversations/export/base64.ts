/** Base64 of Blobs a chunk at a time: the page stays usable, and the heap never holds the whole. */

/** Bytes of a chunk: divisible by 3, so that chunks join without padding between them; a few milliseconds of work. */
const CHUNK_BYTES = 3 * 2 ** 18;
/** What `String.fromCharCode` takes at once. */
const MAX_ARGUMENTS = 2 ** 14;

function toBinary(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += MAX_ARGUMENTS)
    text += String.fromCharCode(...bytes.subarray(i, i + MAX_ARGUMENTS));
  return text;
}

/** The chunks of the base64, as Blobs: the browser may put those on the disk. */
export async function* encodeBase64(blob: Blob): AsyncGenerator<Blob> {
  for (let at = 0; at < blob.size; at += CHUNK_BYTES) {
    const bytes = new Uint8Array(await blob.slice(at, at + CHUNK_BYTES).arrayBuffer());
    yield new Blob([btoa(toBinary(bytes))]);
  }
}

/** @returns null where it is no base64. */
export async function decodeBase64(text: Blob, type: string): Promise<Blob | null> {
  const step = (CHUNK_BYTES / 3) * 4;
  const chunks: BlobPart[] = [];
  for (let at = 0; at < text.size; at += step) {
    const chunk = await text.slice(at, at + step).text();
    // `atob` alone would forgive white space, and padding inside.
    const last = at + step >= text.size;
    if (chunk.length % 4 !== 0 || !(last ? /^[A-Za-z0-9+/]*={0,2}$/ : /^[A-Za-z0-9+/]*$/).test(chunk)) return null;
    chunks.push(new Blob([Uint8Array.from(atob(chunk), (character) => character.charCodeAt(0))]));
  }
  return new Blob(chunks, { type });
}
