/** A server that behaves as the Hugging Face hub does towards this tool: listings, redirects to signed URLs, ranges. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Repository {
  /** What `main` is. */
  commit: string;
  /** What it was before; the files are the same. */
  older?: string[];
  card?: Record<string, unknown>;
  files: Map<string, Uint8Array>;
}

/** What goes wrong with the next answers for a file; used up one by one. */
export type Fault =
  /** The connection is cut after so many bytes. */
  | { kind: 'cut'; after: number }
  /** The file ends early. */
  | { kind: 'short'; size: number }
  /** One byte is another one. */
  | { kind: 'wrong' }
  | { kind: 'busy'; retryAfter?: string }
  /** The signed URL says that it has expired. */
  | { kind: 'expired' }
  /** The page of a network that asks to log in. */
  | { kind: 'web-page' };

/** Larger files are in LFS there, known by SHA-256; others by git's SHA-1. */
const LFS_FROM = 50_000;
/** The real hub lists by the thousand; here a page is soon full. */
const PAGE = 5;

const sha = (kind: string, ...bytes: (Uint8Array | string)[]): string => {
  const hash = createHash(kind);
  for (const each of bytes) hash.update(each);
  return hash.digest('hex');
};

export class TestHub {
  readonly repositories = new Map<string, Repository>();
  readonly faults = new Map<string, Fault[]>();
  /** Paths of files asked for, with what `Range` said. */
  readonly asked: { path: string; range: string | undefined }[] = [];
  /** Requests of any kind. */
  requests = 0;
  /** Bytes of files that were sent. */
  sent = 0;
  ranges = true;
  private server: Server | undefined;

  get url(): string {
    return `http://127.0.0.1:${(this.server?.address() as AddressInfo).port}`;
  }

  async start(): Promise<this> {
    this.server = createServer((request, response) => this.answer(request, response));
    await new Promise<void>((resolve) => this.server?.listen(0, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve));
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    this.requests++;
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url);
    const [, name, what, revision = '', rest = ''] =
      /^\/(?:api\/models\/)?([^/]+\/[^/]+)\/(revision|tree|resolve|signed)\/([^/]+)(?:\/(.*))?$/.exec(pathname) ?? [];
    const repository = this.repositories.get(name ?? '');
    if (!repository || ![repository.commit, ...(repository.older ?? []), 'main'].includes(revision)) {
      response.writeHead(401).end('Invalid username or password.');
      return;
    }
    const json = (value: unknown, headers = {}) =>
      response.writeHead(200, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(value));
    if (what === 'revision')
      json({
        _id: '1',
        id: name,
        sha: revision === 'main' ? repository.commit : revision,
        cardData: repository.card ?? {},
      });
    else if (what === 'tree') {
      const from = Number(searchParams.get('cursor') ?? 0);
      const all = [...repository.files].map(entryOf);
      const next = `<${this.url}${pathname}?recursive=true&cursor=${from + PAGE}>; rel="next"`;
      json(all.slice(from, from + PAGE), from + PAGE < all.length ? { Link: next } : {});
    } else if (what === 'resolve')
      response.writeHead(302, { Location: `${pathname.replace('/resolve/', '/signed/')}?expires=soon` }).end();
    else this.sendFile(decodeURIComponent(rest), repository, request, response);
  }

  private sendFile(path: string, { files }: Repository, request: IncomingMessage, response: ServerResponse): void {
    const right = files.get(path);
    if (!right) {
      response.writeHead(404).end();
      return;
    }
    const { range } = request.headers;
    this.asked.push({ path, range });
    const fault = this.faults.get(path)?.shift();
    if (fault?.kind === 'busy') {
      response.writeHead(429, fault.retryAfter === undefined ? {} : { 'Retry-After': fault.retryAfter }).end();
      return;
    }
    if (fault?.kind === 'expired') {
      response.writeHead(403).end();
      return;
    }
    if (fault?.kind === 'web-page') {
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<h1>Log in</h1>');
      return;
    }
    const bytes = fault?.kind === 'short' ? right.subarray(0, fault.size) : right;
    const from = this.ranges ? Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0) : 0;
    if (from >= bytes.length && from > 0) {
      response.writeHead(416).end();
      return;
    }
    const body = bytes.slice(from);
    if (fault?.kind === 'wrong') body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 1;
    response.writeHead(from > 0 ? 206 : 200, {
      'Content-Type': 'application/octet-stream',
      'Content-Length': body.length,
      ...(from > 0 && { 'Content-Range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
    });
    if (fault?.kind !== 'cut') {
      this.sent += body.length;
      response.end(body);
      return;
    }
    this.sent += fault.after;
    response.write(body.subarray(0, fault.after), () => setTimeout(() => response.destroy(), 20));
  }
}

function entryOf([path, bytes]: [string, Uint8Array]): unknown {
  const oid = sha('sha1', `blob ${bytes.length}\0`, bytes);
  if (bytes.length < LFS_FROM) return { type: 'file', path, size: bytes.length, oid };
  return {
    type: 'file',
    path,
    size: bytes.length,
    oid,
    lfs: { oid: sha('sha256', bytes), size: bytes.length, pointerSize: 132 },
  };
}
