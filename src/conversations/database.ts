/**
 * Conversations in IndexedDB: a record for each conversation, each message (a question holds its files), each draft,
 * and each file of a draft. Records that belong together are written in one transaction. A change of the schema is a
 * new version below, with an upgrade and a test that opens the older database.
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
    // The import looks conversations up by their creation time.
    this.dexie.version(2).stores({ conversations: 'id, created' });
    this.dexie.version(3).stores({ drafts: 'conversation', draftFiles: 'id, conversation' });
    this.conversations = this.dexie.table('conversations');
    this.messages = this.dexie.table('messages');
    this.drafts = this.dexie.table('drafts');
    this.draftFiles = this.dexie.table('draftFiles');
  }

  /** All conversations, unordered. @throws if the browser refuses storage */
  list(): Promise<ConversationRecord[]> {
    return this.conversations.toArray();
  }

  get(id: string): Promise<ConversationRecord | undefined> {
    return this.conversations.get(id);
  }

  messagesOf(id: string): Promise<MessageRecord[]> {
    return this.messages.where({ conversation: id }).toArray();
  }

  /** The draft of a conversation; empty if there is none. */
  async draftOf(conversation: string): Promise<StoredDraft> {
    const [draft, files] = await Promise.all([
      this.drafts.get(conversation),
      this.draftFiles.where({ conversation }).toArray(),
    ]);
    const inOrder = draft?.files.flatMap((id) => files.find((file) => file.id === id) ?? []);
    return { text: draft?.text ?? '', files: inOrder ?? [] };
  }

  /**
   * Stores a conversation with its new or changed messages, and deletes messages.
   * @param draft undefined leaves the stored draft unchanged; null deletes it
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
   * Stores a conversation without messages for its draft; without a draft it is deleted. If another tab has added
   * messages meanwhile, nothing is changed.
   */
  async putWithoutMessages(record: ConversationRecord, draft: StoredDraft | null): Promise<void> {
    await this.dexie.transaction('rw', this.dexie.tables, async () => {
      const known = await this.conversations.get(record.id);
      if (known && known.leaf !== null) return;
      if (draft) await this.put(record, [], [], draft);
      else await this.remove(record.id);
    });
  }

  /** Stores or deletes the draft of a stored conversation. */
  async putDraft(conversation: string, draft: StoredDraft | null): Promise<void> {
    const files = draft?.files ?? [];
    const ids = files.map(({ id }) => id);
    await this.dexie.transaction('rw', this.drafts, this.draftFiles, async () => {
      if (draft) await this.drafts.put({ conversation, text: draft.text, files: ids });
      else await this.drafts.delete(conversation);
      const stored = await this.draftFiles.where({ conversation }).primaryKeys();
      await this.draftFiles.bulkDelete(stored.filter((id) => !ids.includes(id)));
      // A file is written once, not with every change of the text.
      const fresh = files.filter(({ id }) => !stored.includes(id));
      await this.draftFiles.bulkPut(fresh.map(({ id, name, blob }) => ({ id, conversation, name, blob })));
    });
  }

  /** Changes fields of a stored conversation. @returns whether it exists */
  async change(id: string, fields: Partial<Omit<ConversationRecord, 'id'>>): Promise<boolean> {
    return (await this.conversations.where({ id }).modify((record) => void Object.assign(record, fields))) > 0;
  }

  /** Adds all conversations, or none if one fails. */
  async add(conversations: readonly WholeConversation[]): Promise<void> {
    await this.dexie.transaction('rw', this.conversations, this.messages, async () => {
      await this.conversations.bulkAdd(conversations.map(({ record }) => record));
      await this.messages.bulkAdd(conversations.flatMap(({ messages }) => messages));
    });
  }

  /** Ids of the conversations with this creation time. */
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

  /** For each conversation the first message that contains all words of the text. */
  async search(text: string): Promise<Map<string, Match>> {
    const found = new Map<string, Match>();
    await this.messages.each((message) => {
      if (found.has(message.conversation)) return;
      const match = matchIn(message.text, text);
      if (match) found.set(message.conversation, { ...match, message: message.id });
    });
    return found;
  }

  /** Calls back with the list now and whenever any tab changes it. @returns a function that stops it */
  watch(onlist: (list: ConversationRecord[]) => void, onerror: (cause: unknown) => void): () => void {
    const subscription = Dexie.liveQuery(() => this.list()).subscribe(onlist, onerror);
    return () => subscription.unsubscribe();
  }

  close(): void {
    this.dexie.close();
  }
}
