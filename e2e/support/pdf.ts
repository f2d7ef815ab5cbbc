/** @file Writes small PDFs. Each page has lines of text, or a red square and no text. */

export type PdfPage = { lines: string[] } | 'square';

const encode = (text: string) => Buffer.from(text, 'latin1');

const escape = (line: string) => line.replace(/[\\()]/g, (character) => `\\${character}`);

function contentOf(page: PdfPage): string {
  if (page === 'square') return '1 0 0 rg 100 300 400 400 re f';
  return `BT /F1 24 Tf 28 TL 72 720 Td ${page.lines.map((line) => `(${escape(line)}) Tj T*`).join(' ')} ET`;
}

/** @param options entries of the catalog and trailer dictionaries */
export function makePdf(pages: readonly PdfPage[], { catalog = '', trailer = '' } = {}): Buffer {
  const kids = pages.map((_, i) => `${4 + 2 * i} 0 R`).join(' ');
  const objects = [
    `<< /Type /Catalog /Pages 2 0 R ${catalog} >>`,
    `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
    ...pages.flatMap((page, i) => {
      const content = contentOf(page);
      return [
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents ${5 + 2 * i} 0 R >>`,
        `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
      ];
    }),
  ];
  let body = '%PDF-1.7\n';
  const offsets = objects.map((object, i) => {
    const offset = body.length;
    body += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const table = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const size = objects.length + 1;
  return encode(
    `${body}xref\n0 ${size}\n0000000000 65535 f \n${table}trailer\n<< /Size ${size} /Root 1 0 R ${trailer} >>\nstartxref\n${body.length}\n%%EOF\n`,
  );
}

/** @returns a PDF that asks for a password that nobody knows. */
export const encryptedPdf = (): Buffer => {
  const key = 'ab'.repeat(32);
  const trailer = `/ID [<${'0'.repeat(32)}> <${'0'.repeat(32)}>] /Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -44 /O <${key}> /U <${key}> >>`;
  return makePdf([{ lines: ['secret'] }], { trailer });
};
