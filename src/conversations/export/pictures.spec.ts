import { expect, it } from 'vitest';
import { toDocument, toPicture } from './pictures.ts';

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

it.each([
  ['image/png', '\x89PNG\r\n\x1a\n…'.slice(0, -1)],
  ['image/jpeg', '\xff\xd8\xff\xe0'],
  ['image/gif', 'GIF89a'],
  ['image/webp', 'RIFF\x01\x02\x03\x04WEBPVP8 '],
  ['image/bmp', 'BM6\0'],
  ['image/avif', '\0\0\0\x20ftypavif'],
])('is told as %s by its bytes, whatever it says', async (type, start) => {
  const picture = await toPicture(new Blob([bytes(start), 'rest'], { type: 'text/html' }), 'a');
  expect(picture).toMatchObject({ kind: 'picture', name: 'a', blob: { type, size: start.length + 4 } });
  expect(picture?.id).toMatch(/^[\da-f-]{36}$/);
});

it.each(['', '<svg/>', 'PNG', 'WEBP', 'ftypavif', 'xGIF8'])('is none of %j', async (start) => {
  expect(await toPicture(new Blob([bytes(start)]), 'a')).toBeNull();
});

it('makes documents of texts, with the file they came in where there is one', async () => {
  const document = toDocument('Words', 'a.txt');
  expect(document).toMatchObject({ kind: 'document', name: 'a.txt', text: 'Words', blob: { type: 'text/plain' } });
  expect(await document.blob.text()).toBe('Words');
  const blob = new Blob(['%PDF']);
  expect(toDocument('Words', 'a.pdf', blob).blob).toBe(blob);
});
