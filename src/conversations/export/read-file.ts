/**
 * Reads any file of conversations: our own, llama.cpp's and ChatGPT's, recognised by content. Nothing is stored here,
 * so a file that is refused changes nothing.
 */
import { isArchive, unpack } from './archive.ts';
import { ExtractedStrings } from './extract-base64.ts';
import { Damaged } from './fields.ts';
import { addLeftOut, FORMAT, type ImportedConversations, ImportError, emptyImport } from './format.ts';
import { assetIdsIn, type FindAsset, isChatGpt, readChatGpt } from './read-chatgpt.ts';
import { readLlama, sessionsOf } from './read-llama.ts';
import { readOwn } from './read-own.ts';

/** @throws ImportError */
export async function readFile(file: File): Promise<ImportedConversations> {
  try {
    const found = (await isArchive(file)) ? await readArchive(file) : await readText(file, file.lastModified);
    if (found.conversations.length > 0) return found;
    throw new ImportError(found.leftOut.conversation ? 'damaged' : 'empty', found.damage);
  } catch (cause) {
    throw cause instanceof Damaged ? new ImportError('damaged', cause.message) : cause;
  }
}

async function readText(file: Blob, saved: number, findAsset: FindAsset = () => null): Promise<ImportedConversations> {
  const { text, strings } = await ExtractedStrings.read(file);
  const sessions = sessionsOf(text);
  if (sessions) return readLlama(sessions, strings, saved);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ImportError('unreadable', String(cause));
  }
  if (typeof value !== 'object' || value === null) throw new ImportError('unknown');
  if ('format' in value && value.format === FORMAT) return readOwn(value, strings);
  const list = Array.isArray(value) ? (value as unknown[]) : [value];
  if (list.some(isChatGpt)) return readChatGpt(list, findAsset, saved);
  if (list.some(isSession)) return readLlama(list, strings, saved);
  throw new ImportError(Array.isArray(value) && value.length === 0 ? 'empty' : 'unknown');
}

const isSession = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, 'conv') && Object.hasOwn(value, 'messages');

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** ChatGPT's list of conversations, which newer exports split into several files. */
const isList = (name: string): boolean => /^conversations(-\d+)?\.json$/.test(baseName(name));
const isLines = (name: string): boolean => name.endsWith('.jsonl');

async function readArchive(file: File): Promise<ImportedConversations> {
  const lists = await unpack(file, (name) => isList(name) || isLines(name));
  if (lists.size === 0) throw new ImportError('unknown');
  const wanted = new Set<string>();
  for (const [name, blob] of lists)
    if (isList(name)) for (const id of assetIdsIn((await ExtractedStrings.read(blob)).text)) wanted.add(id);
  const idOf = (path: string): string | undefined => assetIdsOf(path).find((id) => wanted.has(id));
  const assets = new Map<string, { name: string; blob: Blob }>();
  if (wanted.size > 0)
    for (const [path, blob] of await unpack(file, (name) => idOf(name) !== undefined))
      assets.set(idOf(path) ?? '', { name: baseName(path), blob });
  const all = emptyImport('chatgpt');
  for (const blob of lists.values()) {
    const { source, conversations, leftOut, damage } = await readText(
      blob,
      file.lastModified,
      (id) => assets.get(id) ?? null,
    );
    all.source = source;
    all.conversations.push(...conversations);
    addLeftOut(all.leftOut, leftOut);
    all.damage ||= damage;
  }
  return all;
}

/** File names begin with the asset's id: `file-abc-photo.png`, `file-abc.dat`, `file_abc-sanitized.jpeg`. */
function assetIdsOf(path: string): string[] {
  const name = baseName(path);
  const ends = [...name.matchAll(/[-._]/g)].map(({ index }) => index).filter((end) => end > 'file-'.length - 1);
  return ends.map((end) => name.slice(0, end));
}
