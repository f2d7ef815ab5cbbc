import { strToU8, unzipSync, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { FORMAT, type ImportedConversations, ImportError, VERSION } from './format.ts';
import { readFile } from './read-file.ts';
import { chatGptConversation, llamaLines, llamaSession, PNG, png, sampleConversation } from './testing/samples.ts';
import { type Upgrade, upgrade } from './upgrade.ts';
import { toJson } from './write-json.ts';
import { toMarkdown, toMarkdownFile } from './write-markdown.ts';
import type { WholeConversation } from '../records.ts';

const SAVED = 1_770_000_000_000;
const fileOf = (content: BlobPart, name = 'file') => new File([content], name, { lastModified: SAVED });
const jsonFile = (value: unknown) => fileOf(JSON.stringify(value));
const bytesOf = async (blob: Blob) => [...new Uint8Array(await blob.arrayBuffer())];
const refusal = async (file: File) => {
  const cause: unknown = await readFile(file).catch((error: unknown) => error);
  return cause instanceof ImportError ? cause.code : cause;
};

/** Replaces ids by their order, so that two copies can be compared. */
function numbered({ record, messages }: WholeConversation) {
  const number = new Map<string | null, unknown>(messages.map(({ id }, i) => [id, i]));
  number.set(null, null);
  return {
    record: {
      ...record,
      id: 0,
      leaf: number.get(record.leaf),
      memory: record.memory && { ...record.memory, from: number.get(record.memory.from ?? null) },
    },
    messages: messages.map((message) => ({
      ...message,
      id: number.get(message.id),
      parent: number.get(message.parent),
      conversation: message.conversation === record.id,
      ...(message.role === 'user' && {
        attachments: message.attachments.map(({ id: _id, blob, ...rest }) => ({ ...rest, type: blob.type })),
      }),
    })),
  };
}
const only = ({ conversations }: ImportedConversations): WholeConversation => {
  const [whole] = conversations;
  if (!whole || conversations.length > 1) throw new Error('not one conversation');
  return whole;
};
/** Role, text and index of the parent of each message, and the index of the leaf. */
const talk = ({ record, messages }: WholeConversation) => {
  const place = (id: string | null) => messages.findIndex((each) => each.id === id);
  return {
    leaf: place(record.leaf),
    messages: messages.map(({ role, text, parent }) => [role, text, place(parent)]),
  };
};

describe('our own file', () => {
  it('brings everything back, with new ids', async () => {
    const sample = sampleConversation();
    const found = await readFile(fileOf(await toJson([sample])));
    expect(found).toMatchObject({ source: 'fournil', leftOut: {} });
    const copy = only(found);
    expect(numbered(copy)).toEqual(numbered(sample));
    const old = new Set(sample.messages.map(({ id }) => id));
    expect(copy.messages.some(({ id }) => old.has(id))).toBe(false);
    const [first] = copy.messages;
    if (first?.role !== 'user') throw new Error('no question');
    expect(await Promise.all(first.attachments.map(({ blob }) => bytesOf(blob)))).toEqual([
      await bytesOf(png()),
      [...strToU8('Ça va')],
    ]);
  });

  it('takes pictures of many pieces, which stay out of the text that is parsed', async () => {
    const sample = sampleConversation();
    const [first] = sample.messages;
    if (first?.role !== 'user') throw new Error('no question');
    const bytes = new Uint8Array(2_000_003).map((_, i) => (i * 31) % 251);
    first.attachments = [{ id: 'x', kind: 'picture', name: 'big.png', blob: new Blob([bytes], { type: 'image/png' }) }];
    const file = await toJson([sample, sampleConversation()]);
    expect(JSON.parse(await file.text())).toMatchObject({ format: FORMAT, version: VERSION });
    const { conversations } = await readFile(fileOf(file));
    const copy = conversations[0]?.messages[0];
    if (copy?.role !== 'user') throw new Error('no question');
    const blob = copy.attachments[0]?.blob;
    expect(blob && Buffer.from(await blob.arrayBuffer()).equals(bytes)).toBe(true);
    expect(conversations).toHaveLength(2);
  });

  it('is read whatever its spacing', async () => {
    const file = await toJson([sampleConversation()]);
    const spaced = JSON.stringify(JSON.parse(await file.text()), null, '\t');
    expect((await readFile(fileOf(`\ufeff${spaced}`))).conversations).toHaveLength(1);
  });

  it('of a newer version is refused, and of an older one goes through each step', async () => {
    expect(await refusal(jsonFile({ format: FORMAT, version: VERSION + 1, conversations: [] }))).toBe('newer');
    const steps: Upgrade[] = [
      (file) => ({ ...file, version: 2, one: true }),
      (file) => ({ ...file, version: 3, two: file['one'] }),
    ];
    expect(upgrade({ version: 1 }, 3, steps).get('two')).toBe(true);
    expect(upgrade({ version: 2 }, 3, steps).get('one')).toBeUndefined();
    expect(() => upgrade({ version: 4 }, 3, steps)).toThrow('newer');
    for (const version of [0, 1.5, '1', null, undefined, 1e300])
      expect(() => upgrade({ version })).toThrow(ImportError);
  });

  it('leaves out a conversation that is damaged, and says so', async () => {
    const file = JSON.parse(await (await toJson([sampleConversation(), sampleConversation()])).text());
    file.conversations[1].messages[2].parent = 'nobody';
    const found = await readFile(jsonFile(file));
    expect(found.conversations).toHaveLength(1);
    expect(found.leftOut).toEqual({ conversation: 1 });
    file.conversations.shift();
    expect(await refusal(jsonFile(file))).toBe('damaged');
  });
});

describe('llama.cpp’s files', () => {
  for (const [name, file] of [
    ['JSON lines', () => fileOf(llamaLines())],
    ['a JSON object', () => jsonFile(llamaSession())],
    ['a JSON list', () => jsonFile([llamaSession()])],
    ['an archive', () => fileOf(zipSync({ 'x_conv_1.jsonl': strToU8(llamaLines()) }) as Uint8Array<ArrayBuffer>)],
  ] as const)
    it(`are read as ${name}`, async () => {
      const found = await readFile(file());
      expect(found.source).toBe('llama.cpp');
      const whole = only(found);
      expect(talk(whole)).toEqual({
        leaf: 1,
        messages: [
          ['user', 'Hello', -1],
          ['assistant', 'Hello!', 0],
          ['assistant', 'Hm, 42.', 0],
        ],
      });
      expect(whole.record).toMatchObject({ title: 'Llamas', setup: { system: 'Talk like a llama.' } });
      expect(found.leftOut).toEqual({ tool: 2, thought: 1, file: 1 });
      const [first] = whole.messages;
      expect(first).toMatchObject({
        attachments: [
          { kind: 'picture', name: 'dot.png' },
          { kind: 'document', name: 'n.txt', text: 'Notes' },
        ],
      });
      if (first?.role === 'user')
        expect(first.attachments[0]?.blob).toMatchObject({ type: 'image/png', size: png().size });
    });

  it('of several sessions are read each, those of versions to come too', async () => {
    const lines = `${llamaLines()}\n{"type":"weather","rain":true}\n\n${llamaLines()}\n`;
    expect((await readFile(fileOf(lines))).conversations).toHaveLength(2);
  });

  it('may point to nothing, nest deep or go round in circles', async () => {
    const session = llamaSession();
    const message = session.messages[2];
    if (!message) throw new Error('no message');
    const deep = Array.from({ length: 15_000 }, (_, i) => ({
      ...message,
      id: `d${i}`,
      parent: i === 0 ? 'nowhere' : `d${i - 1}`,
      role: i % 2 ? 'assistant' : 'user',
      content: String(i),
      extra: [],
    }));
    const circle = ['x', 'y'].map((id, i) => ({ ...message, id, parent: 'yx'[i] ?? null, extra: [] }));
    const found = await readFile(
      jsonFile({ conv: { ...session.conv, currNode: 'x' }, messages: [...deep, ...circle] }),
    );
    expect(only(found).messages).toHaveLength(15_000);
    expect(only(found).record.leaf).toBe(only(found).messages.at(-1)?.id);
    expect(found.leftOut).toEqual({ message: 2 });
  });
});

describe('ChatGPT’s files', () => {
  const archive = (more: Record<string, Uint8Array> = {}) =>
    fileOf(
      zipSync({
        'chat.html': strToU8('<script>alert(1)</script>'),
        'export/conversations.json': strToU8(JSON.stringify([chatGptConversation()])),
        ...more,
      }) as Uint8Array<ArrayBuffer>,
    );
  const picture = Uint8Array.from(atob(PNG), (c) => c.charCodeAt(0));

  it('are read from the archive, with the pictures that it has', async () => {
    const found = await readFile(archive({ 'export/file-ABC123-garden.png': picture }));
    expect(found).toMatchObject({ source: 'chatgpt', leftOut: { tool: 1, picture: 1 } });
    const whole = only(found);
    expect(talk(whole)).toEqual({
      leaf: 1,
      messages: [
        ['user', 'What grows here?', -1],
        ['assistant', 'Let me look.\n\nRoses.', 0],
      ],
    });
    expect(whole.record).toMatchObject({ title: 'Gardens', created: 1_700_000_000_000, updated: 1_700_000_100_250 });
    expect(whole.messages).toMatchObject([
      { attachments: [{ name: 'file-ABC123-garden.png', kind: 'picture' }] },
      { model: 'gpt-4o', created: 1_700_000_000_500 },
    ]);
  });

  it('are read without the archive, and from several lists', async () => {
    expect((await readFile(jsonFile([chatGptConversation()]))).leftOut).toEqual({ tool: 1, picture: 2 });
    expect((await readFile(jsonFile(chatGptConversation()))).conversations).toHaveLength(1);
    const list = strToU8(JSON.stringify([chatGptConversation(), { title: 'no mapping' }]));
    const two = zipSync({ 'conversations-000.json': list, 'conversations-001.json': list });
    const found = await readFile(fileOf(two as Uint8Array<ArrayBuffer>));
    expect(found.conversations).toHaveLength(2);
    expect(found.leftOut).toEqual({ tool: 2, picture: 4, conversation: 2 });
  });

  it('keep both answers where one was made again in the middle', async () => {
    const conversation = chatGptConversation();
    const { mapping } = conversation;
    mapping.a2.parent = 'u1';
    const found = await readFile(jsonFile([conversation]));
    expect(talk(only(found)).messages).toEqual([
      ['user', 'What grows here?', -1],
      ['assistant', 'Let me look.', 0],
      ['assistant', 'Roses.', 0],
    ]);
  });

  it('have no picture that is something else', async () => {
    const found = await readFile(archive({ 'file-ABC123-x.png': strToU8('<svg onload="alert(1)"/>') }));
    expect(found.leftOut).toEqual({ tool: 1, picture: 2 });
  });
});

describe('Markdown', () => {
  const words = { you: 'You', answer: 'Answer', untitled: 'Conversation', date: () => '9 Oct 2025' };

  it('is the branch that is read', () => {
    expect(toMarkdown(sampleConversation(), words, ({ name }) => `files/${name}`)).toBe(
      [
        '# Bread / “pain”',
        '9 Oct 2025',
        '> Be brief.',
        '## You',
        '![a (1).png](files/a%20%281%29.png)',
        '[notes.txt](files/notes.txt)',
        'What is this? “é” 🥖',
        '## Answer · Gemma 3 1B',
        'A pixel.',
        '## You',
        'Really sure?',
        '## Answer · Gemma 3 1B',
        'Quite.\n',
      ].join('\n\n'),
    );
  });

  it('is an archive where there are pictures, with names that every system takes', async () => {
    const sample = sampleConversation();
    const [first] = sample.messages;
    if (first?.role !== 'user') throw new Error('no question');
    for (const name of ['../../etc/passwd', 'a (1).png', 'CON.png', '\u202egnp.exe'])
      first.attachments.push({ id: name, kind: 'picture', name, blob: png() });
    const { name, blob } = await toMarkdownFile([sample], words, 'all');
    expect(name).toBe('Bread “pain”.zip');
    const files = unzipSync(new Uint8Array(await blob.arrayBuffer()));
    expect(Object.keys(files).sort()).toEqual([
      'Bread “pain”.md',
      'Bread “pain”/_CON.png',
      'Bread “pain”/a (1) 2.png',
      'Bread “pain”/a (1).png',
      'Bread “pain”/etc passwd',
      'Bread “pain”/gnp.exe',
      'Bread “pain”/notes.txt',
    ]);
    expect(files['Bread “pain”/a (1).png']).toEqual(new Uint8Array(await png().arrayBuffer()));
  });

  it('is one file where one is enough', async () => {
    const sample = sampleConversation();
    if (sample.messages[0]?.role === 'user') sample.messages[0].attachments = [];
    const { name, blob } = await toMarkdownFile([sample], words, 'all');
    expect(name).toBe('Bread “pain”.md');
    expect(await blob.text()).toContain('# Bread');
    const two = await toMarkdownFile([sample, sample], words, 'all');
    expect(two.name).toBe('all.zip');
    expect(Object.keys(unzipSync(new Uint8Array(await two.blob.arrayBuffer())))).toEqual([
      'Bread “pain”.md',
      'Bread “pain” 2.md',
    ]);
  });
});

describe('other files', () => {
  it('are refused, each for its reason', async () => {
    const cases: [content: BlobPart, code: string][] = [
      ['', 'unreadable'],
      ['Hello', 'unreadable'],
      ['null', 'unknown'],
      ['[]', 'empty'],
      ['{"a":1}', 'unknown'],
      ['[1,2]', 'unknown'],
      [new Uint8Array([0xff, 0xfe, 0x00]), 'unreadable'],
      [zipSync({ 'a.txt': strToU8('x') }) as Uint8Array<ArrayBuffer>, 'unknown'],
      [zipSync({ 'a.jsonl': strToU8(llamaLines()) }).slice(0, 100) as Uint8Array<ArrayBuffer>, 'unreadable'],
      ['PK\x03\x04 and nothing more', 'unknown'],
      ['{"type":"session","id":"1"}\n{"type":"mess', 'unreadable'],
      ['{"type":"session","id":"1"}', 'damaged'],
      ['{"mapping":{}}', 'damaged'],
      [`{"format":"${FORMAT}","version":1,"conversations":[]}`, 'empty'],
      [`{"format":"${FORMAT}","version":1,"conversations":{}}`, 'damaged'],
    ];
    for (const [content, code] of cases) expect(await refusal(fileOf(content)), String(content)).toBe(code);
  });
});
