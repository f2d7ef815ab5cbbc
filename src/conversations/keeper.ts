/**
 * Writes a conversation's changes to the database, in their order and a few at a time. Nothing here rejects: what could
 * not be written is tried again with the next change, and told.
 */
import type { Database } from './database.ts';
import type { ConversationRecord, MessageRecord } from './records.ts';

/** What the keeper asks when it writes: how the conversation is by then. */
export interface Kept {
  toRecord(): ConversationRecord;
  /** Null where it is gone. */
  messageRecord(id: string): MessageRecord | null;
}

/** An answer that is being made is written as often, ms. */
const GROWING = 1000;

export class Keeper {
  private readonly changed = new Set<string>();
  private readonly gone = new Set<string>();
  private writing: Promise<void> = Promise.resolve();
  private asked = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private ended = false;

  /** @param told `null` once writing worked, else why it did not. */
  constructor(
    private readonly database: () => Promise<Database>,
    private readonly conversation: Kept,
    private readonly told: (failure: unknown) => void,
  ) {}

  /** The conversation, or these messages of it, are not what they were. */
  change(...messages: string[]): void {
    for (const id of messages) this.changed.add(id);
    this.write();
  }

  /** A message grows, and will for some time. */
  growing(message: string): void {
    this.changed.add(message);
    this.timer ??= setTimeout(() => this.write(), GROWING);
  }

  lose(messages: readonly string[]): void {
    for (const id of messages) {
      this.changed.delete(id);
      this.gone.add(id);
    }
    this.write();
  }

  /** Writes no more: the conversation was deleted. */
  end(): void {
    this.ended = true;
    clearTimeout(this.timer);
  }

  /** Resolves once all changes so far are written, or could not be. */
  async settled(): Promise<void> {
    if (this.timer !== undefined) this.write();
    await this.writing;
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
      const [changed, gone] = [[...this.changed], [...this.gone]];
      const records = changed.flatMap((id) => this.conversation.messageRecord(id) ?? []);
      this.changed.clear();
      this.gone.clear();
      try {
        await database.keep(this.conversation.toRecord(), records, gone);
      } catch (cause) {
        for (const id of changed) if (!this.gone.has(id)) this.changed.add(id);
        for (const id of gone) this.gone.add(id);
        throw cause;
      }
      this.told(null);
    } catch (cause) {
      this.asked = false;
      this.told(cause);
    }
  }
}
