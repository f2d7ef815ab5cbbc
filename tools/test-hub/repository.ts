/** @file A model repository with its commits, and what the hub's API says about it. */
import { createHash } from 'node:crypto';
import { type Content, readAll } from './content.ts';

export type RepoFiles = Record<string, Content>;

export interface RepoCard {
  license: string;
  base_model?: string | string[];
}

/** The real hub keeps these files in LFS: by its default .gitattributes, or because they are large. */
const belongsInLfs = (path: string, { size }: Content) =>
  /\.(onnx|onnx_data(_\d+)?|bin|safetensors)$/.test(path) || path === 'tokenizer.json' || size > 10 * 1024 * 1024;

const sha1 = (bytes: Buffer | string) => createHash('sha1').update(bytes).digest('hex');
const gitBlob = (bytes: Buffer) => sha1(Buffer.concat([Buffer.from(`blob ${bytes.length}\0`), bytes]));
const lfsPointer = (sha256: string, size: number) =>
  Buffer.from(`version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize ${size}\n`);

export interface RepoFile {
  path: string;
  content: Content;
  /** SHA-1 of git's blob, which for a large file is a pointer. */
  oid: string;
  lfs?: { sha256: string; pointer: Buffer };
}

export type LargeFile = RepoFile & Required<Pick<RepoFile, 'lfs'>>;
export const isLarge = (file: RepoFile): file is LargeFile => file.lfs !== undefined;

async function describe(path: string, content: Content): Promise<RepoFile> {
  if (!belongsInLfs(path, content)) return { path, content, oid: gitBlob(await readAll(content)) };
  const { sha256 } = await content.hashes();
  const pointer = lfsPointer(sha256, content.size);
  return { path, content, oid: gitBlob(pointer), lfs: { sha256, pointer } };
}

export interface TreeEntry {
  type: 'file' | 'directory';
  oid: string;
  size: number;
  path: string;
  lfs?: { oid: string; size: number; pointerSize: number };
}

const fileEntry = ({ path, content: { size }, oid, lfs }: RepoFile): TreeEntry => ({
  type: 'file',
  oid,
  size,
  ...(lfs ? { lfs: { oid: lfs.sha256, size, pointerSize: lfs.pointer.length } } : {}),
  path,
});

export class Repository {
  private readonly commits = new Map<string, Map<string, RepoFile>>();
  /** The commit that `main` names. */
  head = '';
  /** Time of the last commit. */
  changed = new Date();

  constructor(
    readonly id: string,
    readonly card: RepoCard,
  ) {}

  /** Makes a commit that adds and replaces files, and removes those that are null. @returns its id */
  async push(files: Record<string, Content | null>): Promise<string> {
    const tree = new Map(this.commits.get(this.head));
    for (const [path, content] of Object.entries(files))
      if (content) tree.set(path, await describe(path, content));
      else tree.delete(path);
    this.head = sha1(`${this.id} ${this.commits.size} ${[...tree.values()].map(({ oid }) => oid).join(' ')}`);
    this.commits.set(this.head, tree);
    this.changed = new Date();
    return this.head;
  }

  /** @returns the commit that a branch or commit names; null where there is none. */
  commit(revision: string): string | null {
    if (revision === 'main' || revision === 'HEAD') return this.head;
    return this.commits.has(revision) ? revision : null;
  }

  file(commit: string, path: string): RepoFile | undefined {
    return this.commits.get(commit)?.get(path);
  }

  info(commit: string): object {
    return {
      _id: sha1(this.id).slice(0, 24),
      id: this.id,
      sha: commit,
      private: false,
      gated: false,
      downloads: 12_345,
      likes: 67,
      lastModified: this.changed.toISOString(),
      cardData: this.card,
      pipeline_tag: 'image-text-to-text',
      siblings: [...(this.commits.get(commit)?.keys() ?? [])].sort().map((rfilename) => ({ rfilename })),
    };
  }

  /** @returns the entries of a folder; null where there is no such folder. */
  tree(commit: string, folder: string, recursive: boolean): TreeEntry[] | null {
    const base = folder ? `${folder}/` : '';
    const entries = new Map<string, TreeEntry>();
    for (const [path, file] of this.commits.get(commit) ?? []) {
      if (!path.startsWith(base)) continue;
      const names = path.slice(base.length).split('/');
      for (let depth = 1; depth < names.length && (recursive || depth === 1); depth++) {
        const directory = base + names.slice(0, depth).join('/');
        entries.set(directory, { type: 'directory', oid: sha1(directory), size: 0, path: directory });
      }
      if (recursive || names.length === 1) entries.set(path, fileEntry(file));
    }
    if (!entries.size && folder) return null;
    return [...entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }
}
