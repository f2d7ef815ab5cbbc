/**
 * Imports 500 malformed files in a real browser: each is imported or refused, and stored conversations stay unchanged.
 */
import { strToU8, zipSync } from 'fflate';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Database } from '../database.ts';
import { Tree } from '../tree.ts';
import { ImportError } from './format.ts';
import { readFile } from './read-file.ts';
import { addImported } from './add-imported.ts';
import { chatGptConversation, llamaLines, llamaSession, sampleConversation } from './testing/samples.ts';
import { toJson } from './write-json.ts';

/** A seeded pseudo-random generator (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const HOSTILE: readonly unknown[] = [
  null,
  '',
  '<img src=x onerror="globalThis.harmed=1">',
  '__proto__',
  'constructor',
  -1,
  1e308,
  true,
  [],
  {},
  [[[[[[]]]]]],
  { __proto__: { harmed: 1 } },
  JSON.parse('{"__proto__": {"harmed": 1}}') as unknown,
  'x'.repeat(100_000),
  '\u0000\ud800',
];

/** Replaces or deletes random values of the JSON. */
function changed(json: string, random: () => number): string {
  const places: { at: Record<string, unknown>; key: string }[] = [];
  const root = JSON.parse(json) as Record<string, unknown>;
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value)) {
      places.push({ at: value as Record<string, unknown>, key });
      walk((value as Record<string, unknown>)[key]);
    }
  };
  walk(root);
  for (let i = 0; i <= random() * 3; i++) {
    const place = places[Math.floor(random() * places.length)];
    if (!place) break;
    if (random() < 0.2) Reflect.deleteProperty(place.at, place.key);
    else place.at[place.key] = HOSTILE[Math.floor(random() * HOSTILE.length)];
  }
  return JSON.stringify(root);
}

function damagedBytes(bytes: Uint8Array, random: () => number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  const at = Math.floor(random() * copy.length);
  if (random() < 0.4) return copy.slice(0, at);
  for (let i = 0; i < 1 + random() * 20; i++) copy[Math.floor(random() * copy.length)] = Math.floor(random() * 256);
  return copy;
}

describe('files that are malformed', () => {
  it('harm nothing, whatever is in them', async () => {
    const database = new Database('malformed');
    onTestFinished(() => database.close());
    const stored = sampleConversation();
    await database.add([stored]);
    const json = await (await toJson([sampleConversation()])).text();
    const gpt = JSON.stringify([chatGptConversation()]);
    const archive = zipSync({ 'conversations.json': strToU8(gpt), 'file-ABC123-garden.png': new Uint8Array(70) });
    const lines = llamaLines();
    const random = randomFrom(7);
    const outcomes = { taken: 0, refused: 0 };
    for (let i = 0; i < 500; i++) {
      const content: BlobPart[] = [
        [changed(json, random)],
        [changed(gpt, random)],
        [changed(JSON.stringify(llamaSession()), random)],
        [damagedBytes(archive, random)],
        [damagedBytes(strToU8(json), random)],
        [damagedBytes(strToU8(lines), random)],
        [
          lines
            .split('\n')
            .toSorted(() => random() - 0.5)
            .join('\n'),
        ],
      ][i % 7] as BlobPart[];
      const before = new Map((await database.list()).map((record) => [record.id, record]));
      try {
        const report = await addImported(await readFile(new File(content, '<script>.json')), database);
        outcomes.taken += report.conversations;
      } catch (cause) {
        if (!(cause instanceof ImportError)) throw cause;
        outcomes.refused += 1;
      }
      // Stored conversations are unchanged.
      const after = await database.list();
      for (const record of after) if (before.has(record.id)) expect(record).toEqual(before.get(record.id));
      expect(after.length).toBeGreaterThanOrEqual(before.size);
    }
    // Both outcomes must occur for the test to mean anything. Most readable files are duplicates.
    expect(outcomes.taken).toBeGreaterThan(10);
    expect(outcomes.refused).toBeGreaterThan(100);
    // Every imported conversation is a valid tree.
    for (const record of await database.list()) {
      const messages = await database.messagesOf(record.id);
      const tree = Tree.of(messages, record.leaf);
      expect(tree.size).toBe(messages.length);
      expect(tree.leaf).toBe(record.leaf);
      expect(typeof record.title).toBe('string');
      for (const message of messages) expect(typeof message.text).toBe('string');
    }
    expect('harmed' in globalThis || 'harmed' in {}).toBe(false);
    expect(await database.messagesOf(stored.record.id)).toHaveLength(stored.messages.length);
  });
});
