/** @file A request and its answer, which are recorded. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Faults } from './faults.ts';
import type { HubRequest } from './request.ts';

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

  /** Answers as the hub reports errors. */
  answerError(status: number, code: string, message: string): void {
    this.answerJson(status, { error: message }, { 'X-Error-Code': code, 'X-Error-Message': message });
  }

  /** Gives the answer that a fault's status asks for. @returns whether there was such a fault */
  refused(): boolean {
    const { status, retryAfter } = this.faults.strike(this.record, (fault) => fault.status !== undefined);
    if (status === undefined) return false;
    const headers = retryAfter === undefined ? {} : { 'Retry-After': retryAfter };
    this.answer(status, `Status ${status}, as the test wants`, headers);
    return true;
  }
}

/** @returns what the pattern's named groups match in a URL's path, decoded; '' for groups that match nothing. */
export function matchPath<Name extends string>(pattern: RegExp, { pathname }: URL): Record<Name, string> | undefined {
  const groups = pattern.exec(pathname)?.groups;
  const decoded = Object.entries(groups ?? {}).map(([name, text]: [string, string | undefined]) => [
    name,
    decodeURIComponent(text ?? ''),
  ]);
  return groups && (Object.fromEntries(decoded) as Record<Name, string>);
}
