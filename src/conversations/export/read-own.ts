/** Reads our own format. Every field is checked, and a conversation with any fault is left out as a whole. */
import { newId } from '../new-id.ts';
import { ENGINE_ERRORS, type Finish } from '../../../protocol/engine.ts';
import { isInRange, MAX_NEW_TOKENS_RANGE, readSampling } from '../../../protocol/sampling.ts';
import type {
  Attachment,
  ConversationRecord,
  Memory,
  MessageRecord,
  ConversationSettings,
  WholeConversation,
} from '../records.ts';
import { decodeBase64 } from './base64.ts';
import type { ExtractedStrings } from './extract-base64.ts';
import { Damaged, Fields } from './fields.ts';
import type { ImportedConversations } from './format.ts';
import { IMPORT_LIMITS } from './limits.ts';
import { readEach } from './read-each.ts';
import { fromRoots } from './tree-of.ts';
import { upgrade } from './upgrade.ts';

/** @throws ImportError, Damaged */
export function readOwn(file: object, strings: ExtractedStrings): Promise<ImportedConversations> {
  const values = upgrade(file).list('conversations', IMPORT_LIMITS.conversations);
  return readEach('fournil', values, (fields) => readConversation(fields, strings));
}

async function readConversation(fields: Fields, strings: ExtractedStrings): Promise<WholeConversation> {
  const id = newId();
  const messages: MessageRecord[] = [];
  for (const value of fields.list('messages', IMPORT_LIMITS.messages))
    messages.push(await readMessage(Fields.of(value, 'message'), id, strings));
  const ids = newIds(messages);
  const idOf = (old: string, name: string): string => ids.get(old) ?? fields.fail(name, 'there is no such message');
  const leaf = fields.nullable('leaf', () => idOf(fields.string('leaf', IMPORT_LIMITS.name), 'leaf'));
  if ((leaf === null) !== (messages.length === 0)) fields.fail('leaf', 'does not go with the messages');
  const record: ConversationRecord = {
    id,
    title: fields.string('title', IMPORT_LIMITS.title),
    named: fields.boolean('named'),
    pinned: fields.boolean('pinned'),
    created: fields.time('created'),
    updated: fields.time('updated'),
    setup: readSettings(fields.fields('setup')),
    ...(fields.has('memory') ? { memory: readMemory(fields.fields('memory'), ids) } : {}),
    leaf,
  };
  const renewed = messages.map((message) => ({
    ...message,
    id: idOf(message.id, 'id'),
    parent: message.parent === null ? null : idOf(message.parent, 'parent'),
  }));
  return { record, messages: renewed };
}

/** A `from` that names no message is dropped, so that the prompt has all messages. */
function readMemory(fields: Fields, ids: ReadonlyMap<string, string>): Memory {
  const from = fields.has('from') ? ids.get(fields.string('from', IMPORT_LIMITS.name)) : undefined;
  return {
    ...(from === undefined ? {} : { from }),
    ...(fields.has('summary') ? { summary: fields.string('summary', IMPORT_LIMITS.text) } : {}),
    ...(fields.has('whenFull') ? { whenFull: fields.oneOf('whenFull', ['leaveOut', 'sumUp']) } : {}),
  };
}

/** Assigns a new id to each message. @throws Damaged if questions and answers do not alternate in a tree */
function newIds(messages: readonly MessageRecord[]): Map<string, string> {
  const roles = new Map(messages.map(({ id, role }) => [id, role]));
  if (roles.size < messages.length) throw new Damaged('an id is there twice');
  for (const { parent, role } of messages) {
    const before = parent === null ? null : roles.get(parent);
    if (before === undefined) throw new Damaged('a message follows one that is not there');
    if (before === role || (before === null && role === 'assistant'))
      throw new Damaged('questions and answers do not take turns');
  }
  if (fromRoots(messages).length < messages.length) throw new Damaged('messages follow one another in a circle');
  return new Map(messages.map(({ id }) => [id, newId()]));
}

