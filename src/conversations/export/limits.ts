/** What a file may hold at most: far more than a person has, far less than what would hurt. */
import { MAX_PICTURE_MB } from '../../../protocol/engine.ts';

export const LIMITS = {
  /** Bytes of JSON, base64 not counted. */
  json: 128e6,
  /** Bytes that are unpacked from an archive. */
  unpacked: 4e9,
  archiveFiles: 100_000,
  conversations: 20_000,
  messages: 20_000,
  attachments: 100,
  title: 1000,
  name: 1000,
  text: 4e6,
  picture: MAX_PICTURE_MB * 1e6,
  document: 100e6,
} as const;
