/**
 * Writes conversations as Markdown for people to read: the shown branch, with pictures and documents beside it in a zip
 * archive if there are any.
 */
import { strToU8, Zip, ZipDeflate, ZipPassThrough } from 'fflate';
import type { Attachment, MessageRecord, WholeConversation } from '../records.ts';
import { safeName, UniqueNames } from './names.ts';

export interface MarkdownLabels {
  you: string;
  answer: string;
  untitled: string;
  date: (ms: number) => string;
}

/** The shown branch, from the first message to the leaf. */
export function branchOf({ record, messages }: WholeConversation): MessageRecord[] {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const branch: MessageRecord[] = [];
  for (let at = record.leaf; at !== null; at = branch[0]?.parent ?? null) {
    const message = byId.get(at);
    if (!message) break;
    branch.unshift(message);
  }
  return branch;
}

/** @param pathOf path of an attachment's file in the archive */
export function toMarkdown(
  { record, messages }: WholeConversation,
  words: MarkdownLabels,
  pathOf: (file: Attachment) => string,
): string {
  const lines = [`# ${oneLine(record.title) || words.untitled}`, words.date(record.created)];
  if (record.setup.system) lines.push(quote(record.setup.system));
  for (const message of branchOf({ record, messages })) {
    const answer = message.role === 'assistant';
    lines.push(`## ${answer ? [words.answer, oneLine(message.model)].filter(Boolean).join(' · ') : words.you}`);
    if (!answer) lines.push(...message.attachments.map((each) => link(each, pathOf(each))));
    if (message.text) lines.push(message.text);
  }
  return `${lines.join('\n\n')}\n`;
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();
const quote = (text: string): string => text.replace(/^/gm, '> ');
const link = ({ kind, name }: Attachment, path: string): string =>
  `${kind === 'picture' ? '!' : ''}[${oneLine(name).replace(/[[\]\\]/g, '\\$&')}](${encodeURI(path).replace(/[()]/g, escape)})`;

export interface MarkdownFile {
  name: string;
  blob: Blob;
}

/** @returns a single Markdown file if that is enough, else a zip archive */
export async function toMarkdownFile(
  conversations: AsyncIterable<WholeConversation> | Iterable<WholeConversation>,
  words: MarkdownLabels,
  name: string,
): Promise<MarkdownFile> {
  const archive = new Archive();
  const texts: { name: string; text: string }[] = [];
  const names = new UniqueNames();
  let files = 0;
  for await (const whole of conversations) {
    const base = names.next(safeName(whole.record.title) || words.untitled);
    const paths = new Map<Attachment, string>();
    const inside = new UniqueNames();
    for (const message of branchOf(whole))
      if (message.role === 'user')
        for (const file of message.attachments) {
          const path = `${base}/${inside.next(safeName(file.name) || 'file')}`;
          paths.set(file, path);
          files += 1;
          await archive.add(path, file.blob);
        }
    texts.push({ name: `${base}.md`, text: toMarkdown(whole, words, (file) => paths.get(file) ?? file.name) });
  }
  const [only] = texts;
  if (only && texts.length === 1 && files === 0)
    return { name: only.name, blob: new Blob([only.text], { type: 'text/markdown' }) };
  for (const { name: path, text } of texts) archive.addText(path, text);
  return { name: `${only && texts.length === 1 ? only.name.slice(0, -'.md'.length) : name}.zip`, blob: archive.end() };
}

/** A zip archive that is written in chunks. */
class Archive {
  private readonly parts: BlobPart[] = [];
  private failure: unknown = null;
  private readonly zip = new Zip((error, data) => {
    this.failure ??= error;
    this.parts.push(new Blob([data as Uint8Array<ArrayBuffer>]));
  });

  /** Stored without compression, since pictures are compressed already. */
  async add(path: string, blob: Blob): Promise<void> {
    const entry = new ZipPassThrough(path);
    this.zip.add(entry);
    const reader = blob.stream().getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      entry.push(value);
    }
    entry.push(new Uint8Array(), true);
  }

  addText(path: string, text: string): void {
    const entry = new ZipDeflate(path);
    this.zip.add(entry);
    entry.push(strToU8(text), true);
  }

  end(): Blob {
    this.zip.end();
    if (this.failure) throw this.failure as Error;
    return new Blob(this.parts, { type: 'application/zip' });
  }
}
