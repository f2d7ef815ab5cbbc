import { expect, it } from 'vitest';
import { ExtractedStrings } from './extract-base64.ts';
import { ImportError } from './format.ts';

const LONG = 2 ** 14;
const read = (...parts: BlobPart[]) => ExtractedStrings.read(new Blob(parts));

it('leaves long strings of base64 in the file, and finds them again', async () => {
  const [first, second] = ['A1+/='.repeat(4000), `data:image/png;base64,${'b'.repeat(LONG)}`];
  const value = { a: first, b: [second, 'short'], c: { d: 'é “quoted” \\ "' } };
  for (const space of [0, 2]) {
    const { text, strings } = await read(JSON.stringify(value, null, space));
    expect(text.length).toBeLessThan(500);
    const left = JSON.parse(text) as typeof value;
    expect(await strings.blobOf(left.a).text()).toBe(first);
    expect(await strings.blobOf(left.b[0] ?? '').text()).toBe(second);
    expect([left.b[1], left.c]).toEqual(['short', value.c]);
    expect(await strings.blobOf('short').text()).toBe('short');
  }
});

it('keeps strings that are not longer than 16,384 characters, or hold anything else', async () => {
  const value = [
    'a'.repeat(LONG),
    'a'.repeat(LONG) + ' ',
    `${'a'.repeat(LONG)}é`,
    `${'a'.repeat(LONG)}\n`,
    `"${'a'.repeat(LONG)}`,
  ];
  const json = JSON.stringify(value);
  expect((await read(json)).text).toBe(json);
  const { text, strings } = await read(JSON.stringify(['a'.repeat(LONG + 1)]));
  expect(await strings.blobOf((JSON.parse(text) as string[])[0] ?? '').text()).toBe('a'.repeat(LONG + 1));
});

it('knows where a string ends whatever is escaped in it', async () => {
  const value = ['\\', '\\"', 'a'.repeat(LONG + 1), '"', 'b'];
  const { text, strings } = await read(JSON.stringify(value));
  const left = JSON.parse(text) as string[];
  expect([left[0], left[1], left[3], left[4]]).toEqual(['\\', '\\"', '"', 'b']);
  expect((await strings.blobOf(left[2] ?? '').text()).length).toBe(LONG + 1);
});

it('lets no file forge a placeholder', async () => {
  const { text } = await read(JSON.stringify(['a'.repeat(LONG + 1)]));
  const [placeholder = ''] = JSON.parse(text) as string[];
  const other = await read(JSON.stringify([placeholder, 'c'.repeat(LONG + 1)]));
  expect(await other.strings.blobOf(placeholder).text()).toBe(placeholder);
});

it('decodes characters that lie across the chunks of a stream', async () => {
  const { text } = await read('["', 'é🥖'.repeat(200_000), '"]');
  expect(text).toBe(`["${'é🥖'.repeat(200_000)}"]`);
});

it('refuses what is no UTF-8', async () => {
  for (const bytes of [
    [0x22, 0xff, 0x22],
    [0x22, 0x22, 0xc3],
  ])
    await expect(read(new Uint8Array(bytes))).rejects.toEqual(expect.objectContaining({ code: 'unreadable' }));
  await expect(read(new Uint8Array([0xff]))).rejects.toBeInstanceOf(ImportError);
});
