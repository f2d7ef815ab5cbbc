/**
 * Conversations in this browser's IndexedDB: one record each, and one for each message (a question holds its files).
 * What belongs together is written together. A change of what is kept is a new version below, with its way from the one
 * before it and a test that opens the older database.
 */
import Dexie, { type Table } from 'dexie';
import type { WholeConversation } from './export/format.ts';
import type { ConversationRecord, MessageRecord } from './records.ts';
import { type Match, matchIn } from './search.ts';

export const DATABASE = 'fournil';

export class Database {
  private readonly dexie: Dexie;
  private readonly conversations: Table<ConversationRecord, string>;
  private readonly messages: Table<MessageRecord, string>;

  constructor(name = DATABASE) {
    this.dexie = new Dexie(name);
    this.dexie.version(1).stores({ conversations: 'id', messages: 'id, conversation' });
    // Conversations that come back from a file are looked for by when they began.
    this.dexie.version(2).stores({ conversations: 'id, created' });
    this.conversations = this.dexie.table('conversations');
    this.messages = this.dexie.table('messages');
  }

  /** All conversations, in no order. @throws where this browser keeps nothing */
  list(): Promise<ConversationRecord[]> {
    return this.conversations.toArray();
  }

  get(id: string): Promise<ConversationRecord | undefined> {
    return this.conversations.get(id);
  }

  messagesOf(id: string): Promise<MessageRecord[]> {
    return this.messages.where({ conversation: id }).toArray();
  }

  /** Keeps a conversation as it is now, with those of its messages that are new or changed and without those that went. */
  async keep(record: ConversationRecord, changed: readonly MessageRecord[], gone: readonly string[]): Promise<void> {
    await this.dexie.transaction('rw', this.conversations, this.messages, async () => {
      await this.conversations.put(record);
      await this.messages.bulkPut(changed);
      await this.messages.bulkDelete([...gone]);
    });
  }

  /** Changes some fields of a conversation that is kept. @returns whether it is */
  async change(id: string, fields: Partial<Omit<ConversationRecord, 'id'>>): Promise<boolean> {
    return (await this.conversations.where({ id }).modify((record) => void Object.assign(record, fields))) > 0;
  }

  /** All of them, or none. */
  async add(conversations: readonly WholeConversation[]): Promise<void> {
    await this.dexie.transaction('rw', this.conversations, this.messages, async () => {
      await this.conversations.bulkAdd(conversations.map(({ record }) => record));
      await this.messages.bulkAdd(conversations.flatMap(({ messages }) => messages));
    });
  }

  /** Ids of the conversations that were begun at this time. */
  begunAt(created: number): Promise<string[]> {
    return this.conversations.where({ created }).primaryKeys();
  }

  async remove(id: string): Promise<void> {
    await this.dexie.transaction('rw', this.conversations, this.messages, async () => {
      await this.conversations.delete(id);
      await this.messages.where({ conversation: id }).delete();
    });
  }

  async removeEverything(): Promise<void> {
    await this.dexie.transaction('rw', this.conversations, this.messages, async () => {
      await this.conversations.clear();
      await this.messages.clear();
    });
  }

  /** Messages that hold all words of the text; of each conversation the first one. */
  async search(text: string): Promise<Map<string, Match>> {
    const found = new Map<string, Match>();
    await this.messages.each((message) => {
      if (found.has(message.conversation)) return;
      const match = matchIn(message.text, text);
      if (match) found.set(message.conversation, { ...match, message: message.id });
    });
    return found;
  }

  /** Calls back with the list, now and whenever a tab has changed it. @returns how to end that */
  watch(onlist: (list: ConversationRecord[]) => void, onerror: (cause: unknown) => void): () => void {
    const subscription = Dexie.liveQuery(() => this.list()).subscribe(onlist, onerror);
    return () => subscription.unsubscribe();
  }

  close(): void {
    this.dexie.close();
  }
}
