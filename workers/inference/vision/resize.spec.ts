import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { resize, Resizer } from './resize.ts';

const IMAGES = '../../../reference/images/';
const open = (name: string) => PNG.sync.read(readFileSync(new URL(IMAGES + name, import.meta.url)));
const rgb = ({ data }: PNG): Uint8Array => new Uint8Array(data).filter((_, i) => i % 4 !== 3);
const { cases } = JSON.parse(readFileSync(new URL(`${IMAGES}cases.json`, import.meta.url), 'utf8')) as {
  cases: { name: string; file: string; width: number; height: number; prepared: string }[];
};

// JPEGs need a browser to decode them.
describe('the reference pictures', () => {
  it.each(cases.filter(({ file }) => file.endsWith('.png')))('$name, to the bit', ({ file, prepared, ...size }) => {
    const source = open(file);
    expect({ width: source.width, height: source.height }).toMatchObject({ width: size.width, height: size.height });
    const expected = rgb(open(prepared));
    expect(Buffer.compare(resize(source.data, source.width, source.height, 4, 896), expected)).toBe(0);
    expect(Buffer.compare(resize(rgb(source), source.width, source.height, 3, 896), expected)).toBe(0);
  });
});

const side = fc.integer({ min: 1, max: 60 });

describe('Resizer', () => {
  it('gives the same whatever the strips', () => {
    fc.assert(
      fc.property(
        side,
        side,
        side,
        fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
        (width, height, size, strips) => {
          const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7919) >> 3);
          const resizer = new Resizer(width, height, size);
          for (let row = 0; row < height;) {
            const rows = Math.min(height - row, strips.next().value);
            resizer.push(pixels.subarray(row * width * 3, (row + rows) * width * 3), 3);
            row += rows;
          }
          expect(Buffer.compare(resizer.result, resize(pixels, width, height, 3, size))).toBe(0);
        },
      ),
    );
  });

  it('leaves one colour as it is, and stays within the colours there are', () => {
    fc.assert(
      fc.property(side, side, side, fc.nat(255), fc.nat(255), (width, height, size, low, high) => {
        const [least, most] = [Math.min(low, high), Math.max(low, high)];
        const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i % 2 ? least : most));
        const result = resize(pixels, width, height, 3, size);
        expect(result.every((value) => value >= least && value <= most)).toBe(true);
      }),
    );
  });

  it('leaves a picture of the right size as it is', () => {
    const pixels = Uint8Array.from({ length: 12 * 12 * 3 }, (_, i) => (i * 97) % 256);
    expect(resize(pixels, 12, 12, 3, 12)).toEqual(pixels);
  });

  it('holds few rows of a tall picture', () => {
    const resizer = new Resizer(1, 1_000_000, 2);
    const row = Uint8Array.of(10, 20, 30);
    for (let y = 0; y < 1000; y++) resizer.push(row, 3);
    expect(() => resizer.push(new Uint8Array(3_000_000), 3)).toThrow(RangeError);
  });

  it('refuses what is no picture', () => {
    expect(() => new Resizer(0, 1, 1)).toThrow(RangeError);
    expect(() => resize(new Uint8Array(5), 1, 2, 3, 1)).toThrow(RangeError);
    expect(() => resize(new Uint8Array(3), 1, 2, 3, 1)).toThrow(RangeError);
  });
});
