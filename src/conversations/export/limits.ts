/** Limits of an imported file: far above real data, far below what would exhaust memory. */
import { MAX_PICTURE_MB } from '../../../protocol/engine.ts';
import { MAX_PDF_MB } from '../records.ts';

export const IMPORT_LIMITS = {
  /** Bytes of JSON without base64. */
  json: 400e6,
  /** Bytes unpacked from an archive. */
  unpacked: 4e9,
  archiveFiles: 100_000,
  conversations: 20_000,
  messages: 20_000,
  attachments: 100,
  title: 1000,
  name: 1000,
  /** The text of the largest PDFs fits. */
  text: 64e6,
  picture: MAX_PICTURE_MB * 1e6,
  document: MAX_PDF_MB * 1e6,
} as const;
