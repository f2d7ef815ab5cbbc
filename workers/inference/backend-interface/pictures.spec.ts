import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunkEnds, pictureMasks } from './pictures.ts';

describe('pictureMasks', () => {
  it('lets a picture see itself both ways, the past causally, and the window on sliding layers', () => {
    const rows = pictureMasks([{ start: 3, length: 2 }], 2, 6, 2);
    expect(rows.positions).toEqual([3, 4]);
    const seen = (mask: Float32Array) =>
      [0, 1].map((row) => Array.from(mask.subarray(row * 6, row * 6 + 6), (x) => (x === 0 ? 1 : 0)).join(''));
    expect(seen(rows.maskGlobal)).toEqual(['111110', '111110']);
    expect(seen(rows.maskLocal)).toEqual(['001110', '000110']);
  });

  it('keeps a picture longer than the window inside the window on sliding layers', () => {
    const rows = pictureMasks([{ start: 0, length: 4 }], 3, 5, 2);
    expect(Array.from(rows.maskLocal, (x) => (x === 0 ? 1 : 0))).toEqual([0, 0, 1, 1, 0]);
    expect(Array.from(rows.maskGlobal, (x) => (x === 0 ? 1 : 0))).toEqual([1, 1, 1, 1, 0]);
  });

  it('has no rows where there is no picture', () => {
    expect(pictureMasks([{ start: 3, length: 2 }], 5, 9, 4).positions).toEqual([]);
  });
});

describe('chunkEnds', () => {
  it('covers everything in order and never cuts through a picture', () => {
    const prompts = fc.record({
      gaps: fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 20 })), { maxLength: 5 }),
      tail: fc.integer({ min: 1, max: 50 }),
      size: fc.integer({ min: 1, max: 32 }),
    });
    fc.assert(
      fc.property(prompts, ({ gaps, tail, size }) => {
        const spans = [];
        let at = 0;
        for (const [gap, length] of gaps) {
          spans.push({ start: at + gap, length });
          at += gap + length;
        }
        const end = at + tail;
        const ends = chunkEnds(0, end, size, spans);
        expect(ends.at(-1)).toBe(end);
        let start = 0;
        for (const cut of ends) {
          expect(cut).toBeGreaterThan(start);
          for (const span of spans) expect(cut <= span.start || cut >= span.start + span.length).toBe(true);
          if (cut - start > size) expect(spans).toContainEqual({ start, length: cut - start });
          start = cut;
        }
      }),
    );
  });
});
