/**
 * What is kept of conversations: in this browser's IndexedDB (`database.ts`), and in files that a person saves
 * (`export/`). A conversation is a tree: each message knows the one it answers or follows, and siblings are other tries
 * at the same place (a question put differently, an answer made again).
 */
import type { EngineErrorCode, Finish, Sampling } from '../../protocol/engine.ts';

/** How a conversation is answered. What is left out is the model's own. */
export interface ConversationSettings {
  /** The stored model's key and id (`Choice` in models/model.svelte.ts); null: the built-in one; left out: whichever is open. */
  model?: { key: string; id: string } | null;
  /** Empty: none. */
  system: string;
  sampling: Partial<Sampling>;
  maxNewTokens?: number;
}

/** What the model is told of a conversation that is too long for it. */
export interface Memory {
  /** The first message that the model still sees. Left out, or on another branch: it sees all. */
  from?: string;
  /** What was said before the first message, in short: told after the system prompt. */
  summary?: string;
  /** What is done when the context is full; left out: the person is asked. */
  whenFull?: 'leaveOut' | 'sumUp';
}

export interface ConversationRecord {
  /** A UUID. */
  id: string;
  title: string;
  /** A person gave the title; else it comes from the first message. */
  named: boolean;
  pinned: boolean;
  /** Milliseconds since 1970. */
  created: number;
  updated: number;
  /** Named `setup` in stored records and saved files since their first version. */
  setup: ConversationSettings;
  /** Left out: none. */
  memory?: Memory;
  /** The last message of the branch that is read; null where nothing was said yet: then something is being written. */
  leaf: string | null;
}

/** PDFs that are larger are refused, also in imported files. */
export const MAX_PDF_MB = 200;

/** A file that a person gave with a message. */
export interface Attachment {
  /** A UUID. */
  id: string;
  kind: 'picture' | 'document';
  name: string;
  blob: Blob;
  /** What the model reads of a document. */
  text?: string;
}

interface MessageBase {
  /** A UUID. */
  id: string;
  conversation: string;
  /** The message before this one; null for the first. */
  parent: string | null;
  created: number;
  text: string;
}

export interface QuestionRecord extends MessageBase {
  role: 'user';
  attachments: Attachment[];
}

export interface AnswerRecord extends MessageBase {
  role: 'assistant';
  /** The model's name, as it was shown. */
  model: string;
  /** Null while it is made, where it failed, or where the tab was closed meanwhile. */
  finish: Finish | null;
  error: { code: EngineErrorCode; detail: string } | null;
}

/** A message that is being written. */
export interface DraftRecord {
  conversation: string;
  text: string;
  /** Ids, in their order. */
  files: readonly string[];
}

/** A file of it, as it was given: it is read again when the conversation is opened. */
export interface DraftFileRecord {
  /** A UUID. */
  id: string;
  conversation: string;
  name: string;
  blob: Blob;
}

/** Both together. */
export interface StoredDraft {
  text: string;
  files: readonly Omit<DraftFileRecord, 'conversation'>[];
}

export type MessageRecord = QuestionRecord | AnswerRecord;

/** A conversation with all its branches. */
export interface WholeConversation {
  record: ConversationRecord;
  messages: MessageRecord[];
}
