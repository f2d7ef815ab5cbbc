/**
 * @file The Hugging Face hub for tests: its API, its redirects to signed URLs on a CDN, and static mirrors; over http
 * for clients in Node, over https for a browser that takes it for huggingface.co. Faults happen when tests ask for
 * them.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type RunningServer, startServer } from '../serve/server.ts';
import { Cdn, CDN_PATH, type CdnOptions } from './cdn.ts';
import type { Content } from './content.ts';
import { answerPreflight } from './cors.ts';
import { Exchange } from './exchange.ts';
import { type Fault, Faults, type Matcher, matches, type SetFault } from './faults.ts';
import { Mirrors } from './mirrors.ts';
import { Repositories, type RepositoriesOptions } from './repositories.ts';
import type { RepoCard, RepoFiles } from './repository.ts';
import type { HubRequest } from './request.ts';

export type HubOptions = Partial<CdnOptions & RepositoriesOptions>;

// The key protects nothing: everybody has it, and only a browser that ignores certificate errors trusts it.
const pem = (name: string) => readFileSync(new URL(name, import.meta.url));

export class TestHub {
  /** All requests since the beginning or the last reset. */
  readonly requests: HubRequest[] = [];
  private readonly faults = new Faults();
  private readonly cdn: Cdn;
  private readonly repositories: Repositories;
  private readonly mirrors = new Mirrors();
  private servers: { http: RunningServer; https: RunningServer } | undefined;
  private reachable = true;

  constructor(options: HubOptions) {
    this.cdn = new Cdn({ urlLifetime: 3_600_000, expiredReadable: true, ...options });
    this.repositories = new Repositories({ pageSize: 5, resolveCache: false, ...options }, ({ url, record }, file) =>
      // The CDN has another origin than the hub, over http as well.
      this.cdn.sign(url.protocol === 'https:' ? 'https://cas-bridge.xethub.hf.co' : this.cdnUrl, record.repo, file),
    );
  }

  async listen(): Promise<this> {
    const routes = (scheme: 'http' | 'https') => ({
      '/': (request: IncomingMessage, response: ServerResponse) => this.handle(scheme, request, response),
    });
    const tls = { key: pem('test-key.pem'), cert: pem('test-cert.pem') };
    this.servers = { http: await startServer(routes('http')), https: await startServer(routes('https'), { tls }) };
    for (const { node } of Object.values(this.servers))
      node.on('connection', (socket) => {
        if (!this.reachable) socket.destroy();
      });
    return this;
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.servers ?? {}).map((server) => server.close()));
    this.servers = undefined;
  }

  private get running(): { http: RunningServer; https: RunningServer } {
    if (!this.servers) throw new Error('the test hub does not run');
    return this.servers;
  }

  private get cdnUrl(): string {
    return `http://localhost:${this.running.http.port}`;
  }

  /** The hub's address for clients in Node. */
  get url(): string {
    return this.running.http.origin;
  }

  /** Flags with which Chromium takes this hub for the real one. */
  get browserArgs(): string[] {
    const here = `127.0.0.1:${this.running.https.port}`;
    return [
      `--host-resolver-rules=MAP huggingface.co ${here}, MAP *.hf.co ${here}`,
      '--ignore-certificate-errors',
      '--no-proxy-server',
    ];
  }

  /** Adds a repository, in place of one of the same name. @returns its first commit */
  addRepo(id: string, files: RepoFiles, card: RepoCard = { license: 'gemma' }): Promise<string> {
    return this.repositories.add(id, files, card);
  }

  /** Makes a commit that adds and replaces files, and removes those that are null. @returns the commit */
  push(id: string, files: Record<string, Content | null>): Promise<string> {
    return this.repositories.push(id, files);
  }

  /** Adds a folder on a plain web server, in place of one of the same name. @returns its URL */
  addMirror(name: string, files: RepoFiles, { ranges = true } = {}): string {
    this.mirrors.add(name, files, ranges);
    return `${this.url}/mirror/${name}/`;
  }

  /** The next `times` answers that match go wrong. */
  fault(matcher: Matcher, fault: Fault, times = 1): SetFault {
    return this.faults.add(matcher, [fault], times);
  }

  /** The next answers that match go wrong, each in the next one of these ways. */
  faultsInTurn(matcher: Matcher, ...faults: Fault[]): SetFault {
    return this.faults.add(matcher, faults, faults.length);
  }

  clearFaults(): void {
    this.faults.clear();
  }

  /** All signed URLs so far expire, and the answers to them that are under way break. */
  expireNow(): void {
    this.cdn.expireAll();
  }

  /** Breaks all connections and takes no new ones. */
  offline(): void {
    this.reachable = false;
    for (const { node } of Object.values(this.running)) node.closeAllConnections();
  }

  online(): void {
    this.reachable = true;
  }

  /** @returns how many bytes of files were written to connections: where one broke, a little more than arrived. */
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
    await this.answer(exchange);
  }

  private async answer(exchange: Exchange): Promise<void> {
    const { request, url } = exchange;
    if (request.method !== 'GET' && request.method !== 'HEAD') exchange.answer(405, 'Method not allowed');
    // Tests need an empty page on some origin.
    else if (url.pathname === '/') exchange.answer(200, '<!doctype html>', { 'Content-Type': 'text/html' });
    else if (url.pathname.startsWith(CDN_PATH)) await this.cdn.answer(exchange);
    else await (this.mirrors.answer(exchange) ?? this.repositories.answer(exchange));
  }
}

/** Starts a hub with no repositories, on free ports. */
export const startHub = (options: HubOptions = {}): Promise<TestHub> => new TestHub(options).listen();
