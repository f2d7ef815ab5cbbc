/** A request and its answer, on the record. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Faults } from './faults.ts';

/** What a test can read of a request. */
export interface HubRequest {
  kind: 'api' | 'resolve' | 'cdn' | 'mirror' | 'other';
  method: string;
  host: string;
  /** Of a repository's file: the repository. Of anything else: ''. */
  repo: string;
  /** Of a file: its path in the repository or mirror. Of anything else: the URL's. */
  path: string;
  range: string | null;
  /** 0 until it is answered. */
  status: number;
  /** Of the file's, written to the connection so far. */
  bytes: number;
}

export class Exchange {
  readonly record: HubRequest;

  constructor(
    readonly url: URL,
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    readonly faults: Faults,
  ) {
    const { method = 'GET', headers } = request;
    const range = headers.range ?? null;
    this.record = { kind: 'other', method, host: url.host, repo: '', path: url.pathname, range, status: 0, bytes: 0 };
  }

  answer(status: number, body: string, headers: OutgoingHttpHeaders = {}): void {
    this.record.status = status;
    this.response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...headers });
    this.response.end(this.request.method === 'HEAD' ? undefined : body);
  }

  answerJson(status: number, body: unknown, headers: OutgoingHttpHeaders = {}): void {
    this.answer(status, JSON.stringify(body), { 'Content-Type': 'application/json; charset=utf-8', ...headers });
  }

  /** As the hub tells of errors. */
  answerError(status: number, code: string, message: string): void {
    this.answerJson(status, { error: message }, { 'X-Error-Code': code, 'X-Error-Message': message });
  }

  /** @returns true where a fault gave the answer. */
  refused(): boolean {
    const { status, retryAfter } = this.faults.strike(this.record, (fault) => fault.status !== undefined);
    if (status === undefined) return false;
    const headers = retryAfter === undefined ? {} : { 'Retry-After': retryAfter };
    this.answer(status, `Status ${status}, as the test wants`, headers);
    return true;
  }
}

/** What the pattern's groups caught of a URL's path, decoded; those that caught nothing are ''. */
export function read<Name extends string>(pattern: RegExp, { pathname }: URL): Record<Name, string> | undefined {
  const groups = pattern.exec(pathname)?.groups;
  const decoded = Object.entries(groups ?? {}).map(([name, text]: [string, string | undefined]) => [
    name,
    decodeURIComponent(text ?? ''),
  ]);
  return groups && (Object.fromEntries(decoded) as Record<Name, string>);
}
