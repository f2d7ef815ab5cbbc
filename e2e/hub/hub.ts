/**
 * The Hugging Face hub for tests: its API, its redirects to signed URLs on a CDN, and static mirrors; over http for
 * clients in Node, over https for a browser that takes it for huggingface.co. Whatever can go wrong does so on demand.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Cdn, CDN_PATH, type CdnOptions } from './cdn.ts';
import type { Content } from './content.ts';
import { answerPreflight } from './cors.ts';
import { Exchange, type HubRequest } from './exchange.ts';
import { type Fault, Faults, type Matcher, matches, type SetFault } from './faults.ts';
import { Mirrors } from './mirrors.ts';
import { Repositories, type RepositoriesOptions } from './repositories.ts';
import type { RepoCard, RepoFiles } from './repository.ts';

export type HubOptions = Partial<CdnOptions & RepositoriesOptions>;

// The key protects nothing: everybody has it, and only a browser told to ignore certificates' faults trusts it.
const pem = (name: string) => readFileSync(new URL(name, import.meta.url));

export class TestHub {
  /** All requests since the beginning or the last reset. */
  readonly requests: HubRequest[] = [];
  private readonly faults = new Faults();
  private readonly cdn: Cdn;
  private readonly repositories: Repositories;
  private readonly mirrors = new Mirrors();
  private readonly http: Server;
  private readonly https: Server;
  private reachable = true;

  constructor(options: HubOptions) {
    this.cdn = new Cdn({ urlLifetime: 3_600_000, expiredReadable: true, ...options });
    this.repositories = new Repositories({ pageSize: 5, resolveCache: false, ...options }, ({ url, record }, file) =>
      // Another origin than the hub's, over http as well.
      this.cdn.sign(url.protocol === 'https:' ? 'https://cas-bridge.xethub.hf.co' : this.cdnUrl, record.repo, file),
    );
    const tls = { key: pem('test-key.pem'), cert: pem('test-cert.pem') };
    this.http = createHttpServer((request, response) => void this.handle('http', request, response));
    this.https = createHttpsServer(tls, (request, response) => void this.handle('https', request, response));
    for (const server of this.servers)
      server.on('connection', (socket) => {
        if (!this.reachable) socket.destroy();
      });
  }

  async listen(): Promise<this> {
    for (const server of this.servers) await once(server.listen(0, '127.0.0.1'), 'listening');
    return this;
  }

  async close(): Promise<void> {
    for (const server of this.servers) {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    }
  }

  private get servers(): Server[] {
    return [this.http, this.https];
  }

  private get cdnUrl(): string {
    return `http://localhost:${portOf(this.http)}`;
  }

  /** For clients in Node. */
  get url(): string {
    return `http://127.0.0.1:${portOf(this.http)}`;
  }

  /** Flags with which Chromium takes this hub for the real one. */
  get browserArgs(): string[] {
    const here = `127.0.0.1:${portOf(this.https)}`;
    return [
      `--host-resolver-rules=MAP huggingface.co ${here}, MAP *.hf.co ${here}`,
      '--ignore-certificate-errors',
      '--no-proxy-server',
    ];
  }

  /** @returns the commit. */
  addRepo(id: string, files: RepoFiles, card: RepoCard = { license: 'gemma' }): Promise<string> {
    return this.repositories.add(id, files, card);
  }

  /** A new commit, which adds and replaces files, or removes those that are null. @returns the commit. */
  push(id: string, files: Record<string, Content | null>): Promise<string> {
    return this.repositories.push(id, files);
  }

  /** A folder on a plain web server, in place of the one that had the name. @returns its URL. */
  addMirror(name: string, files: RepoFiles, { ranges = true } = {}): string {
    this.mirrors.add(name, files, ranges);
    return `${this.url}/mirror/${name}/`;
  }

  /** The next `times` answers that match go wrong. */
  fault(matcher: Matcher, fault: Fault, times = 1): SetFault {
    return this.faults.add(matcher, fault, times);
  }

  clearFaults(): void {
    this.faults.clear();
  }

  /** All signed URLs handed out so far end, and so do the answers to them that are under way. */
  expireNow(): void {
    this.cdn.expireAll();
  }

  /** Breaks all connections and takes no new ones. */
  offline(): void {
    this.reachable = false;
    for (const server of this.servers) server.closeAllConnections();
  }

  online(): void {
    this.reachable = true;
  }

  /** Files' bytes that were written to connections; a little more than arrived, where one broke. */
  bytesSent(matcher: Matcher = /^/): number {
    return this.requests.filter((request) => matches(matcher, request)).reduce((total, { bytes }) => total + bytes, 0);
  }

  /** Forgets requests and faults. */
  reset(): void {
    this.requests.length = 0;
    this.clearFaults();
  }

  private async handle(scheme: 'http' | 'https', request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'OPTIONS') {
      answerPreflight(request, response);
      return;
    }
    const url = new URL(request.url ?? '/', `${scheme}://${request.headers.host ?? 'huggingface.co'}`);
    const exchange = new Exchange(url, request, response, this.faults);
    this.requests.push(exchange.record);
    try {
      await this.answer(exchange);
    } catch (error) {
      console.error(error);
      response.destroy();
    }
  }

  private async answer(exchange: Exchange): Promise<void> {
    const { request, url } = exchange;
    if (request.method !== 'GET' && request.method !== 'HEAD') exchange.answer(405, 'Method not allowed');
    // An empty page, for tests that need one on some origin.
    else if (url.pathname === '/') exchange.answer(200, '<!doctype html>', { 'Content-Type': 'text/html' });
    else if (url.pathname.startsWith(CDN_PATH)) await this.cdn.answer(exchange);
    else await (this.mirrors.answer(exchange) ?? this.repositories.answer(exchange));
  }
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

export const startHub = (options: HubOptions = {}): Promise<TestHub> => new TestHub(options).listen();
