/** @file Where a model comes from: its model card, and a revision that names exactly these bytes. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ManifestFile } from '../../protocol/manifest.ts';

/**
 * Names the contents of files.
 * @param files of the model folder, sorted by path.
 * @returns 16 hex digits of a SHA-256 over their hashes and paths, the same on every machine.
 */
export function revisionOf(files: readonly ManifestFile[]): string {
  const hash = createHash('sha256');
  for (const { path, sha256 } of files) hash.update(`${sha256}  ${path}\n`);
  return hash.digest('hex').slice(0, 16);
}

/**
 * Reads licence and base model from the front matter of the checkpoint's README.md (a Hugging Face model card).
 * @param folder the checkpoint.
 * @param rawConfig its config.json, whose `_name_or_path` may name the base model.
 * @returns `unknown` and an empty text where nothing is said.
 */
export async function modelCard(
  folder: string,
  rawConfig: Readonly<Record<string, unknown>>,
): Promise<{ licence: string; baseModel: string }> {
  const text = await readFile(join(folder, 'README.md'), 'utf8').catch(() => '');
  const front = /^---\r?\n([\s\S]*?)\r?\n---/.exec(text)?.[1] ?? '';
  const value = (key: string): string => {
    const match = new RegExp(`^${key}:[ \\t]*(?:\\r?\\n[ \\t]*-[ \\t]*)?(.*)$`, 'm').exec(front)?.[1] ?? '';
    return match.trim().replace(/^(['"])(.*)\1$/, '$2');
  };
  const named = rawConfig['_name_or_path'];
  return {
    licence: value('license_name') || value('license') || 'unknown',
    baseModel: value('base_model') || (typeof named === 'string' && !named.startsWith('/') ? named : ''),
  };
}
