/**
 * All conversations: the stored ones and those that are open on this page (private ones are nowhere else). Several may
 * be open at once, each with its draft and its answer; one is shown.
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
  /** Empty while there is nothing to make a title from. */
  title: string;
  pinned: boolean;
  private: boolean;
  updated: number;
  /** An answer is being made in it. */
  busy: boolean;
}

export interface SearchResult {
  entry: ListEntry;
  /** The place in a message; null if only the title matches. */
  match: Match | null;
}

const openDatabase = (): Promise<Database> =>
  import('../conversations/database.ts').then(({ Database }) => new Database());

export class Conversations {
  /** The conversation that is shown. */
  current = $state.raw<Conversation>() as Conversation;
  /**
   * Failures by conversation, or of the database itself: saving one conversation does not clear the failure of
   * another.
   */
  private readonly failures = new SvelteMap<AutosaveSource | 'database', unknown>();
  private stored = $state.raw<readonly ConversationRecord[]>([]);
  private opened = $state.raw<readonly Conversation[]>([]);
  private opening: Promise<Database> | null = null;
  /** Number of conversations shown or requested, so that the last request wins. */
  private requests = 0;

  constructor(
    private readonly models: ModelStore,
    private readonly connect: () => Promise<Database> = openDatabase,
  ) {
    this.startNew();
  }

  /** Why conversations are not saved; null if they are. */
  readonly failure: unknown = $derived([...this.failures.values()].at(-1) ?? null);

  /** Private conversations come first, then pinned ones, then the rest; the newest first in each. */
  readonly list: readonly ListEntry[] = $derived.by(() => {
    // Conversations with only a draft are listed too, unless they are on the page.
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

  /** Follows the database, also changes by other tabs. @returns a function that stops it */
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

  /** Creates a conversation and shows it. */
  startNew(beginning: NewConversation = {}): Conversation {
    const fresh = new Conversation(this.models, beginning, this.autosaveFor);
    this.show(fresh);
    return fresh;
  }

  /** Shows an existing conversation. @returns whether it exists */
  async open(id: string): Promise<boolean> {
    const request = ++this.requests;
    const open = this.opened.find((each) => each.id === id);
    if (open) {
      this.show(open);
      return true;
    }
    const stored = await this.readStored(id).catch(this.reportFailure);
    // Another conversation was requested meanwhile.
    if (!stored || request !== this.requests) return stored !== undefined;
    this.show(new Conversation(this.models, stored, this.autosaveFor));
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

  /** Deletes all conversations, stored or not. @returns whether that succeeded */
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

  /** Finds conversations whose title or one of whose messages contains all the words. */
  async search(text: string): Promise<SearchResult[]> {
    const stored = await this.database()
      .then((database) => database.search(text))
      .catch(() => null);
    return this.list.flatMap((entry): SearchResult[] => {
      const open = this.opened.find(({ id }) => id === entry.id);
      const said = open?.turns.flatMap((turn) => {
        const match = matchIn(turn.text, text);
        return match ? [{ ...match, message: turn.id }] : [];
      })[0];
      const match = said ?? stored?.get(entry.id) ?? null;
      return match || holds(entry.title, text) ? [{ entry, match }] : [];
    });
  }

  /** A conversation with all its branches as it is now; undefined if it does not exist. */
  async whole(id: string): Promise<WholeConversation | undefined> {
    const open = this.opened.find((each) => each.id === id);
    if (open) return open.whole();
    return this.readStored(id);
  }

  /** Resolves once all open conversations are stored, or storing them failed. */
  async settled(): Promise<void> {
    await Promise.all(this.opened.map((each) => each.settled()));
  }

  /** Opens the database once. @throws if the browser refuses storage */
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

  /** Removes a conversation that was left from memory once it is stored. */
  private async unloadWhenSaved(left: Conversation): Promise<void> {
    await left.settled();
    if (left !== this.current && this.canUnload(left)) this.opened = this.opened.filter((each) => each !== left);
  }

  /** Whether it can be read from the database again without loss. */
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
    // Conversations that are missing now were deleted by another tab, except empty ones: those are stored only while
    // they have a draft.
    const empty = this.opened.filter((each) => each.empty);
    const left = [...list, ...empty];
    const gone = this.stored.map(({ id }) => id).filter((id) => !left.some((each) => each.id === id));
    this.stored = list;
    if (gone.length > 0) this.removeFromMemory(gone);
  }
}

const rank = (entry: ListEntry): number => (entry.private ? 2 : entry.pinned ? 1 : 0);
