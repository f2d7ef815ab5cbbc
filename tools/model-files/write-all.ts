/** @file Writes all bytes of a buffer, where the system may write fewer at once. */
import type { FileHandle } from 'node:fs/promises';

/**
 * Writes all bytes.
 * @param handle the open file.
 * @param bytes to write.
 * @param position in the file, in bytes.
 */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;)
    at += (await handle.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
}
