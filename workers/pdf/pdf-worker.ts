/** pdf.js reads files here; it listens by itself. */
import 'pdfjs-dist/build/pdf.worker.min.mjs';
