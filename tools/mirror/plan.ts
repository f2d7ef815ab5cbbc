/** @file The plan of a mirror: the manifest without the hashes that are not known yet, and the URL of each file. */
import type { Dtype } from '../../protocol/engine.ts';
import type { Manifest } from '../../protocol/manifest.ts';
import { MirrorError } from './failure.ts';
import type { Hashed } from './partial-file.ts';

/** Attempts to download a file whose bytes are wrong. */
export const TRIES = 3;

export interface WantedFile {
  path: string;
  size: number;
  /** At least one of `sha256` and `gitSha1` is known. */
  sha256?: string;
  gitSha1?: string;
  parts?: string[];
}

export interface MirrorPlan {
  manifest: Omit<Manifest, 'files'>;
  /** Files, sorted by path. */
  files: WantedFile[];
  urlOf: (path: string) => string;
}

export const matchesHashes = (file: WantedFile, found: Hashed): boolean =>
  found.size === file.size &&
  (file.sha256 === undefined || file.sha256 === found.sha256) &&
  (file.gitSha1 === undefined || file.gitSha1 === found.gitSha1) &&
  (file.parts === undefined || file.parts.join() === found.parts.join());

export const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

export const sortByPath = <T extends { path: string }>(files: readonly T[]): T[] =>
  [...files].sort((a, b) => (a.path < b.path ? -1 : 1));

/** Plans one dtype of a folder that has a manifest: all files but those that only its other dtypes need. */
export function planOfManifest(manifest: Manifest, dtype: Dtype): Pick<MirrorPlan, 'manifest' | 'files'> {
  const { files, sessions, ...rest } = manifest;
  const own = sessions[dtype];
  if (!own) throw new MirrorError(`${manifest.id} has no ${dtype}; it has ${Object.keys(sessions).join(', ')}.`);
  const pathsOf = (each: typeof own) => Object.values(each).flatMap(({ graph, data }) => [graph, ...data]);
  const needed = new Set(pathsOf(own));
  const others = new Set(Object.values(sessions).flatMap(pathsOf));
  return {
    manifest: { ...rest, sessions: { [dtype]: own } },
    files: sortByPath(files.filter(({ path }) => needed.has(path) || !others.has(path))),
  };
}
