/**
 * The records of conversations, in IndexedDB (`database.ts`) and in exported files (`export/`). A conversation is a
 * tree: each message names its parent, and siblings are versions of the same message (an edited question, a regenerated
 * answer).
 */
import type { EngineErrorCode, Finish } from '../../protocol/engine.ts';
import type { Sampling } from '../../protocol/sampling.ts';

/** Settings of a conversation. A setting that is left out has the model's default. */
export interface ConversationSettings {
  /**
   * A stored model (`Choice` in models/model.svelte.ts), null for the built-in one; if left out, the model that is
   * loaded.
   */
  model?: { key: string; id: string } | null;
  /** Empty if there is no system prompt. */
  system: string;
  sampling: Partial<Sampling>;
  maxNewTokens?: number;
}

/** Which part of a conversation goes into the prompt when it is too long. */
export interface Memory {
  /** The first message in the prompt. If it is left out or on another branch, all messages are. */
  from?: string;
  /** Summary of a previous conversation; it follows the system prompt. */
  summary?: string;
  /** What happens when the context is full; by default the person is asked. */
  whenFull?: 'leaveOut' | 'sumUp';
}

export interface ConversationRecord {
  /** A UUID. */
  id: string;
  title: string;
  /** A person gave the title; otherwise it is made from the first message. */
  named: boolean;
  pinned: boolean;
  /** Milliseconds since 1970. */
  created: number;
  updated: number;
  /** Named `setup` in stored records and saved files since their first version. */
  setup: ConversationSettings;
  /** Left out if nothing is trimmed and there is no summary. */
  memory?: Memory;
  /** The last message of the shown branch; null if there are no messages, only a draft. */
  leaf: string | null;
}

/** PDFs that are larger are refused, also in imported files. */
export const MAX_PDF_MB = 200;

/** A file that a person attached to a message. */
export interface Attachment {
  /** A UUID. */
  id: string;
  kind: 'picture' | 'document';
  name: string;
  blob: Blob;
  /** The text of a document, which the model reads. */
  text?: string;
}

interface MessageBase {
  /** A UUID. */
  id: string;
  conversation: string;
  /** The previous message; null for a first one. */
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
  /** The model's display name. */
  model: string;
  /** Null while the answer is made, if it failed, or if the tab was closed meanwhile. */
  finish: Finish | null;
  error: { code: EngineErrorCode; detail: string } | null;
}

/** The draft of a conversation. */
export interface DraftRecord {
  conversation: string;
  text: string;
  /** Ids of its files, in order. */
  files: readonly string[];
}

/** A file of a draft, unprocessed: it is read again when the conversation is opened. */
export interface DraftFileRecord {
  /** A UUID. */
  id: string;
  conversation: string;
  name: string;
  blob: Blob;
}

/** A draft with its files. */
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
