/**
 * Writes a conversation's changes to the database, in the order in which they happened. Nothing here rejects: a write
 * that fails is reported, and its changes are written again with the next one.
 */
import type { Database } from './database.ts';
import type { ConversationRecord, MessageRecord, StoredDraft } from './records.ts';

/** The conversation that is saved. It is asked at the moment of writing, so the newest state is written. */
export interface AutosaveSource {
  toRecord(): ConversationRecord;
  /** Null if the message was deleted. */
  messageRecord(id: string): MessageRecord | null;
  /** The message that is being written; null if it is empty. */
  storedDraft(): StoredDraft | null;
}

/** While an answer streams, it is written at this interval. */
const ANSWER_INTERVAL_MS = 1000;
/** While a draft is typed, it is written at this interval: a reload loses no more than that. */
const DRAFT_INTERVAL_MS = 300;

/** The changes that a write takes along. */
interface Changes {
  messages: Set<string>;
  deleted: Set<string>;
  record: boolean;
  draft: boolean;
}

const noChanges = (): Changes => ({ messages: new Set(), deleted: new Set(), record: false, draft: false });

export class Autosave {
  private unsaved = noChanges();
  private writing: Promise<void> = Promise.resolve();
  private scheduled = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stopped = false;
  private failed = false;

  /** @param onResult is called after each write: with null if it succeeded, else with the failure. */
  constructor(
    private readonly database: () => Promise<Database>,
    private readonly conversation: AutosaveSource,
    private readonly onResult: (failure: unknown) => void,
  ) {}

  /** The conversation itself changed, and so did these messages of it. */
  save(...messages: string[]): void {
    for (const id of messages) this.unsaved.messages.add(id);
    this.unsaved.record = true;
    this.write();
  }

  /** A message is streaming and will change again soon. */
  saveAnswerSoon(message: string): void {
    this.unsaved.messages.add(message);
    this.unsaved.record = true;
    this.writeWithin(ANSWER_INTERVAL_MS);
  }

  /** The draft is being typed and will change again soon. */
  saveDraftSoon(): void {
    this.unsaved.draft = true;
    this.writeWithin(DRAFT_INTERVAL_MS);
  }

  delete(messages: readonly string[]): void {
    for (const id of messages) {
      this.unsaved.messages.delete(id);
      this.unsaved.deleted.add(id);
    }
    this.unsaved.record = true;
    this.write();
  }

  /** Writes no more, because the conversation was deleted. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.report(null);
  }

  /** The last write failed, so its changes are in memory only. */
  get hasUnsavedChanges(): boolean {
    return this.failed;
  }

  /** Resolves once all changes so far are written, or writing them failed. Changes of a failed write are tried again. */
  async settled(): Promise<void> {
    if (this.timer !== undefined || this.failed) this.write();
    await this.writing;
  }

  private report(failure: unknown): void {
    this.failed = failure !== null;
    this.onResult(failure);
  }

  private writeWithin(ms: number): void {
    this.timer ??= setTimeout(() => this.write(), ms);
  }

  private write(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.scheduled || this.stopped) return;
    this.scheduled = true;
    this.writing = this.writing.then(() => this.writeNow());
  }

  private async writeNow(): Promise<void> {
    try {
      const database = await this.database();
      this.scheduled = false;
      if (this.stopped) return;
      const changes = this.unsaved;
      this.unsaved = noChanges();
      try {
        await this.writeTo(database, changes);
      } catch (cause) {
        this.restore(changes);
        throw cause;
      }
      this.report(null);
    } catch (cause) {
      this.scheduled = false;
      if (!this.stopped) this.report(cause);
    }
  }

  /** Puts the changes of a failed write back. A message that was deleted meanwhile stays deleted. */
  private restore({ messages, deleted, record, draft }: Changes): void {
    for (const id of messages) if (!this.unsaved.deleted.has(id)) this.unsaved.messages.add(id);
    for (const id of deleted) this.unsaved.deleted.add(id);
    this.unsaved.record ||= record;
    this.unsaved.draft ||= draft;
  }

  private async writeTo(database: Database, changes: Changes): Promise<void> {
    const record = this.conversation.toRecord();
    const draft = this.conversation.storedDraft();
    const deleted = [...changes.deleted];
    if (record.leaf === null && deleted.length === 0) return database.putWithoutMessages(record, draft);
    if (!changes.record) return database.putDraft(record.id, draft);
    const messages = [...changes.messages].flatMap((id) => this.conversation.messageRecord(id) ?? []);
    await database.put(record, messages, deleted, changes.draft ? draft : undefined);
  }
}
