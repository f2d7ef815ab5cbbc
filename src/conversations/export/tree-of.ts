/**
 * Converts message trees of other programs to ours, where questions and answers alternate: messages without content are
 * bridged, and consecutive messages of one role are merged. Nothing here recurses, so a file may nest to any depth.
 */
import { newId } from '../new-id.ts';
import type { Attachment, MessageRecord } from '../records.ts';
import { countLeftOut, type LeftOut } from './format.ts';

/** A message of another program. */
export interface ForeignMessage {
  id: string;
  parent: string | null;
  /** Null if the message has no content to show; its children are kept. */
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

/** The messages that can be reached from a first one, parents before children. */
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
  // The loop also visits the messages that it appends.
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
 * @param messages with unique ids
 * @param current id of the message that was shown last
 */
export function treeOf(
  messages: readonly ForeignMessage[],
  current: string | null,
  conversation: string,
  leftOut: LeftOut,
): Tree {
  const ordered = fromRoots(messages);
  countLeftOut(leftOut, 'message', messages.length - ordered.length);
  /** The record of each message: its own, or the one that it was merged into or bridged to. */
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
  const remaining = records.filter((record) => !carried.has(record) || followed.has(record.id) || record === wanted);
  return { messages: remaining, leaf: leafFrom(remaining, wanted) };
}

const newer = (one: MessageRecord | null, other: MessageRecord): MessageRecord =>
  one && one.created > other.created ? one : other;

/** The leaf of the branch through a message, always along the newest child. */
function leafFrom(records: readonly MessageRecord[], from: MessageRecord | null): string | null {
  const newestChild = new Map<string, MessageRecord>();
  for (const record of records)
    if (record.parent !== null) newestChild.set(record.parent, newer(newestChild.get(record.parent) ?? null, record));
  let leaf = from ?? records.reduce<MessageRecord | null>(newer, null);
  for (let next = leaf; next; next = newestChild.get(next.id) ?? null) leaf = next;
  return leaf?.id ?? null;
}
