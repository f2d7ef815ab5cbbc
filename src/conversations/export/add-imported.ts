/**
 * Adds imported conversations to the database in one transaction. Stored conversations are never changed, and a
 * conversation that is stored already, word for word, is not added again.
 */
import type { MessageRecord, WholeConversation } from '../records.ts';
import type { ImportedConversations, ImportSource, LeftOut } from './format.ts';

/** The database, as the import needs it. */
export interface ImportTarget {
  /** Ids of the stored conversations with this creation time. */
  begunAt(created: number): Promise<string[]>;
  messagesOf(id: string): Promise<MessageRecord[]>;
  /** Adds all conversations, or none if one fails. */
  add(conversations: readonly WholeConversation[]): Promise<void>;
}

export interface ImportReport {
  source: ImportSource;
  conversations: number;
  messages: number;
  /** Number of conversations that were stored already. */
  already: number;
  leftOut: LeftOut;
  /** Id of the first one that was added. */
  first: string | null;
}

/** Identifies the content of a conversation, whatever its ids. */
const fingerprint = (messages: readonly MessageRecord[]): string =>
  JSON.stringify(
    messages
      .map(({ role, created, text, ...rest }) => [
        created,
        role,
        text,
        ...('attachments' in rest ? rest.attachments.map(({ name, blob }) => `${name} ${blob.size}`) : []),
      ])
      .map((each) => JSON.stringify(each))
      .sort(),
  );

export async function addImported(
  { source, conversations, leftOut }: ImportedConversations,
  target: ImportTarget,
): Promise<ImportReport> {
  /** Fingerprints of stored conversations and of those added so far, by creation time. */
  const known = new Map<number, Set<string>>();
  const fresh: WholeConversation[] = [];
  for (const whole of conversations) {
    const { created } = whole.record;
    let prints = known.get(created);
    if (!prints) {
      const stored = await Promise.all((await target.begunAt(created)).map((id) => target.messagesOf(id)));
      prints = new Set(stored.map(fingerprint));
      known.set(created, prints);
    }
    const print = fingerprint(whole.messages);
    if (prints.has(print)) continue;
    prints.add(print);
    fresh.push(whole);
  }
  if (fresh.length > 0) await target.add(fresh);
  return {
    source,
    conversations: fresh.length,
    messages: fresh.reduce((sum, { messages }) => sum + messages.length, 0),
    already: conversations.length - fresh.length,
    leftOut,
    first: fresh[0]?.record.id ?? null,
  };
}