async function readMessage(fields: Fields, conversation: string, strings: ExtractedStrings): Promise<MessageRecord> {
  const base = {
    id: fields.string('id', IMPORT_LIMITS.name),
    conversation,
    parent: fields.nullable('parent', () => fields.string('parent', IMPORT_LIMITS.name)),
    created: fields.time('created'),
    text: fields.string('text', IMPORT_LIMITS.text),
  };
  if (fields.oneOf('role', ['user', 'assistant']) === 'assistant')
    return {
      ...base,
      role: 'assistant',
      model: fields.string('model', IMPORT_LIMITS.name),
      finish: fields.nullable('finish', () => readFinish(fields.fields('finish'))),
      error: fields.nullable('error', () => {
        const error = fields.fields('error');
        return { code: error.oneOf('code', ENGINE_ERRORS), detail: error.string('detail', IMPORT_LIMITS.text) };
      }),
    };
  const attachments: Attachment[] = [];
  for (const value of fields.list('attachments', IMPORT_LIMITS.attachments))
    attachments.push(await readAttachment(Fields.of(value, 'attachment'), strings));
  return { ...base, role: 'user', attachments };
}

async function readAttachment(fields: Fields, strings: ExtractedStrings): Promise<Attachment> {
  const kind = fields.oneOf('kind', ['picture', 'document']);
  const type = fields.string('type', IMPORT_LIMITS.name);
  // SVG can contain scripts, so it is not accepted as a picture.
  if (kind === 'picture' && (!type.startsWith('image/') || type.startsWith('image/svg')))
    fields.fail('type', 'no picture');
  const base64 = strings.blobOf(fields.string('base64', Infinity));
  const largest = kind === 'picture' ? IMPORT_LIMITS.picture : IMPORT_LIMITS.document;
  const blob = base64.size * 0.75 <= largest + 3 ? await decodeBase64(base64, type) : null;
  if (!blob) return fields.fail('base64', 'unreadable, or too large');
  const attachment: Attachment = { id: newId(), kind, name: fields.string('name', IMPORT_LIMITS.name), blob };
  return fields.has('text') ? { ...attachment, text: fields.string('text', IMPORT_LIMITS.text) } : attachment;
}

function readSettings(fields: Fields): ConversationSettings {
  const settings: ConversationSettings = { system: fields.string('system', IMPORT_LIMITS.text), sampling: {} };
  if (fields.get('model') === null) settings.model = null;
  else if (fields.has('model')) {
    const model = fields.fields('model');
    settings.model = { key: model.string('key', IMPORT_LIMITS.name), id: model.string('id', IMPORT_LIMITS.name) };
  }
  const sampling = fields.fields('sampling');
  settings.sampling = readSampling(
    (name) => sampling.get(name),
    (name) => sampling.fail(name, 'out of range'),
  );
  const length = fields.get('maxNewTokens');
  if (length !== undefined)
    settings.maxNewTokens = isInRange(MAX_NEW_TOKENS_RANGE, length)
      ? length
      : fields.fail('maxNewTokens', 'out of range');
  return settings;
}

function readFinish(fields: Fields): Finish {
  const usage = fields.fields('usage');
  const timing = fields.fields('timing');
  // A rate measured over one token can be infinite, which JSON writes as null.
  const measured = (name: string) => (timing.get(name) === null ? 0 : timing.number(name));
  return {
    reason: fields.oneOf('reason', ['stop', 'length', 'context-full', 'aborted']),
    usage: {
      promptTokens: usage.number('promptTokens'),
      reusedTokens: usage.number('reusedTokens'),
      generatedTokens: usage.number('generatedTokens'),
      contextTokens: usage.number('contextTokens'),
    },
    timing: {
      timeToFirstToken: measured('timeToFirstToken'),
      prefillRate: measured('prefillRate'),
      decodeRate: measured('decodeRate'),
    },
  };
}
