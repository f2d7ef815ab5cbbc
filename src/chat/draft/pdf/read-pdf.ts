/** Reads the text of a PDF, page by page. */
import type { TextItem, TextMarkedContent } from 'pdfjs-dist/types/src/display/api';
import { withPdf } from './open.ts';

/** `pages` holds the text of each page. */
export type PdfOutcome = { pages: string[] } | { refused: PdfRefusal };
export type PdfRefusal = 'encrypted' | 'broken';

/** @throws only the signal's reason; any other failure is an outcome */
export async function openPdf(file: Blob, signal: AbortSignal): Promise<PdfOutcome> {
  try {
    return await withPdf(file, signal, async (document) => {
      const pages: string[] = [];
      for (let number = 1; number <= document.numPages; number++) {
        signal.throwIfAborted();
        const page = await document.getPage(number);
        const { items } = await page.getTextContent();
        pages.push(asText(items));
        page.cleanup();
      }
      return { pages };
    });
  } catch (cause) {
    signal.throwIfAborted();
    return { refused: cause instanceof Error && cause.name === 'PasswordException' ? 'encrypted' : 'broken' };
  }
}

/** pdf.js has found the words and the line ends already. */
function asText(items: readonly (TextItem | TextMarkedContent)[]): string {
  const text = items.map((item) => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : '')).join('');
  // A font without a character map yields NUL characters.
  return text
    .replaceAll('\0', '')
    .replace(/[ \t]+\n/g, '\n')
    .trim();
}
