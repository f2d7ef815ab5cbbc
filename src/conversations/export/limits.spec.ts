/** A file that exceeds a limit is refused, and one exactly at it is not. The limits are small here. */
import { strToU8, zipSync } from 'fflate';
import { describe, expect, it, vi } from 'vitest';
import { ImportError, type LeftOut } from './format.ts';
import { readFile } from './read-file.ts';
import { chatGptConversation, llamaLines, llamaSession, PNG, sampleConversation } from './testing/samples.ts';
import { toJson } from './write-json.ts';

const limits = vi.hoisted(() => ({
  json: 100_000,
  unpacked: 100_000,
  archiveFiles: 10,
  conversations: 10,
  messages: 10,
  attachments: 10,
  title: 100,
  name: 100,
  text: 1000,
  picture: 1000,
  document: 1000,
}));
vi.mock('./limits.ts', () => ({ IMPORT_LIMITS: limits }));

async function outcome(content: BlobPart): Promise<string | LeftOut> {
  try {
    return (await readFile(new File([content], 'file'))).leftOut;
  } catch (cause) {
    if (!(cause instanceof ImportError)) throw cause;
    return cause.code;
  }
}
/** Runs `work` with one limit changed. */
async function withLimit<T>(name: keyof typeof limits, value: number, work: () => Promise<T>): Promise<T> {
  const before = limits[name];
  limits[name] = value;
  try {
    return await work();
  } finally {
    limits[name] = before;
  }
}
const zip = (files: Record<string, string>) =>
  zipSync(
    Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(text)])),
  ) as Uint8Array<ArrayBuffer>;

describe('the limits of a file', () => {
  it('are on its text', async () => {
    const json = JSON.stringify([chatGptConversation()]);
    expect(await withLimit('json', json.length, () => outcome(json))).not.toBe('too-large');
    expect(await withLimit('json', json.length - 1, () => outcome(json))).toBe('too-large');
    // Base64 is not part of it.
    const sample = sampleConversation();
    const picture = {
      id: 'x',
      kind: 'picture' as const,
      name: 'x',
      blob: new Blob([new Uint8Array(30_000)], { type: 'image/png' }),
    };
    if (sample.messages[0]?.role === 'user') sample.messages[0].attachments = [picture];
    const own = await (await toJson([sample])).text();
    expect(await withLimit('picture', 30_000, () => withLimit('json', 20_000, () => outcome(own)))).toEqual({});
    expect(await withLimit('picture', 29_990, () => outcome(own))).toBe('damaged');
  });

  it('end the reading of a text that grows without end', async () => {
    let pulled = 0;
    const endless = new Blob(['[']);
    const stream = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          pulled += 1;
          if (pulled > 100) throw new Error('read too far');
          controller.enqueue(strToU8('" " '.repeat(1000)));
        },
      });
    Object.assign(endless, { stream });
    vi.spyOn(File.prototype, 'stream').mockImplementation(stream as never);
    expect(await outcome(endless)).toBe('too-large');
    expect(pulled).toBeLessThan(40);
    vi.restoreAllMocks();
  });

  it('are on what an archive unpacks to, and on its files', async () => {
    const lines = llamaLines();
    const archive = zip({ 'a.jsonl': lines, 'b.txt': 'x'.repeat(200_000) });
    const { length } = lines;
    expect(await withLimit('unpacked', new Blob([lines]).size, () => outcome(archive))).not.toBe('too-large');
    expect(await withLimit('unpacked', length - 1, () => outcome(archive))).toBe('too-large');
    expect(await withLimit('archiveFiles', 2, () => outcome(archive))).not.toBe('too-large');
    expect(await withLimit('archiveFiles', 1, () => outcome(archive))).toBe('too-large');
  });

  it('are on conversations, whoever wrote them', async () => {
    const gpt = JSON.stringify([chatGptConversation(), chatGptConversation()]);
    const own = await (await toJson([sampleConversation(), sampleConversation()])).text();
    for (const file of [gpt, own]) {
      expect(await withLimit('conversations', 2, () => outcome(file))).not.toBe('damaged');
      expect(await withLimit('conversations', 1, () => outcome(file))).toBe('damaged');
    }
  });

  it('are on messages, whoever wrote them', async () => {
    const files: [number, string][] = [
      [Object.keys(chatGptConversation().mapping).length, JSON.stringify([chatGptConversation()])],
      [llamaSession().messages.length, JSON.stringify(llamaSession())],
      [sampleConversation().messages.length, await (await toJson([sampleConversation()])).text()],
    ];
    for (const [messages, file] of files) {
      expect(await withLimit('messages', messages, () => outcome(file))).not.toBe('damaged');
      expect(await withLimit('messages', messages - 1, () => outcome(file))).toBe('damaged');
    }
  });

  it('are on texts and attachments of others, and cut their titles and names', async () => {
    const gpt = chatGptConversation();
    gpt.title = 'x'.repeat(101);
    gpt.mapping.a1.message = { ...gpt.mapping.a1.message, metadata: { model_slug: 'm'.repeat(101) } } as never;
    const { conversations } = await readFile(new File([JSON.stringify(gpt)], 'file'));
    expect(conversations[0]?.record.title).toHaveLength(100);
    expect(await withLimit('text', 16, () => outcome(JSON.stringify(gpt)))).not.toBe('damaged');
    expect(await withLimit('text', 15, () => outcome(JSON.stringify(gpt)))).toBe('damaged');
    expect(await withLimit('attachments', 3, () => outcome(JSON.stringify(gpt)))).not.toBe('damaged');
    expect(await withLimit('attachments', 2, () => outcome(JSON.stringify(gpt)))).toBe('damaged');
    const llama = llamaSession();
    llama.conv.name = 'x'.repeat(101);
    const read = await readFile(new File([JSON.stringify(llama)], 'file'));
    expect(read.conversations[0]?.record.title).toHaveLength(100);
    expect(await withLimit('text', 17, () => outcome(JSON.stringify(llama)))).toBe('damaged');
    expect(await withLimit('attachments', 2, () => outcome(JSON.stringify(llama)))).toBe('damaged');
  });

  it('are on pictures of others', async () => {
    const { size } = new Blob([Uint8Array.from(atob(PNG), (c) => c.charCodeAt(0))]);
    const llama = JSON.stringify(llamaSession());
    const exact = { tool: 2, thought: 1, file: 1 };
    expect(await withLimit('picture', size, () => outcome(llama))).toEqual(exact);
    expect(await withLimit('picture', size - 1, () => outcome(llama))).toEqual({ ...exact, picture: 1 });
  });
});
