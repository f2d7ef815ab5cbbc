/** Attachments from files of other programs. The type of a picture is taken from its bytes. */
import { newId } from '../new-id.ts';
import type { Attachment } from '../records.ts';
import { IMPORT_LIMITS } from './limits.ts';

const STARTS: [type: string, offset: number, bytes: string][] = [
  ['image/png', 0, '\x89PNG\r\n\x1a\n'],
  ['image/jpeg', 0, '\xff\xd8\xff'],
  ['image/gif', 0, 'GIF8'],
  ['image/webp', 8, 'WEBP'],
  ['image/bmp', 0, 'BM'],
  ['image/avif', 4, 'ftypavif'],
];

/** @returns null if the bytes are not a picture that browsers show, or too many */
export async function toPicture(blob: Blob, name: string): Promise<Attachment | null> {
  if (blob.size > IMPORT_LIMITS.picture) return null;
  const start = String.fromCharCode(...new Uint8Array(await blob.slice(0, 16).arrayBuffer()));
  const [type] = STARTS.find(([, offset, bytes]) => start.startsWith(bytes, offset)) ?? [];
  return type === undefined ? null : { id: newId(), kind: 'picture', name, blob: blob.slice(0, blob.size, type) };
}

export const toDocument = (
  text: string,
  name: string,
  blob = new Blob([text], { type: 'text/plain' }),
): Attachment => ({
  id: newId(),
  kind: 'document',
  name,
  blob,
  text,
});
