/** @file Hashes of bytes in memory, as manifests and the hub write them: lower-case hex. */
import { createSHA1 } from 'hash-wasm';

/**
 * Writes bytes as lower-case hex.
 * @param bytes any number of bytes.
 * @returns two digits for each byte.
 */
export const toHex = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');

/**
 * SHA-256 by the browser's own implementation, which is several times as fast as WebAssembly.
 * @param bytes the content, at most a part.
 * @returns 64 hex digits.
 */
export const sha256 = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
  toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));

/**
 * SHA-1 of git's blob of this content (`blob SIZE\0CONTENT`): all that the hub's listing says of small files.
 * @param bytes the whole file.
 * @returns 40 hex digits.
 */
export async function gitSha1(bytes: Uint8Array): Promise<string> {
  const hash = await createSHA1();
  return hash.update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}
