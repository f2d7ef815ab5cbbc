/**
 * All conversations: those that are kept, and those that are open on this page (private ones are nowhere else). Several
 * may be open at once, each with its draft and its answer being made; one is shown.
 */
import { SvelteMap } from 'svelte/reactivity';
import {
  type NewConversation,
  Conversation,
  type AutosaveFactory,
  type StoredConversation,
} from '../chat/conversation/conversation.svelte.ts';
import type { ModelStore } from '../models/model.svelte.ts';
import type { Database } from '../conversations/database.ts';
import { type AutosaveSource, Autosave } from '../conversations/autosave.ts';
import type { ConversationRecord, WholeConversation } from '../conversations/records.ts';
import { holds, type Match, matchIn } from '../conversations/search.ts';

/** A conversation in the list. */
export interface ListEntry {
  id: string;
  /** Empty: it has none yet. */
  title: string;
  pinned: boolean;
  private: boolean;
  updated: number;
  /** An answer is being made in it. */
  busy: boolean;
}

export interface SearchResult {
  entry: ListEntry;
  /** Where in a message; null where it is the title that fits. */
  match: Match | null;
}

const openDatabase = (): Promise<Database> =>
  import('../conversations/database.ts').then(({ Database }) => new Database());

export class Conversations {
  /** What is on the page. */
  current = $state.raw<Conversation>() as Conversation;
  /** By conversation, or of the database at large: one that is kept says nothing of another one that is not. */
  private readonly failures = new SvelteMap<AutosaveSource | 'database', unknown>();
  private stored = $state.raw<readonly ConversationRecord[]>([]);
  private opened = $state.raw<readonly Conversation[]>([]);
  private opening: Promise<Database> | null = null;
  /** Counts what was shown, so that the last request wins. */
  private requests = 0;

  constructor(
    private readonly models: ModelStore,
    private readonly connect: () => Promise<Database> = openDatabase,
  ) {
    this.startNew();
  }

  /** Why conversations are not kept; null where they are. */
  readonly failure: unknown = $derived([...this.failures.values()].at(-1) ?? null);

  /** Newest first, pinned ones before them, private ones before all. */
  readonly list: readonly ListEntry[] = $derived.by(() => {
    // What was begun to be written can be come back to.
    const open = this.opened.filter((each) => !each.empty || (each !== this.current && !each.draft.empty));
    const records = this.stored.filter(({ id }) => !this.opened.some((each) => each.id === id));
    const entries = [
      ...records.map((record) => ({ ...record, private: false, busy: false })),
      ...open.map((each) => ({
        ...each.toRecord(),
        private: each.private,
        busy: each.busy,
      })),
    ];
    return entries
      .map(({ id, title, pinned, updated, busy, private: isPrivate }) => ({
        id,
        title,
        pinned,
        private: isPrivate,
        updated,
        busy,
      }))
      .sort((a, b) => rank(b) - rank(a) || b.updated - a.updated);
  });

  /** Hears of what is kept, now and whenever any tab changes it. @returns how to end that */
  start(): () => void {
    let end: (() => void) | null = null;
    let ended = false;
    void this.database().then(
      (database) => {
        if (!ended) end = database.watch((list) => this.onStoredChanged(list), this.reportFailure);
      },
      (cause: unknown) => this.reportFailure(cause),
    );
    return () => {
      ended = true;
      end?.();
    };
  }

  /** Shows a new conversation. */
  startNew(beginning: NewConversation = {}): Conversation {
    const fresh = new Conversation(this.models, beginning, this.autosaveFor);
    this.show(fresh);
    return fresh;
  }

  /** Shows a conversation that is there. @returns whether it is */
  async open(id: string): Promise<boolean> {
    const request = ++this.requests;
    const open = this.opened.find((each) => each.id === id);
    if (open) {
      this.show(open);
      return true;
    }
    const kept = await this.readStored(id).catch(this.reportFailure);
    // Another was asked for meanwhile.
    if (!kept || request !== this.requests) return kept !== undefined;
    this.show(new Conversation(this.models, kept, this.autosaveFor));
    return true;
  }

  async rename(id: string, title: string): Promise<void> {
    const open = this.opened.find((each) => each.id === id);
    if (open) open.rename(title);
    else if (title.trim() !== '') await this.change(id, { title: title.trim(), named: true });
  }

  async pin(id: string, pinned: boolean): Promise<void> {
    const open = this.opened.find((each) => each.id === id);
    if (open) open.pin(pinned);
    else await this.change(id, { pinned });
  }

