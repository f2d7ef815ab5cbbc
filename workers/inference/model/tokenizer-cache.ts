/**
 * A stored model's tokenizer in compact form, derived when the model is first loaded and deleted with it. The file begins with
 * the hash of its content, and a damaged one is derived again.
 */
import { EngineError } from '../../../protocol/engine.ts';
import {
  type CompactTokenizer,
  compactTokenizer,
  decodeTokenizer,
  encodeTokenizer,
} from '../prompt/compact-tokenizer.ts';
import type { ModelFolder } from './model-folder.ts';

const FILE = 'tokenizer.json';
const HASH_BYTES = 32;

const sha256 = async (bytes: BufferSource) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));

/**
 * Opens the tokenizer of a model folder.
 * @param folder the model folder
 * @returns the tokenizer's tables
 * @throws EngineError `model-missing`, `model-damaged`, `model-unsupported`
 */
export async function openTokenizer({ json, manifest, derivedFiles }: ModelFolder): Promise<CompactTokenizer> {
  const source = manifest.files.find(({ path }) => path === FILE);
  if (!source) throw new EngineError('model-missing', `${FILE} is not in the model folder`);
  const name = `tokenizer-${source.sha256}.bin`;
  const stored = await derivedFiles?.read(name);
  const opened = stored && (await open(stored));
  if (opened) return opened;
  const derived = compactTokenizer(await json(FILE));
  if (derivedFiles) {
    const bytes = encodeTokenizer(derived);
    // If it cannot be stored, the next loading derives it again.
    await derivedFiles.write(name, [await sha256(bytes), bytes]).catch(() => undefined);
  }
  return derived;
}

async function open(buffer: ArrayBuffer): Promise<CompactTokenizer | null> {
  if (buffer.byteLength <= HASH_BYTES) return null;
  const content = buffer.slice(HASH_BYTES);
  const hash = await sha256(content);
  const wanted = new Uint8Array(buffer, 0, HASH_BYTES);
  return hash.every((byte, i) => byte === wanted[i]) ? decodeTokenizer(content) : null;
}
