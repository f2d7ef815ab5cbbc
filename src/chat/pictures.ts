/** Pictures a person adds to a message. */
import { MAX_PICTURE_MB } from '../../protocol/engine.ts';

export interface Picture {
  id: number;
  name: string;
  blob: Blob;
  /** For showing it; revoke it when the picture is gone. */
  url: string;
}

let lastId = 0;

export interface Refusal {
  key: 'chat.notPicture' | 'chat.pictureTooLarge' | 'chat.exampleMissing';
  name: string;
}

/** @returns the picture, or why it is not taken. */
export function toPicture(file: File): Picture | Refusal {
  // Vector pictures have no size of their own and cannot be decoded off the page.
  if (!file.type.startsWith('image/') || file.type.startsWith('image/svg'))
    return { key: 'chat.notPicture', name: file.name };
  if (file.size > MAX_PICTURE_MB * 1e6) return { key: 'chat.pictureTooLarge', name: file.name };
  return { id: ++lastId, name: file.name, blob: file, url: URL.createObjectURL(file) };
}
