/** @file The answers of huggingface.co itself: the API on model repositories, small files, redirects to the CDN. */
import { randomUUID } from 'node:crypto';
import { xetHash } from './cdn.ts';
import { type Content, fromBytes } from './content.ts';
import { allowHub } from './cors.ts';
import { type Exchange, matchPath } from './exchange.ts';
import { isLarge, type LargeFile, type RepoCard, type RepoFiles, Repository } from './repository.ts';
import { sendFile } from './send.ts';

const ID = '(?<id>[^/]+(?:/[^/]+)?)';
const REVISION = '(?<revision>[^/]+)';
const INFO = new RegExp(`^/api/models/${ID}/revision/${REVISION}$`);
const TREE = new RegExp(`^/api/models/${ID}/tree/${REVISION}(?:/(?<path>.+))?$`);
const FILE = new RegExp(`^/${ID}/(?<how>resolve|raw)/${REVISION}/(?<path>.+)$`);
const CACHED_FILE = new RegExp(`^/api/(?<how>resolve-cache)/models/${ID}/${REVISION}/(?<path>.+)$`);

interface FileRef {
  id: string;
  revision: string;
  path: string;
}

export interface RepositoriesOptions {
  /** Number of a listing's entries in one answer. */
  pageSize: number;
  /** Small files are redirected to /api/resolve-cache, as the real hub does lately. */
  resolveCache: boolean;
}

export class Repositories {
  private readonly known = new Map<string, Repository>();

  /** @param sign makes the URL of a large file on the CDN */
  constructor(
    private readonly options: RepositoriesOptions,
    private readonly sign: (exchange: Exchange, file: LargeFile) => string,
  ) {}

  /** @returns the commit. */
  add(id: string, files: RepoFiles, card: RepoCard): Promise<string> {
    const repository = new Repository(id, card);
    this.known.set(id, repository);
    return repository.push(files);
  }

  /** @returns the commit. */
  push(id: string, files: Record<string, Content | null>): Promise<string> {
    const repository = this.known.get(id);
    if (!repository) throw new Error(`there is no repository ${id}`);
    return repository.push(files);
  }

  async answer(exchange: Exchange): Promise<void> {
    const { request, response, url } = exchange;
    allowHub(request, response);
    response.setHeader('X-Request-Id', `Root=${randomUUID()}`);
    const info = matchPath<'id' | 'revision'>(INFO, url);
    const tree = matchPath<keyof FileRef>(TREE, url);
    const file = matchPath<keyof FileRef | 'how'>(CACHED_FILE, url) ?? matchPath<keyof FileRef | 'how'>(FILE, url);
    if (info) this.answerInfo(exchange, info);
    else if (tree) this.answerTree(exchange, tree);
    else if (file) await this.answerFile(exchange, file);
    else exchange.answer(404, 'Not found');
  }

  /** Looks for a commit, and answers with the error where there is no such repository or revision. */
  private find(exchange: Exchange, id: string, revision: string): { repository: Repository; commit: string } | null {
    const repository = this.known.get(id);
    if (!repository) {
      // The real hub does not tell strangers whether a repository is private or does not exist.
      exchange.answerError(401, 'RepoNotFound', 'Invalid username or password.');
      return null;
    }
    const commit = repository.commit(revision);
    if (commit) return { repository, commit };
    exchange.answerError(404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
    return null;
  }

  private answerInfo(exchange: Exchange, { id, revision }: Omit<FileRef, 'path'>): void {
    exchange.record.kind = 'api';
    if (exchange.refused()) return;
    const found = this.find(exchange, id, revision);
    if (!found) return;
    const asked = exchange.url.searchParams.getAll('expand');
    const info = Object.entries(found.repository.info(found.commit));
    const wanted = asked.length ? info.filter(([key]) => ['_id', 'id', ...asked].includes(key)) : info;
    exchange.answerJson(200, Object.fromEntries(wanted));
  }

  private answerTree(exchange: Exchange, { id, revision, path }: FileRef): void {
    const { url, record } = exchange;
    record.kind = 'api';
    if (exchange.refused()) return;
    const found = this.find(exchange, id, revision);
    if (!found) return;
    const entries = found.repository.tree(found.commit, path, url.searchParams.get('recursive') === 'true');
    if (!entries) {
      exchange.answerError(404, 'EntryNotFound', `${path} does not exist on "${revision}"`);
      return;
    }
    const start = Number(Buffer.from(url.searchParams.get('cursor') ?? '', 'base64url').toString());
    const end = start + this.options.pageSize;
    const next = new URL(url);
    next.searchParams.set('cursor', Buffer.from(String(end)).toString('base64url'));
    exchange.answerJson(
      200,
      entries.slice(start, end),
      end < entries.length ? { Link: `<${next.href}>; rel="next"` } : {},
    );
  }

  private async answerFile(exchange: Exchange, { how, id, revision, path }: FileRef & { how: string }): Promise<void> {
    const { response, record } = exchange;
    record.kind = 'resolve';
    record.repo = id;
    // The bytes of a pointer do not count as the file's.
    if (how !== 'raw') record.path = path;
    if (exchange.refused()) return;
    const found = this.find(exchange, id, revision);
    if (!found) return;
    response.setHeader('X-Repo-Commit', found.commit);
    const file = found.repository.file(found.commit, path);
    if (!file) exchange.answerError(404, 'EntryNotFound', 'Entry not found');
    else if (isLarge(file) && how === 'raw') await sendFile(exchange, fromBytes(file.lfs.pointer), `"${file.oid}"`);
    else if (isLarge(file)) this.redirect(exchange, file);
    else if (how === 'resolve' && this.options.resolveCache) {
      const Location = encodeURI(`/api/resolve-cache/models/${id}/${found.commit}/${path}`);
      exchange.answer(307, `Temporary Redirect. Redirecting to ${Location}`, { Location });
    } else {
      response.setHeader('Content-Type', path.endsWith('.json') ? 'application/json' : 'text/plain; charset=utf-8');
      await sendFile(exchange, file.content, `"${file.oid}"`);
    }
  }

  private redirect(exchange: Exchange, file: LargeFile): void {
    const Location = this.sign(exchange, file);
    exchange.answer(302, `Found. Redirecting to ${Location}`, {
      Location,
      'Accept-Ranges': 'bytes',
      'X-Linked-Size': file.content.size,
      'X-Linked-ETag': `"${file.lfs.sha256}"`,
      'X-Xet-Hash': xetHash(file.lfs.sha256),
    });
  }
}
