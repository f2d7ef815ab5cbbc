/**
 * Reads exports of llama.cpp's web UI: a session as JSON lines (its conversation, then each message), several of them
 * in an archive; older versions write an object `{ conv, messages }` or a list of them. The messages are a tree. Below
 * an empty root comes the system prompt, if there is one.
 */
import { newId } from '../new-id.ts';
import type { Attachment, WholeConversation } from '../records.ts';
import { decodeBase64 } from './base64.ts';
import type { ExtractedStrings } from './extract-base64.ts';
import { Damaged, Fields, textOr, timeOr } from './fields.ts';
import { countLeftOut, type ImportedConversations, ImportError, type LeftOut } from './format.ts';
import { IMPORT_LIMITS } from './limits.ts';
import { toDocument, toPicture } from './pictures.ts';
import { readEach } from './read-each.ts';
import { type ForeignMessage, treeOf } from './tree-of.ts';

interface Session {
  conv: unknown;
  messages: unknown[];
}

/** @returns the sessions of JSON lines; null if the first line does not begin one */
export function sessionsOf(lines: string): Session[] | null {
  const sessions: Session[] = [];
  for (const line of lines.split('\n')) {
    if (line.trim() === '') continue;
    let record: Record<string, unknown>;
    try {
      record = JSON.parse(line) as Record<string, unknown>;
    } catch (cause) {
      if (sessions.length === 0) return null;
      throw new ImportError('unreadable', String(cause));
    }
    const type = record && typeof record === 'object' ? record['type'] : undefined;
    if (type === 'session') sessions.push({ conv: record, messages: [] });
    else if (sessions.length === 0) return null;
    else if (type === 'message') sessions.at(-1)?.messages.push(record['message']);
    // Records of other types come from newer versions and are ignored.
  }
  return sessions.length > 0 ? sessions : null;
}

/** @throws Damaged */
export const readLlama = (
  sessions: readonly unknown[],
  strings: ExtractedStrings,
  saved: number,
): Promise<ImportedConversations> =>
  readEach('llama.cpp', sessions, (session, leftOut) => readSession(session, strings, saved, leftOut));

async function readSession(
  session: Fields,
  strings: ExtractedStrings,
  saved: number,
  leftOut: LeftOut,
): Promise<WholeConversation> {
  const conv = session.fields('conv');
  const id = newId();
  const updated = timeOr(conv.get('lastModified'), saved);
  const foreign: ForeignMessage[] = [];
  let system = '';
  const ids = new Set<string>();
  for (const value of session.list('messages', IMPORT_LIMITS.messages)) {
    const fields = Fields.of(value, 'message');
    const message = await readMessage(fields, strings, updated, leftOut);
    if (ids.has(message.id)) throw new Damaged('an id is there twice');
    ids.add(message.id);
    if (fields.get('role') === 'system' && fields.get('type') !== 'root')
      system ||= fields.string('content', IMPORT_LIMITS.text);
    foreign.push(message);
  }
  const current = typeof conv.get('currNode') === 'string' ? conv.string('currNode', IMPORT_LIMITS.name) : null;
  const { messages, leaf } = treeOf(foreign, current, id, leftOut);
  if (messages.length === 0) throw new Damaged('no message');
  const record = {
    id,
    title: textOr(conv.get('name'), '').slice(0, IMPORT_LIMITS.title),
    named: true,
    pinned: conv.get('pinned') === true,
    created: Math.min(...foreign.map(({ created }) => created)),
    updated,
    setup: { system, sampling: {} },
    leaf,
  };
  return { record, messages };
}

async function readMessage(
  fields: Fields,
  strings: ExtractedStrings,
  otherwise: number,
  leftOut: LeftOut,
): Promise<ForeignMessage> {
  const role = fields.oneOf('role', ['user', 'assistant', 'system', 'tool']);
  if (role === 'tool') countLeftOut(leftOut, 'tool');
  if (fields.has('toolCalls') && fields.get('toolCalls') !== '') countLeftOut(leftOut, 'tool');
  if (textOr(fields.get('reasoningContent') ?? fields.get('thinking'), '') !== '') countLeftOut(leftOut, 'thought');
  const text = fields.string('content', IMPORT_LIMITS.text);
  const attachments: Attachment[] = [];
  const extra = fields.has('extra') ? fields.list('extra', IMPORT_LIMITS.attachments) : [];
  for (const value of extra) {
    const attachment = role === 'user' ? await readExtra(Fields.of(value, 'extra'), strings, leftOut) : null;
    if (attachment) attachments.push(attachment);
    else if (role !== 'user') countLeftOut(leftOut, 'file');
  }
  const silent = role === 'system' || role === 'tool' || (role === 'assistant' && text.trim() === '');
  return {
    id: fields.string('id', IMPORT_LIMITS.name),
    parent: fields.has('parent') ? fields.string('parent', IMPORT_LIMITS.name) : null,
    role: silent ? null : role,
    created: timeOr(fields.get('timestamp'), otherwise),
    text,
    attachments,
    model: textOr(fields.get('model'), '').slice(0, IMPORT_LIMITS.name),
  };
}

async function readExtra(extra: Fields, strings: ExtractedStrings, leftOut: LeftOut): Promise<Attachment | null> {
  const name = textOr(extra.get('name'), '').slice(0, IMPORT_LIMITS.name);
  // The second and third names are those of older versions.
  switch (extra.get('type')) {
    case 'IMAGE':
    case 'imageFile': {
      const url = strings.blobOf(extra.string('base64Url', Infinity));
      const picture = await fromDataUrl(url, name);
      if (!picture) countLeftOut(leftOut, 'picture');
      return picture;
    }
    case 'TEXT':
    case 'textFile':
    case 'context':
      return toDocument(extra.string('content', IMPORT_LIMITS.text), name);
    case 'PDF':
    case 'pdfFile': {
      const text = extra.string('content', IMPORT_LIMITS.text);
      const bytes = await decodeBase64(strings.blobOf(extra.string('base64Data', Infinity)), 'application/pdf');
      return bytes ? toDocument(text, name, bytes) : toDocument(text, name);
    }
    default:
      countLeftOut(leftOut, 'file');
      return null;
  }
}

async function fromDataUrl(url: Blob, name: string): Promise<Attachment | null> {
  const [head] = /^data:[\w/+.-]*;base64,/.exec(await url.slice(0, 100).text()) ?? [];
  const bytes =
    head === undefined || url.size > 2 * IMPORT_LIMITS.picture ? null : await decodeBase64(url.slice(head.length), '');
  return bytes && toPicture(bytes, name);
}
