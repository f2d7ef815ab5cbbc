/**
 * Trees of other programs as ours, where questions and answers take turns: what is left out is bridged, and what one
 * side said in several messages becomes one. Walks without recursion: a file may nest as deep as it likes.
 */
import { newId } from '../new-id.ts';
import type { Attachment, MessageRecord } from '../records.ts';
import { countLeftOut, type LeftOut } from './format.ts';

/** A message of another program. */
export interface ForeignMessage {
  id: string;
  parent: string | null;
  /** Null: nothing to show, but what follows it stays. */
  role: MessageRecord['role'] | null;
  created: number;
  text: string;
  attachments: Attachment[];
  model: string;
}

interface Tree {
  messages: MessageRecord[];
  leaf: string | null;
}

/** Those that hang together from a first message on, parents before children. */
export function fromRoots<T extends { id: string; parent: string | null }>(messages: readonly T[]): T[] {
  const ids = new Set(messages.map(({ id }) => id));
  const children = new Map<string | null, T[]>();
  for (const message of messages) {
    const parent = message.parent !== null && ids.has(message.parent) ? message.parent : null;
    const siblings = children.get(parent);
    if (siblings) siblings.push(message);
    else children.set(parent, [message]);
  }
  const walked = [...(children.get(null) ?? [])];
  // Those that are pushed meanwhile are walked too.
  for (const { id } of walked) walked.push(...(children.get(id) ?? []));
  return walked;
}

const join = (...texts: string[]): string => texts.filter((text) => text !== '').join('\n\n');

function mergedInto(before: MessageRecord, message: ForeignMessage): MessageRecord {
  const text = join(before.text, message.text);
  const next = { ...before, id: newId(), text };
  if (next.role === 'assistant') return { ...next, model: message.model || next.model };
  return { ...next, attachments: [...next.attachments, ...message.attachments] };
}

function asRecord(message: ForeignMessage, conversation: string, parent: string | null): MessageRecord {
  const { created, text, attachments, model } = message;
  const base = { id: newId(), conversation, parent, created, text };
  if (message.role === 'user') return { ...base, role: 'user', attachments };
  return { ...base, role: 'assistant', model, finish: null, error: null };
}

/**
 * @param messages each id once.
 * @param current the message that was read last.
 */
export function treeOf(
  messages: readonly ForeignMessage[],
  current: string | null,
  conversation: string,
  leftOut: LeftOut,
): Tree {
  const ordered = fromRoots(messages);
  countLeftOut(leftOut, 'message', messages.length - ordered.length);
  /** What each foreign message became: itself, or what came before it. */
  const became = new Map<string, MessageRecord | null>();
  const records: MessageRecord[] = [];
  const carried = new Set<MessageRecord>();
  for (const message of ordered) {
    const before = message.parent === null ? null : (became.get(message.parent) ?? null);
    let record = before;
    if (message.role === before?.role) {
      record = mergedInto(before, message);
      carried.add(before);
    } else if (message.role === 'assistant' && !before) countLeftOut(leftOut, 'message');
    else if (message.role) record = asRecord(message, conversation, before?.id ?? null);
    if (record && record !== before) records.push(record);
    became.set(message.id, record);
  }
  const wanted = (current !== null && became.get(current)) || null;
  const followed = new Set(records.map(({ parent }) => parent));
  const kept = records.filter((record) => !carried.has(record) || followed.has(record.id) || record === wanted);
  return { messages: kept, leaf: leafFrom(kept, wanted) };
}

const newer = (one: MessageRecord | null, other: MessageRecord): MessageRecord =>
  one && one.created > other.created ? one : other;

/** The end of the branch through a message: the newest of its children, and of theirs. */
function leafFrom(records: readonly MessageRecord[], from: MessageRecord | null): string | null {
  const newestChild = new Map<string, MessageRecord>();
  for (const record of records)
    if (record.parent !== null) newestChild.set(record.parent, newer(newestChild.get(record.parent) ?? null, record));
  let leaf = from ?? records.reduce<MessageRecord | null>(newer, null);
  for (let next = leaf; next; next = newestChild.get(next.id) ?? null) leaf = next;
  return leaf?.id ?? null;
}
