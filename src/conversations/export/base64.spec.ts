import { expect, it } from 'vitest';
import { decodeBase64, encodeBase64 } from './base64.ts';

/** Bytes that are encoded at once. */
const CHUNK = 3 * 2 ** 18;

async function encoded(blob: Blob): Promise<string[]> {
  const chunks: string[] = [];
  for await (const chunk of encodeBase64(blob)) chunks.push(await chunk.text());
  return chunks;
}
const bytesOf = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 31) % 251);

it.each([0, 1, 2, 3, 4, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 2])(
  'gives %d bytes back, and is what others call base64',
  async (length) => {
    const bytes = bytesOf(length);
    const chunks = await encoded(new Blob([bytes]));
    expect(chunks).toHaveLength(Math.ceil(length / CHUNK));
    const text = chunks.join('');
    expect(text === Buffer.from(bytes).toString('base64')).toBe(true);
    const blob = await decodeBase64(new Blob([text]), 'image/png');
    expect(blob?.type).toBe('image/png');
    expect(Buffer.from((await blob?.arrayBuffer()) ?? new ArrayBuffer(1)).equals(bytes)).toBe(true);
  },
);

it.each(['AAA', 'A A=', 'AA==AAAA', 'AAA*', 'A===', 'AAAA\n', '-_AA', 'éAAA'])('refuses %j', async (text) => {
  expect(await decodeBase64(new Blob([text]), '')).toBeNull();
});

it('refuses padding at the end of any chunk but the last', async () => {
  const full = (await encoded(new Blob([bytesOf(CHUNK)])))[0] ?? '';
  expect(await decodeBase64(new Blob([full, 'AAA=']), '')).not.toBeNull();
  expect(await decodeBase64(new Blob([`${full.slice(0, -1)}=`, 'AAAA']), '')).toBeNull();
});
