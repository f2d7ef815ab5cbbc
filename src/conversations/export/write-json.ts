/**
 * Writes conversations in our own format. The file is assembled from parts, one conversation and one picture after the
 * other, so that 200 MB of pictures neither freeze the page nor fill the heap.
 */
import type { MessageRecord, WholeConversation } from '../records.ts';
import { encodeBase64 } from './base64.ts';
import { FORMAT, VERSION } from './format.ts';

/** The JSON of an object without its closing brace, so that fields can follow. */
const openJson = (value: object): string => JSON.stringify(value).slice(0, -1);

async function* jsonParts(conversations: AsyncIterable<WholeConversation> | Iterable<WholeConversation>) {
  yield `${openJson({ format: FORMAT, version: VERSION, exported: Date.now() })},"conversations":[`;
  let first = true;
  for await (const { record, messages } of conversations) {
    yield `${first ? '' : ','}\n${openJson(record)},"messages":[`;
    first = false;
    for (const [i, message] of messages.entries()) {
      yield i > 0 ? ',\n' : '\n';
      yield* messageParts(message);
    }
    yield ']}';
  }
  yield ']}\n';
}

async function* messageParts(message: MessageRecord) {
  // The conversation's id is redundant, since messages are nested in it.
  const bare = { ...message, conversation: undefined };
  if (message.role === 'assistant') {
    yield JSON.stringify(bare);
    return;
  }
  yield `${openJson({ ...bare, attachments: undefined })},"attachments":[`;
  for (const [i, { blob, ...attachment }] of message.attachments.entries()) {
    yield `${i > 0 ? ',' : ''}${openJson({ ...attachment, type: blob.type })},"base64":"`;
    yield* encodeBase64(blob);
    yield '"}';
  }
  yield ']}';
}

export async function toJson(
  conversations: AsyncIterable<WholeConversation> | Iterable<WholeConversation>,
): Promise<Blob> {
  const parts: BlobPart[] = [];
  for await (const part of jsonParts(conversations)) parts.push(part);
  return new Blob(parts, { type: 'application/json' });
}
