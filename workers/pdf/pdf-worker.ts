/** @file The worker in which pdf.js reads files. Importing its script starts it. */
import 'pdfjs-dist/build/pdf.worker.min.mjs';
