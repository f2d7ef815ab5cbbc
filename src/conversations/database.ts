/**
 * Conversations in this browser's IndexedDB: one record each, one for each message (a question holds its files), and one
 * for each message that is being written and for each of its files.
 * What belongs together is written together. A change of what is kept is a new version below, with its way from the one
 * before it and a test that opens the older database.
 */
import Dexie, { type Table } from 'dexie';
import type {
  ConversationRecord,
  DraftFileRecord,
  DraftRecord,
  StoredDraft,
  MessageRecord,
  WholeConversation,
} from './records.ts';
import { type Match, matchIn } from './search.ts';

export const DATABASE = 'fournil';

export class Database {
  private readonly dexie: Dexie;
  private readonly conversations: Table<ConversationRecord, string>;
  private readonly messages: Table<MessageRecord, string>;
  private readonly drafts: Table<DraftRecord, string>;
  private readonly draftFiles: Table<DraftFileRecord, string>;

  constructor(name = DATABASE) {
    this.dexie = new Dexie(name);
    this.dexie.version(1).stores({ conversations: 'id', messages: 'id, conversation' });
    // Conversations that come back from a file are looked for by when they began.
    this.dexie.version(2).stores({ conversations: 'id, created' });
    this.dexie.version(3).stores({ drafts: 'conversation', draftFiles: 'id, conversation' });
    this.conversations = this.dexie.table('conversations');
    this.messages = this.dexie.table('messages');
    this.drafts = this.dexie.table('drafts');
    this.draftFiles = this.dexie.table('draftFiles');
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

  /** What is being written there; empty where nothing is. */
  async draftOf(conversation: string): Promise<StoredDraft> {
    const [draft, files] = await Promise.all([
      this.drafts.get(conversation),
      this.draftFiles.where({ conversation }).toArray(),
    ]);
    const inOrder = draft?.files.flatMap((id) => files.find((file) => file.id === id) ?? []);
    return { text: draft?.text ?? '', files: inOrder ?? [] };
  }

  /**
   * Keeps a conversation as it is now, with those of its messages that are new or changed and without those that went.
   * @param draft left out: it is what it was.
   */
  async put(
    record: ConversationRecord,
    changed: readonly MessageRecord[],
    gone: readonly string[],
    draft?: StoredDraft | null,
  ): Promise<void> {
    await this.dexie.transaction('rw', this.dexie.tables, async () => {
      await this.conversations.put(record);
      await this.messages.bulkPut(changed);
      await this.messages.bulkDelete([...gone]);
      if (draft !== undefined) await this.putDraft(record.id, draft);
    });
  }

  /**
   * Keeps a conversation in which nothing was said yet for its draft; without one it goes. Its title comes from there, too.
   * Where another tab has gone on with it, that stays.
   */
  async putWithoutMessages(record: ConversationRecord, draft: StoredDraft | null): Promise<void> {
    await this.dexie.transaction('rw', this.dexie.tables, async () => {
      const known = await this.conversations.get(record.id);
      if (known && known.leaf !== null) return;
      if (draft) await this.put(record, [], [], draft);
      else await this.remove(record.id);
    });
  }

  /** Of a conversation that is kept. */
  async putDraft(conversation: string, draft: StoredDraft | null): Promise<void> {
    const files = draft?.files ?? [];
    const ids = files.map(({ id }) => id);
    await this.dexie.transaction('rw', this.drafts, this.draftFiles, async () => {
      if (draft) await this.drafts.put({ conversation, text: draft.text, files: ids });
      else await this.drafts.delete(conversation);
      const kept = await this.draftFiles.where({ conversation }).primaryKeys();
      await this.draftFiles.bulkDelete(kept.filter((id) => !ids.includes(id)));
      // Once: not again with every word.
      const fresh = files.filter(({ id }) => !kept.includes(id));
      await this.draftFiles.bulkPut(fresh.map(({ id, name, blob }) => ({ id, conversation, name, blob })));
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
    await this.dexie.transaction('rw', this.dexie.tables, async () => {
      await this.conversations.delete(id);
      await this.messages.where({ conversation: id }).delete();
      await this.putDraft(id, null);
    });
  }

  async removeEverything(): Promise<void> {
    await this.dexie.transaction('rw', this.dexie.tables, async () => {
      for (const table of this.dexie.tables) await table.clear();
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
