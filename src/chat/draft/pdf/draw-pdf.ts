/** Renders pages of a PDF as pictures. */
import type { PDFDocumentProxy } from 'pdfjs-dist';
import { withPdf } from './open.ts';

/** Pixels of a page's longer side: twice what Gemma 3 sees, so that small print survives. */
const LONG_SIDE = 1792;

/** @param onpage receives each page once it is rendered @throws what pdf.js throws, and the signal's reason */
export async function drawPages(
  file: Blob,
  numbers: readonly number[],
  signal: AbortSignal,
  onpage: (number: number, picture: Blob) => void,
): Promise<void> {
  await withPdf(file, signal, async (document) => {
    for (const number of numbers) {
      signal.throwIfAborted();
      onpage(number, await drawPage(document, number));
    }
  });
  signal.throwIfAborted();
}

async function drawPage(document: PDFDocumentProxy, number: number): Promise<Blob> {
  const page = await document.getPage(number);
  const { width, height } = page.getViewport({ scale: 1 });
  const viewport = page.getViewport({ scale: LONG_SIDE / Math.max(width, height) });
  const canvas = globalThis.document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(viewport.width));
  canvas.height = Math.max(1, Math.round(viewport.height));
  // With the intent "display" rendering waits for animation frames, which a background tab does not get.
  await page.render({ canvas, viewport, intent: 'print' }).promise;
  page.cleanup();
  const picture = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/jpeg', 0.92));
  // Safari frees the canvas's memory only when its size is 0.
  canvas.width = canvas.height = 0;
  if (!picture) throw new Error(`page ${number} could not be drawn`);
  return picture;
}