  async remove(id: string): Promise<void> {
    this.removeFromMemory([id]);
    await this.database()
      .then((database) => database.remove(id))
      .catch(this.reportFailure);
  }

  /** All conversations, kept or not. @returns whether that is done */
  async removeEverything(): Promise<boolean> {
    this.removeFromMemory(this.opened.map(({ id }) => id));
    try {
      await (await this.database()).removeEverything();
      return true;
    } catch (cause) {
      this.reportFailure(cause);
      return false;
    }
  }

  /** Those in whose title or messages all the words are. */
  async search(text: string): Promise<SearchResult[]> {
    const kept = await this.database()
      .then((database) => database.search(text))
      .catch(() => null);
    return this.list.flatMap((entry): SearchResult[] => {
      const open = this.opened.find(({ id }) => id === entry.id);
      const said = open?.turns.flatMap((turn) => {
        const match = matchIn(turn.text, text);
        return match ? [{ ...match, message: turn.id }] : [];
      })[0];
      const match = said ?? kept?.get(entry.id) ?? null;
      return match || holds(entry.title, text) ? [{ entry, match }] : [];
    });
  }

  /** A conversation with all its branches, as it is now; undefined where it is not there. */
  async whole(id: string): Promise<WholeConversation | undefined> {
    const open = this.opened.find((each) => each.id === id);
    if (open) return open.whole();
    return this.readStored(id);
  }

  /** Resolves once all that is open is kept as it is now, or could not be. */
  async settled(): Promise<void> {
    await Promise.all(this.opened.map((each) => each.settled()));
  }

  /** The database. @throws where this browser keeps nothing */
  database(): Promise<Database> {
    this.opening ??= this.connect();
    this.opening.catch(() => (this.opening = null));
    return this.opening;
  }

  private async readStored(id: string): Promise<StoredConversation | undefined> {
    const database = await this.database();
    const [record, messages, draft] = await Promise.all([
      database.get(id),
      database.messagesOf(id),
      database.draftOf(id),
    ]);
    return record && { record, messages, draft };
  }

  private readonly autosaveFor: AutosaveFactory = (conversation) => {
    const reportFailure = (failure: unknown) => {
      if (failure !== null) {
        this.failures.set(conversation, failure);
        return;
      }
      this.failures.delete(conversation);
      this.failures.delete('database');
    };
    return new Autosave(() => this.database(), conversation, reportFailure);
  };

  private readonly reportFailure = (failure: unknown): undefined => {
    this.failures.set('database', failure);
  };

  private show(next: Conversation): void {
    this.requests += 1;
    const last: Conversation | undefined = this.current;
    if (last === next) return;
    last?.show(false);
    next.show(true);
    this.current = next;
    this.opened = [...this.opened.filter((each) => each !== next), next];
    if (last) void this.unloadWhenSaved(last);
  }

  /** What need not stay in memory goes, once it is kept. */
  private async unloadWhenSaved(left: Conversation): Promise<void> {
    await left.settled();
    if (left !== this.current && this.canUnload(left)) this.opened = this.opened.filter((each) => each !== left);
  }

  /** Nothing is lost when it is opened from the database the next time. */
  private canUnload(conversation: Conversation): boolean {
    return (
      conversation.draft.empty &&
      (conversation.empty || (!conversation.private && !conversation.busy && !conversation.hasUnsavedChanges))
    );
  }

  private removeFromMemory(ids: readonly string[]): void {
    for (const each of this.opened) if (ids.includes(each.id)) each.discard();
    this.opened = this.opened.filter((each) => !ids.includes(each.id));
    this.stored = this.stored.filter(({ id }) => !ids.includes(id));
    if (ids.includes(this.current.id)) this.startNew();
  }

  private async change(id: string, fields: Partial<ConversationRecord>): Promise<void> {
    await this.database()
      .then((database) => database.change(id, fields))
      .catch(this.reportFailure);
  }

  private onStoredChanged(list: readonly ConversationRecord[]): void {
    // Another tab deleted them. One in which nothing was said yet is not kept while nothing is written in it.
    const empty = this.opened.filter((each) => each.empty);
    const left = [...list, ...empty];
    const gone = this.stored.map(({ id }) => id).filter((id) => !left.some((each) => each.id === id));
    this.stored = list;
    if (gone.length > 0) this.removeFromMemory(gone);
  }
}

const rank = (entry: ListEntry): number => (entry.private ? 2 : entry.pinned ? 1 : 0);
