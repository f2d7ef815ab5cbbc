/**
 * Reads exports of ChatGPT: `conversations.json` is a list of conversations, each a mapping from ids to nodes with a
 * message, a parent and children. Texts and the archive's pictures are imported. Tool calls, hidden messages and
 * thoughts are left out, and their children are attached to their parents.
 */
import { newId } from '../new-id.ts';
import type { Attachment, WholeConversation } from '../records.ts';
import { Damaged, Fields, textOr, timeOr } from './fields.ts';
import { countLeftOut, type ImportedConversations, type LeftOut } from './format.ts';
import { IMPORT_LIMITS } from './limits.ts';
import { toPicture } from './pictures.ts';
import { readEach } from './read-each.ts';
import { type ForeignMessage, treeOf } from './tree-of.ts';

/** Finds the file of an asset id (`file-abc`) in the archive; null if it is missing. */
export type FindAsset = (id: string) => { name: string; blob: Blob } | null;

export const isChatGpt = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, 'mapping');

/** The ids of all assets that the text refers to, found without parsing it. */
export function assetIdsIn(text: string): Set<string> {
  const ids = new Set<string>();
  for (const [, id] of text.matchAll(/"asset_pointer":\s*"(?:file-service|sediment):\/\/([\w-]{1,100})/g))
    if (id !== undefined) ids.add(id);
  return ids;
}

/** @throws Damaged */
export const readChatGpt = (
  values: readonly unknown[],
  findAsset: FindAsset,
  saved: number,
): Promise<ImportedConversations> =>
  readEach('chatgpt', values, (fields, leftOut) => readConversation(fields, findAsset, saved, leftOut));

async function readConversation(
  fields: Fields,
  findAsset: FindAsset,
  saved: number,
  leftOut: LeftOut,
): Promise<WholeConversation> {
  const id = newId();
  const created = timeOr(fields.get('create_time'), saved, 1000);
  const nodes = Object.entries(fields.get('mapping') ?? {}) as [string, unknown][];
  if (nodes.length > IMPORT_LIMITS.messages) throw new Damaged('too many messages');
  const foreign: ForeignMessage[] = [];
  for (const [key, value] of nodes) {
    const node = Fields.of(value, 'node');
    const parent = node.has('parent') ? node.string('parent', IMPORT_LIMITS.name) : null;
    const nothing = { id: key, parent, role: null, created, text: '', attachments: [], model: '' };
    const said = node.has('message') ? await readMessage(node.fields('message'), findAsset, leftOut) : null;
    const time = node.has('message') ? timeOr(node.fields('message').get('create_time'), created, 1000) : created;
    foreign.push(said ? { ...nothing, ...said, created: time } : nothing);
  }
  const current =
    typeof fields.get('current_node') === 'string' ? fields.string('current_node', IMPORT_LIMITS.name) : null;
  const { messages, leaf } = treeOf(foreign, current, id, leftOut);
  if (messages.length === 0) throw new Damaged('no message');
  const record = {
    id,
    title: textOr(fields.get('title'), '').slice(0, IMPORT_LIMITS.title),
    named: true,
    pinned: fields.get('is_starred') === true,
    created,
    updated: Math.max(created, timeOr(fields.get('update_time'), created, 1000)),
    setup: { system: '', sampling: {} },
    leaf,
  };
  return { record, messages };
}

type ParsedMessage = Pick<ForeignMessage, 'role' | 'text' | 'attachments' | 'model'>;

/** @returns null if there is nothing to show */
async function readMessage(message: Fields, findAsset: FindAsset, leftOut: LeftOut): Promise<ParsedMessage | null> {
  const role = message.fields('author').get('role');
  const metadata = message.has('metadata') ? message.fields('metadata') : Fields.of({}, 'metadata');
  if (role === 'tool' || (message.has('recipient') && message.get('recipient') !== 'all')) {
    countLeftOut(leftOut, 'tool');
    return null;
  }
  const content = message.has('content') ? message.fields('content') : Fields.of({}, 'content');
  const type = content.get('content_type');
  if (type === 'thoughts' || type === 'reasoning_recap') {
    countLeftOut(leftOut, 'thought');
    return null;
  }
  const { text, attachments } = await readContent(content, findAsset, leftOut, role === 'user');
  const empty = text.trim() === '' && attachments.length === 0;
  const hidden = metadata.get('is_visually_hidden_from_conversation') === true || type === 'user_editable_context';
  if ((role !== 'user' && role !== 'assistant') || hidden) {
    // Most conversations begin with an empty system message, which is not counted.
    if (!empty || hidden) countLeftOut(leftOut, 'system');
    return null;
  }
  // A question is kept even if its picture is missing, since its answer needs a parent.
  if (empty && role === 'assistant') return null;
  return { role, text, attachments, model: textOr(metadata.get('model_slug'), '').slice(0, IMPORT_LIMITS.name) };
}

async function readContent(
  content: Fields,
  findAsset: FindAsset,
  leftOut: LeftOut,
  keepPictures: boolean,
): Promise<{ text: string; attachments: Attachment[] }> {
  const texts: string[] = [];
  const attachments: Attachment[] = [];
  // Code and similar content has a text instead of parts.
  if (typeof content.get('text') === 'string') texts.push(content.string('text', IMPORT_LIMITS.text));
  for (const part of content.has('parts') ? content.list('parts', IMPORT_LIMITS.attachments) : []) {
    if (typeof part === 'string') {
      if (part.length > IMPORT_LIMITS.text) throw new Damaged('a text is too long');
      texts.push(part);
      continue;
    }
    const fields = Fields.of(part, 'part');
    const type = fields.get('content_type');
    if (type === 'audio_transcription') texts.push(fields.string('text', IMPORT_LIMITS.text));
    else if (type !== 'image_asset_pointer') countLeftOut(leftOut, 'file');
    else {
      const [id] = assetIdsIn(JSON.stringify({ asset_pointer: fields.get('asset_pointer') }));
      const asset = keepPictures && id !== undefined ? findAsset(id) : null;
      const picture = asset && (await toPicture(asset.blob, asset.name));
      if (picture) attachments.push(picture);
      else countLeftOut(leftOut, 'picture');
    }
  }
  return { text: texts.filter((text) => text !== '').join('\n\n'), attachments };
}
