/**
 * Writes a conversation's changes to the database, in their order and a few at a time. Nothing here rejects: what could
 * not be written is tried again with the next change, and told.
 */
import type { Database } from './database.ts';
import type { ConversationRecord, StoredDraft, MessageRecord } from './records.ts';

/** What the autosave asks when it writes: how the conversation is by then. */
export interface AutosaveSource {
  toRecord(): ConversationRecord;
  /** Null where it is deleted. */
  messageRecord(id: string): MessageRecord | null;
  /** What is being written; null where nothing is. */
  storedDraft(): StoredDraft | null;
}

/** An answer that is being made is written as often, ms. */
const ANSWER_INTERVAL_MS = 1000;
/** And a draft: whoever reloads the page loses no more. */
const DRAFT_INTERVAL_MS = 300;

export class Autosave {
  private readonly changed = new Set<string>();
  private readonly deleted = new Set<string>();
  /** The conversation itself is not what it was. */
  private recordChanged = false;
  private draftChanged = false;
  private writing: Promise<void> = Promise.resolve();
  private scheduled = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stopped = false;
  private failed = false;

  /** @param onResult `null` once writing worked, else why it did not. */
  constructor(
    private readonly database: () => Promise<Database>,
    private readonly conversation: AutosaveSource,
    private readonly onResult: (failure: unknown) => void,
  ) {}

  /** The conversation, or these messages of it, are not what they were. */
  save(...messages: string[]): void {
    for (const id of messages) this.changed.add(id);
    this.recordChanged = true;
    this.write();
  }

  /** A message grows, and will for some time. */
  saveAnswerSoon(message: string): void {
    this.changed.add(message);
    this.recordChanged = true;
    this.timer ??= setTimeout(() => this.write(), ANSWER_INTERVAL_MS);
  }

  /** A message is being written, and will for some time. */
  saveDraftSoon(): void {
    this.draftChanged = true;
    this.timer ??= setTimeout(() => this.write(), DRAFT_INTERVAL_MS);
  }

  delete(messages: readonly string[]): void {
    for (const id of messages) {
      this.changed.delete(id);
      this.deleted.add(id);
    }
    this.recordChanged = true;
    this.write();
  }

  /** Writes no more: the conversation was deleted. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.report(null);
  }

  /** The last changes could not be written. */
  get hasUnsavedChanges(): boolean {
    return this.failed;
  }

  /** Resolves once all changes so far are written, or could not be. */
  async settled(): Promise<void> {
    if (this.timer !== undefined || this.failed) this.write();
    await this.writing;
  }

  private report(failure: unknown): void {
    this.failed = failure !== null;
    this.onResult(failure);
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
      const [changed, deleted, recordChanged, draftChanged] = [
        [...this.changed],
        [...this.deleted],
        this.recordChanged,
        this.draftChanged,
      ];
      this.changed.clear();
      this.deleted.clear();
      this.recordChanged = this.draftChanged = false;
      try {
        await this.writeTo(database, changed, deleted, { recordChanged, draftChanged });
      } catch (cause) {
        for (const id of changed) if (!this.deleted.has(id)) this.changed.add(id);
        for (const id of deleted) this.deleted.add(id);
        this.recordChanged ||= recordChanged;
        this.draftChanged ||= draftChanged;
        throw cause;
      }
      this.report(null);
    } catch (cause) {
      this.scheduled = false;
      if (!this.stopped) this.report(cause);
    }
  }

  private async writeTo(
    database: Database,
    changed: readonly string[],
    deleted: readonly string[],
    { recordChanged, draftChanged }: { recordChanged: boolean; draftChanged: boolean },
  ): Promise<void> {
    const record = this.conversation.toRecord();
    const draft = this.conversation.storedDraft();
    if (record.leaf === null && deleted.length === 0) return database.putWithoutMessages(record, draft);
    if (!recordChanged) return database.putDraft(record.id, draft);
    const records = changed.flatMap((id) => this.conversation.messageRecord(id) ?? []);
    await database.put(record, records, deleted, draftChanged ? draft : undefined);
  }
}
