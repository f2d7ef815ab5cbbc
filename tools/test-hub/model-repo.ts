/** @file Repositories and mirrors for tests, made from a model folder on a disk. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Manifest, parseManifest } from '../../protocol/manifest.ts';
import { revisionOf } from '../export/provenance.ts';
import { fromBytes, fromFile, generate } from './content.ts';
import type { RepoFiles } from './repository.ts';

export const MANIFEST = 'manifest.json';
export const PADDING = 'onnx/padding.bin';

async function folderFiles(folder: string): Promise<RepoFiles> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
  const files = paths.map(async (path) => {
    const name = path.slice(join(folder, '/').length).replaceAll('\\', '/');
    return [name, await fromFile(path)] as const;
  });
  return Object.fromEntries(await Promise.all(files));
}

/**
 * @returns a folder's files as others publish them: without a manifest, so that only hashes of whole files are known.
 */
export async function stockRepo(folder: string): Promise<RepoFiles> {
  const files = await folderFiles(folder);
  return Object.fromEntries(Object.entries(files).filter(([path]) => path !== MANIFEST));
}

export interface OwnRepo {
  /** Bytes of a file that nothing reads and that makes a small model as large as a test wants. */
  padding?: number;
  /** The model's id, in place of the folder's. */
  id?: string;
}

/** @returns a folder's files with the manifest, so that hashes of parts are known. */
export async function ownRepo(folder: string, { padding = 0, id }: OwnRepo = {}): Promise<RepoFiles> {
  const files = await folderFiles(folder);
  const manifest: Manifest = parseManifest(JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')));
  if (id !== undefined) manifest.id = id;
  if (padding) {
    const content = generate(padding);
    files[PADDING] = content;
    manifest.files.push({ path: PADDING, size: padding, ...(await content.hashes()) });
    manifest.revision = revisionOf(manifest.files);
  }
  return { ...files, [MANIFEST]: fromBytes(`${JSON.stringify(manifest, null, 1)}\n`) };
}
