/**
 * What was found in a file is added to what is kept, in one step: all of it or nothing. Nothing that is there is touched;
 * a conversation that is there already, word for word, is not taken twice.
 */
import type { MessageRecord, WholeConversation } from '../records.ts';
import type { ImportedConversations, ImportSource, LeftOut } from './format.ts';

/** Where conversations are kept. */
export interface ImportTarget {
  /** Ids of the kept conversations that were begun at this time. */
  begunAt(created: number): Promise<string[]>;
  messagesOf(id: string): Promise<MessageRecord[]>;
  /** All of them, or none. */
  add(conversations: readonly WholeConversation[]): Promise<void>;
}

export interface ImportReport {
  source: ImportSource;
  conversations: number;
  messages: number;
  /** Those that were there before. */
  already: number;
  leftOut: LeftOut;
  /** The first that was taken. */
  first: string | null;
}

/** What two copies of a conversation have in common, whatever their ids. */
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
  /** Of what is kept, and of what the file has had so far, by the time it was begun. */
  const known = new Map<number, Set<string>>();
  const fresh: WholeConversation[] = [];
  for (const whole of conversations) {
    const { created } = whole.record;
    let prints = known.get(created);
    if (!prints) {
      const kept = await Promise.all((await target.begunAt(created)).map((id) => target.messagesOf(id)));
      prints = new Set(kept.map(fingerprint));
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
