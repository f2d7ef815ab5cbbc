/** Reads a file that a person adds. A file that cannot be used is refused with a reason. */
import { MAX_PDF_MB } from '../../conversations/records.ts';
import { decodeText } from './decode-text.ts';
import { PdfContent } from './pdf-content.svelte.ts';
import { checkPicture, isPicture } from './read-picture.ts';
import { Refused } from './refusal.ts';

export type FileContent = { readonly kind: 'picture' } | { readonly kind: 'text'; readonly text: string } | PdfContent;

/** Larger texts exceed the context of every model here. */
const MAX_TEXT_MB = 5;

const isPdf = ({ name, type }: File) => type === 'application/pdf' || /\.pdf$/i.test(name);

/** Office formats are refused with a hint, since people expect them to work. */
const OFFICE = /\.(docx?|xlsx?|pptx?|od[tsp]|rtf|pages|numbers|key|epub)$/i;

/** @throws Refused */
export async function readFile(file: File, signal: AbortSignal): Promise<FileContent> {
  if (isPicture(file)) {
    await checkPicture(file);
    return { kind: 'picture' };
  }
  return isPdf(file) ? readPdf(file, signal) : { kind: 'text', text: await readText(file) };
}

async function readPdf(file: File, signal: AbortSignal): Promise<PdfContent> {
  checkSize(file, MAX_PDF_MB);
  const { name } = file;
  // pdf.js is large and seldom needed, so it is loaded with the first PDF.
  const { openPdf } = await import('./pdf/read-pdf.ts').catch(() => {
    throw new Refused({ key: 'composer.pdfReaderMissing', name });
  });
  const outcome = await openPdf(file, signal);
  if ('refused' in outcome) throw new Refused({ key: `composer.pdf.${outcome.refused}`, name });
  return new PdfContent(file, outcome.pages);
}

async function readText(file: File): Promise<string> {
  const { name } = file;
  if (OFFICE.test(name)) throw new Refused({ key: 'composer.officeFile', name });
  checkSize(file, MAX_TEXT_MB);
  const bytes = await file.arrayBuffer().catch(() => {
    throw new Refused({ key: 'composer.unreadable', name });
  });
  const text = decodeText(new Uint8Array(bytes));
  if (text === null) throw new Refused({ key: 'composer.notText', name });
  if (text.trim() === '') throw new Refused({ key: 'composer.emptyFile', name });
  return text;
}

function checkSize({ name, size }: File, limit: number): void {
  if (size > limit * 1e6) throw new Refused({ key: 'composer.documentTooLarge', name, limit });
}
