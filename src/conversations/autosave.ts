/**
 * Writes a conversation's changes to the database, in their order and a few at a time. Nothing here rejects: what could
 * not be written is tried again with the next change, and told.
 */
import type { Database } from './database.ts';
import type { ConversationRecord, KeptDraft, MessageRecord } from './records.ts';

/** What the keeper asks when it writes: how the conversation is by then. */
export interface Kept {
  toRecord(): ConversationRecord;
  /** Null where it is gone. */
  messageRecord(id: string): MessageRecord | null;
  /** What is being written; null where nothing is. */
  keptDraft(): KeptDraft | null;
}

/** An answer that is being made is written as often, ms. */
const GROWING = 1000;
/** And a draft: whoever reloads the page loses no more. */
const DRAFTING = 300;

export class Keeper {
  private readonly changed = new Set<string>();
  private readonly gone = new Set<string>();
  /** The conversation itself is not what it was. */
  private touched = false;
  private drafted = false;
  private writing: Promise<void> = Promise.resolve();
  private asked = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private ended = false;
  private failed = false;

  /** @param told `null` once writing worked, else why it did not. */
  constructor(
    private readonly database: () => Promise<Database>,
    private readonly conversation: Kept,
    private readonly told: (failure: unknown) => void,
  ) {}

  /** The conversation, or these messages of it, are not what they were. */
  change(...messages: string[]): void {
    for (const id of messages) this.changed.add(id);
    this.touched = true;
    this.write();
  }

  /** A message grows, and will for some time. */
  growing(message: string): void {
    this.changed.add(message);
    this.touched = true;
    this.timer ??= setTimeout(() => this.write(), GROWING);
  }

  /** A message is being written, and will for some time. */
  drafting(): void {
    this.drafted = true;
    this.timer ??= setTimeout(() => this.write(), DRAFTING);
  }

  lose(messages: readonly string[]): void {
    for (const id of messages) {
      this.changed.delete(id);
      this.gone.add(id);
    }
    this.touched = true;
    this.write();
  }

  /** Writes no more: the conversation was deleted. */
  end(): void {
    this.ended = true;
    clearTimeout(this.timer);
    this.tell(null);
  }

  /** The last changes could not be written. */
  get unwritten(): boolean {
    return this.failed;
  }

  /** Resolves once all changes so far are written, or could not be. */
  async settled(): Promise<void> {
    if (this.timer !== undefined || this.failed) this.write();
    await this.writing;
  }

  private tell(failure: unknown): void {
    this.failed = failure !== null;
    this.told(failure);
  }

  private write(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.asked || this.ended) return;
    this.asked = true;
    this.writing = this.writing.then(() => this.writeNow());
  }

  private async writeNow(): Promise<void> {
    try {
      const database = await this.database();
      this.asked = false;
      if (this.ended) return;
      const [changed, gone, touched, drafted] = [[...this.changed], [...this.gone], this.touched, this.drafted];
      this.changed.clear();
      this.gone.clear();
      this.touched = this.drafted = false;
      try {
        await this.writeTo(database, changed, gone, { touched, drafted });
      } catch (cause) {
        for (const id of changed) if (!this.gone.has(id)) this.changed.add(id);
        for (const id of gone) this.gone.add(id);
        this.touched ||= touched;
        this.drafted ||= drafted;
        throw cause;
      }
      this.tell(null);
    } catch (cause) {
      this.asked = false;
      if (!this.ended) this.tell(cause);
    }
  }

  private async writeTo(
    database: Database,
    changed: readonly string[],
    gone: readonly string[],
    { touched, drafted }: { touched: boolean; drafted: boolean },
  ): Promise<void> {
    const record = this.conversation.toRecord();
    const draft = this.conversation.keptDraft();
    if (record.leaf === null && gone.length === 0) return database.keepBegun(record, draft);
    if (!touched) return database.keepDraft(record.id, draft);
    const records = changed.flatMap((id) => this.conversation.messageRecord(id) ?? []);
    await database.keep(record, records, gone, drafted ? draft : undefined);
  }
}
