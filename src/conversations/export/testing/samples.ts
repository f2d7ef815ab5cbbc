/** Minimal conversations and files of other programs that contain every feature. */
import type { AnswerRecord, QuestionRecord, WholeConversation } from '../../records.ts';

/** A PNG of one pixel, in base64. */
export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
export const png = (): Blob => new Blob([Uint8Array.from(atob(PNG), (c) => c.charCodeAt(0))], { type: 'image/png' });

const ids = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const CONVERSATION = ids(0);

const question = (n: number, parent: number | null, text: string): QuestionRecord => ({
  id: ids(n),
  conversation: CONVERSATION,
  parent: parent === null ? null : ids(parent),
  created: 1_760_000_000_000 + n,
  role: 'user',
  text,
  attachments: [],
});
const answer = (n: number, parent: number, text: string): AnswerRecord => ({
  id: ids(n),
  conversation: CONVERSATION,
  parent: ids(parent),
  created: 1_760_000_000_000 + n,
  role: 'assistant',
  text,
  model: 'Gemma 3 1B',
  finish: {
    reason: 'stop',
    usage: { promptTokens: 12, reusedTokens: 3, generatedTokens: 4, contextTokens: 2048 },
    timing: { timeToFirstToken: 120.5, prefillRate: 300, decodeRate: 12.25 },
  },
  error: null,
});

/** A conversation with two versions of the second question, and a first answer that failed and was regenerated. */
export function sampleConversation(): WholeConversation {
  const first = question(1, null, 'What is this? “é” 🥖');
  first.attachments = [
    { id: ids(90), kind: 'picture', name: 'a (1).png', blob: png() },
    {
      id: ids(91),
      kind: 'document',
      name: 'notes.txt',
      blob: new Blob(['Ça va'], { type: 'text/plain' }),
      text: 'Ça va',
    },
  ];
  const failed: AnswerRecord = {
    ...answer(2, 1, ''),
    finish: null,
    error: { code: 'device-lost', detail: 'gone' },
  };
  return {
    record: {
      id: CONVERSATION,
      title: 'Bread / “pain”',
      named: true,
      pinned: true,
      created: 1_760_000_000_000,
      updated: 1_760_000_000_009,
      setup: {
        model: { key: 'hub:google/gemma', id: 'google/gemma-3-1b-it' },
        system: 'Be brief.',
        sampling: { temperature: 0.5, seed: 7 },
        maxNewTokens: 300,
      },
      memory: { from: ids(4), summary: 'We looked at a pixel.', whenFull: 'leaveOut' },
      leaf: ids(7),
    },
    messages: [
      first,
      failed,
      answer(3, 1, 'A pixel.'),
      question(4, 3, 'Sure?'),
      answer(5, 4, 'Yes.'),
      question(6, 3, 'Really sure?'),
      answer(7, 6, 'Quite.'),
    ],
  };
}

const llamaMessage = (id: string, parent: string | null, role: string, content: string, more: object = {}) => ({
  id,
  convId: 'conv-1',
  type: id === 'root' ? 'root' : 'text',
  timestamp: 1_750_000_000_000,
  role,
  content,
  parent,
  children: [],
  ...more,
});

/** A conversation in the older format of llama.cpp's web UI. */
export const llamaSession = () => ({
  conv: { id: 'conv-1', name: 'Llamas', lastModified: 1_750_000_009_000, currNode: 'a2' },
  messages: [
    llamaMessage('root', null, 'system', ''),
    llamaMessage('sys', 'root', 'system', 'Talk like a llama.', { type: 'system' }),
    llamaMessage('u1', 'sys', 'user', 'Hello', {
      extra: [
        { type: 'IMAGE', name: 'dot.png', base64Url: `data:image/png;base64,${PNG}` },
        { type: 'TEXT', name: 'n.txt', content: 'Notes' },
        { type: 'AUDIO', name: 'a.wav', base64Data: 'AAAA', mimeType: 'audio/wav' },
      ],
    }),
    llamaMessage('t1', 'u1', 'assistant', '', { toolCalls: '[{"id":"1"}]', reasoningContent: 'Hm.' }),
    llamaMessage('t2', 't1', 'tool', '42', { toolCallId: '1' }),
    llamaMessage('a1', 't2', 'assistant', 'Hm, 42.', { model: 'llama-3' }),
    llamaMessage('a2', 'u1', 'assistant', 'Hello!', { model: 'llama-3' }),
  ],
});

/** The same in its present format, JSON lines. */
export const llamaLines = (session = llamaSession()): string =>
  [
    { type: 'session', harness: 'llama.app', ...session.conv },
    ...session.messages.map((message) => ({ type: 'message', message })),
  ]
    .map((record) => JSON.stringify(record))
    .join('\n');

const node = (id: string, parent: string | null, children: string[], message: object | null) => ({
  id,
  parent,
  children,
  message: message && { id, create_time: 1_700_000_000.5, recipient: 'all', metadata: {}, ...message },
});
const said = (role: string, ...parts: unknown[]) => ({
  author: { role, name: null, metadata: {} },
  content: { content_type: parts.length > 1 ? 'multimodal_text' : 'text', parts },
});

/** A conversation of ChatGPT's conversations.json. */
export const chatGptConversation = () => ({
  title: 'Gardens',
  create_time: 1_700_000_000,
  update_time: 1_700_000_100.25,
  current_node: 'a2',
  conversation_id: 'c-1',
  mapping: {
    root: node('root', null, ['sys'], null),
    sys: node('sys', 'root', ['u1'], said('system', '')),
    u1: node(
      'u1',
      'sys',
      ['a1'],
      said(
        'user',
        { content_type: 'image_asset_pointer', asset_pointer: 'file-service://file-ABC123', size_bytes: 70 },
        { content_type: 'image_asset_pointer', asset_pointer: 'sediment://file_00gone', size_bytes: 70 },
        'What grows here?',
      ),
    ),
    a1: node('a1', 'u1', ['tool'], { ...said('assistant', 'Let me look.'), metadata: { model_slug: 'gpt-4o' } }),
    tool: node('tool', 'a1', ['a2'], said('tool', '{"result":1}')),
    a2: node('a2', 'tool', [], { ...said('assistant', 'Roses.'), metadata: { model_slug: 'gpt-4o' } }),
  },
});
