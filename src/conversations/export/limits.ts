/** What a file may hold at most: far more than a person has, far less than what would hurt. */
import { MAX_PICTURE_MB } from '../../../protocol/engine.ts';
import { MAX_PDF_MB } from '../records.ts';

export const IMPORT_LIMITS = {
  /** Bytes of JSON, base64 not counted. */
  json: 400e6,
  /** Bytes that are unpacked from an archive. */
  unpacked: 4e9,
  archiveFiles: 100_000,
  conversations: 20_000,
  messages: 20_000,
  attachments: 100,
  title: 1000,
  name: 1000,
  /** A PDF of the largest kind may hold so much. */
  text: 64e6,
  picture: MAX_PICTURE_MB * 1e6,
  document: MAX_PDF_MB * 1e6,
} as const;
