/** Ranges of files over HTTP, and what can come back instead of them. */
import { SourceFailure } from './source.ts';

/** Set when the page's own policy refused an address: fetch itself only says that it failed. */
const refusedByPolicy = new Set<string>();
globalThis.addEventListener?.('securitypolicyviolation', (event) => {
  const { blockedURI } = event as Event & { blockedURI: string };
  refusedByPolicy.add(new URL(blockedURI, self.location.href).origin);
});

/** Seconds or a date (RFC 9110, 10.2.3), as ms from now. */
function retryAfter(response: Response): number | null {
  const value = response.headers.get('Retry-After');
  if (!value) return null;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

/** @throws SourceFailure, unless the answer is one that was hoped for. */
export async function get(url: string, headers: Record<string, string>, signal?: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, {
      headers,
      // What is kept is kept by us; and a cached redirect would lead to a signed address that has expired.
      cache: 'no-store',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      ...(signal ? { signal } : {}),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    // The report of a policy's refusal comes a turn later than the failure.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const kind = refusedByPolicy.has(new URL(url).origin) ? 'refused' : 'network';
    throw new SourceFailure(kind, `${url}: ${String(cause)}`);
  }
  const { status } = response;
  if (response.ok) {
    // Wi-Fi that asks to log in answers everything with a page of its own.
    if (/^text\/html/i.test(response.headers.get('Content-Type') ?? '')) {
      void response.body?.cancel();
      throw new SourceFailure('web-page', `${url}: a web page came instead`);
    }
    return response;
  }
  void response.body?.cancel();
  const said = `${url}: ${status} ${response.statusText}`;
  if (status === 429 || status === 503) throw new SourceFailure('server-busy', said, retryAfter(response));
  if (status === 416) throw new SourceFailure('unsatisfiable', said);
  // 403 is also what a signed address says when it has expired: the next attempt gets a new one.
  if (status >= 500 || status === 403 || status === 408) throw new SourceFailure('server-error', said);
  throw new SourceFailure('gone', said);
}

async function* bytesOf(
  response: Response,
  url: string,
  skip: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      let piece: ReadableStreamReadResult<Uint8Array>;
      try {
        piece = await reader.read();
      } catch (cause) {
        signal.throwIfAborted();
        throw new SourceFailure('network', `${url}: ${String(cause)}`);
      }
      if (piece.done) return;
      const from = Math.min(skip, piece.value.length);
      skip -= from;
      if (from < piece.value.length) yield piece.value.subarray(from);
    }
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}

export interface Range {
  bytes: AsyncIterable<Uint8Array>;
  /** The server sent the whole file instead. */
  whole: boolean;
}

/** Bytes of a file from `offset` on; a server that knows no ranges has its answer's beginning thrown away. */
export async function getRange(
  url: string,
  offset: number,
  length: number,
  size: number,
  signal: AbortSignal,
): Promise<Range> {
  const all = offset === 0 && length === size;
  const response = await get(url, all ? {} : { Range: `bytes=${offset}-${offset + length - 1}` }, signal);
  const whole = !all && response.status === 200;
  return { bytes: bytesOf(response, url, whole ? offset : 0, signal), whole };
}
