import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { imageSize } from './image-size.ts';

const IMAGES = '../../../reference/images/';
const file = (name: string) => new Uint8Array(readFileSync(new URL(IMAGES + name, import.meta.url)));
const { cases } = JSON.parse(readFileSync(new URL(`${IMAGES}cases.json`, import.meta.url), 'utf8')) as {
  cases: { name: string; file: string; width: number; height: number }[];
};
const bytes = (...parts: (string | number[])[]) =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...part].map((c) => c.charCodeAt(0)) : part)));

describe('imageSize', () => {
  it.each(cases)('$file', ({ file: name, width, height }) => {
    expect(imageSize(file(name))).toEqual({ width, height });
  });

  it.each<[string, Uint8Array]>([
    ['GIF', bytes('GIF89a', [44, 1, 200, 0])],
    ['BMP', bytes('BM', Array<number>(12).fill(0), [40, 0, 0, 0], [44, 1, 0, 0], [200, 0, 0, 0])],
    ['BMP from the top', bytes('BM', Array<number>(12).fill(0), [40, 0, 0, 0], [44, 1, 0, 0], [56, 255, 255, 255])],
    ['WebP', bytes('RIFF', [0, 0, 0, 0], 'WEBPVP8 ', Array<number>(10).fill(0), [44, 1, 200, 0])],
    ['lossless WebP', bytes('RIFF', [0, 0, 0, 0], 'WEBPVP8L', [0, 0, 0, 0, 0x2f], [0x2b, 0xc1, 0x31, 0])],
    ['extended WebP', bytes('RIFF', [0, 0, 0, 0], 'WEBPVP8X', Array<number>(8).fill(0), [43, 1, 0, 199, 0, 0])],
  ])('%s', (_, header) => {
    expect(imageSize(header)).toEqual({ width: 300, height: 200 });
  });

  it('knows nothing of other files, and of headers cut short', () => {
    expect(imageSize(new Uint8Array(0))).toBeUndefined();
    expect(imageSize(bytes('<svg xmlns="http://www.w3.org/2000/svg"/>'))).toBeUndefined();
    for (const { file: name } of cases) expect(imageSize(file(name).subarray(0, 15))).toBeUndefined();
    expect(imageSize(bytes('\xff\xd8\xff\xe0', [0, 4, 1, 1], 'no marker'))).toBeUndefined();
  });
});
