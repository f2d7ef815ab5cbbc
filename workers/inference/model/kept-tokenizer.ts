/**
 * A stored model's tokenizer in its compact form, made at the first loading and kept beside what the store knows of the
 * model, with which it is deleted. Its hash comes first: what is damaged is made again.
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

/** @throws EngineError `model-missing`, `model-damaged`, `model-unsupported` */
export async function openTokenizer({ json, manifest, kept }: ModelFolder): Promise<CompactTokenizer> {
  const source = manifest.files.find(({ path }) => path === FILE);
  if (!source) throw new EngineError('model-missing', `${FILE} is not in the model folder`);
  const name = `tokenizer-${source.sha256}.bin`;
  const known = await kept?.read(name);
  const opened = known && (await open(known));
  if (opened) return opened;
  const made = compactTokenizer(await json(FILE));
  if (kept) {
    const bytes = encodeTokenizer(made);
    // Without room for it the next loading takes as long as this one.
    await kept.write(name, [await sha256(bytes), bytes]).catch(() => undefined);
  }
  return made;
}

async function open(buffer: ArrayBuffer): Promise<CompactTokenizer | null> {
  if (buffer.byteLength <= HASH_BYTES) return null;
  const content = buffer.slice(HASH_BYTES);
  const hash = await sha256(content);
  const wanted = new Uint8Array(buffer, 0, HASH_BYTES);
  return hash.every((byte, i) => byte === wanted[i]) ? decodeTokenizer(content) : null;
}
