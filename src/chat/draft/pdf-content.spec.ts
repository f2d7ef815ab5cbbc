import { beforeEach, describe, expect, it, vi } from 'vitest';
import { PdfContent } from './pdf-content.svelte.ts';
import type { drawPages } from './pdf/draw-pdf.ts';

const draw = vi.hoisted(() => vi.fn<typeof drawPages>());
vi.mock('./pdf/draw-pdf.ts', () => ({ drawPages: draw }));

const file = new File(['%PDF-'], 'report.pdf', { type: 'application/pdf' });
const pdf = (pages: number, text = (number: number) => `Page ${number}`) =>
  new PdfContent(
    file,
    Array.from({ length: pages }, (_, i) => text(i + 1)),
  );
const names = ({ attachments }: PdfContent) => attachments?.map(({ kind, name }) => `${kind}: ${name}`);

beforeEach(() => {
  draw.mockReset();
  draw.mockImplementation((_, numbers, __, onpage) => {
    for (const number of numbers) onpage(number, new Blob([String(number)]));
    return Promise.resolve();
  });
});

describe('PdfContent', () => {
  it('is its text, with what separates pages between them', () => {
    expect(pdf(2).attachments).toMatchObject([{ kind: 'document', name: 'report.pdf', text: 'Page 1\n\nPage 2' }]);
  });

  it('is of the pages that are chosen, and brings wrong numbers to the nearest', async () => {
    const content = pdf(9);
    await content.choosePages(3, 4);
    expect(content.attachments).toMatchObject([{ name: 'report.pdf, p. 3–4', text: 'Page 3\n\nPage 4' }]);
    for (const [from, to, pages] of [
      [0, 99, [1, 9]],
      [7, 2, [7, 7]],
      [NaN, NaN, [1, 1]],
      [2.4, 3.6, [2, 4]],
    ] as const) {
      await content.choosePages(from, to);
      expect([content.from, content.to]).toEqual(pages);
    }
  });

  it('draws the first pages when they are wanted as pictures, and each but once', async () => {
    const content = pdf(20);
    await content.choose('pictures');
    expect(names(content)).toHaveLength(8);
    await content.choosePages(2, 9);
    expect(names(content)?.at(-1)).toBe('picture: report.pdf, p. 9');
    expect(draw.mock.calls.map(([, numbers]) => numbers)).toEqual([[1, 2, 3, 4, 5, 6, 7, 8], [9]]);
    await content.choose('text');
    expect(names(content)).toEqual(['document: report.pdf, p. 2–9']);
  });

  it('goes as pictures where there is no text, and is not ready before they are drawn', async () => {
    let finish = (): void => undefined;
    draw.mockImplementation((_, __, ___, onpage) => {
      onpage(1, new Blob());
      return new Promise((resolve) => {
        finish = () => {
          onpage(2, new Blob());
          resolve();
        };
      });
    });
    const content = pdf(2, () => '');
    expect(content.scanned).toBe(true);
    await expect.poll(() => content.drawnCount).toBe(1);
    expect(content.attachments).toBeNull();
    finish();
    expect(names(content)).toEqual(['picture: report.pdf, p. 1', 'picture: report.pdf, p. 2']);
  });

  it('says that pages could not be drawn, and can go as text', async () => {
    draw.mockRejectedValue(new Error('no'));
    const content = pdf(2);
    await content.choose('pictures');
    expect(content).toMatchObject({ failed: true, attachments: null });
    await content.choose('text');
    expect(content.failed).toBe(false);
    expect(names(content)).toEqual(['document: report.pdf']);
  });

  it('counts chosen pages that have no text', async () => {
    const content = pdf(4, (number) => (number % 2 ? '' : 'even'));
    expect(content.textless).toBe(2);
    await content.choosePages(2, 2);
    expect(content.textless).toBe(0);
  });
});
