/**
 * pdf.js, set up for this page: its worker, fonts and decoders come from our origin, nothing is compiled from strings,
 * and forms, scripts and links in a file do nothing.
 */
import { getDocument, type PDFDocumentProxy, PDFWorker } from 'pdfjs-dist';

const assets = import.meta.glob<string>(
  [
    '/node_modules/pdfjs-dist/standard_fonts/*.{pfb,ttf}',
    '/node_modules/pdfjs-dist/cmaps/*.bcmap',
    '/node_modules/pdfjs-dist/wasm/*.wasm',
  ],
  { query: '?url', import: 'default', eager: true },
);
const byName = new Map(Object.entries(assets).map(([path, url]) => [path.replace(/^.*\//, ''), url]));

async function fetchAsset(name: string): Promise<Uint8Array> {
  const url = byName.get(name);
  const response = url === undefined ? null : await fetch(url);
  if (!response?.ok) throw new Error(`pdf.js wants ${name}, which is not there`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Files that pdf.js requests by name: standard fonts, and decoders of scanned pages. */
class Assets {
  fetch({ filename }: { filename: string }): Promise<Uint8Array> {
    return fetchAsset(filename);
  }
}

/** Character maps of East Asian encodings. */
class CharacterMaps {
  async fetch({ name }: { name: string }): Promise<{ cMapData: Uint8Array; isCompressed: boolean }> {
    return { cMapData: await fetchAsset(`${name}.bcmap`), isCompressed: true };
  }
}

/** Opens a file for as long as `use` runs. @throws what pdf.js throws, and the signal's reason */
export async function withPdf<T>(
  file: Blob,
  signal: AbortSignal,
  use: (document: PDFDocumentProxy) => Promise<T>,
): Promise<T> {
  const port = new Worker(new URL('../../../../workers/pdf/pdf-worker.ts', import.meta.url), {
    type: 'module',
    name: 'pdf',
  });
  const worker = PDFWorker.create({ port, verbosity: 0 });
  const task = getDocument({
    data: new Uint8Array(await file.arrayBuffer()),
    worker,
    verbosity: 0,
    isEvalSupported: false,
    enableXfa: false,
    useWorkerFetch: false,
    WasmFactory: Assets,
    StandardFontDataFactory: Assets,
    CMapReaderFactory: CharacterMaps,
  });
  const stop = () => void task.destroy();
  signal.addEventListener('abort', stop);
  try {
    signal.throwIfAborted();
    // pdf.js would wait forever for a worker that does not start.
    const failed = new Promise<never>((_, reject) => {
      port.onerror = (event) => reject(new Error(event.message || 'the PDF worker did not start'));
    });
    return await Promise.race([task.promise.then(use), failed]);
  } finally {
    signal.removeEventListener('abort', stop);
    await task.destroy();
    worker.destroy();
    port.terminate();
  }
}
