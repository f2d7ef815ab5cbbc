/**
 * The format of exported conversations: JSON with a format name and a version, each conversation with its whole tree,
 * pictures and documents as base64. A field that is added or changed raises the version, and
 * `UPGRADES` (upgrade.ts) says how an older file becomes a newer one.
 */
import type { AnswerRecord, Attachment, ConversationRecord, QuestionRecord, WholeConversation } from '../records.ts';

export const FORMAT = 'fournil-conversations';
export const VERSION = 1;

export interface FileAttachment extends Omit<Attachment, 'blob'> {
  /** The MIME type. */
  type: string;
  base64: string;
}

export type FileMessage =
  | Omit<AnswerRecord, 'conversation'>
  | (Omit<QuestionRecord, 'conversation' | 'attachments'> & { attachments: FileAttachment[] });

export interface ConversationsFile {
  format: typeof FORMAT;
  version: number;
  /** Milliseconds since 1970. */
  exported: number;
  conversations: (ConversationRecord & { messages: FileMessage[] })[];
}

/** Why a file is refused as a whole. */
export const IMPORT_ERRORS = ['unreadable', 'unknown', 'newer', 'too-large', 'damaged', 'empty'] as const;
export type ImportErrorCode = (typeof IMPORT_ERRORS)[number];

export class ImportError extends Error {
  constructor(
    readonly code: ImportErrorCode,
    readonly detail = '',
  ) {
    super(detail ? `${code}: ${detail}` : code);
    this.name = 'ImportError';
  }
}

export type ImportSource = 'fournil' | 'llama.cpp' | 'chatgpt';

/** Kinds of content that an import leaves out because it is damaged, missing, or unknown to this app. */
export const LEFT_OUT = ['conversation', 'message', 'picture', 'file', 'tool', 'system', 'thought'] as const;
export type LeftOut = Partial<Record<(typeof LEFT_OUT)[number], number>>;

/** The content of a file, with new ids. */
export interface ImportedConversations {
  source: ImportSource;
  conversations: WholeConversation[];
  leftOut: LeftOut;
  /** Describes the fault of the first conversation that was left out. */
  damage: string;
}

export const emptyImport = (source: ImportSource): ImportedConversations => ({
  source,
  conversations: [],
  leftOut: {},
  damage: '',
});

export function countLeftOut(leftOut: LeftOut, what: (typeof LEFT_OUT)[number], times = 1): void {
  if (times > 0) leftOut[what] = (leftOut[what] ?? 0) + times;
}

/** Adds the counts of `other` to `leftOut`. */
export function addLeftOut(leftOut: LeftOut, other: LeftOut): void {
  for (const what of LEFT_OUT) countLeftOut(leftOut, what, other[what] ?? 0);
}
