/** A static host as most are: the site in a sub-folder, no headers but the cache's, and it can be gone. */
import { readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
};
const BASE = '/fournil/';

export class StaticHost {
  /** Paths of the files that were sent whole, once for each time. */
  readonly sent: string[] = [];
  private port = 0;
  private readonly server = createServer((request, response) => {
    this.answer(request, response);
  });

  constructor(public folder: string) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}${BASE}`;
  }

  async start(): Promise<void> {
    await new Promise<void>((done) => this.server.listen(this.port, '127.0.0.1', done));
    this.port = (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? '', this.url);
    const path = pathname.replace(BASE, '') || 'index.html';
    const file = join(this.folder, path);
    const stat = statSync(file, { throwIfNoEntry: false });
    if (!pathname.startsWith(BASE) || !stat?.isFile()) {
      response.writeHead(404).end();
      return;
    }
    const headers = {
      'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
      'Cache-Control': 'max-age=600',
      ETag: `"${stat.size}-${stat.mtimeMs}"`,
    };
    if (request.headers['if-none-match'] === headers.ETag) {
      response.writeHead(304, headers).end();
      return;
    }
    this.sent.push(path);
    response.writeHead(200, headers).end(readFileSync(file));
  }
}
