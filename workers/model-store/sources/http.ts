/** @file Requests for files and ranges of files over HTTP, and the kinds of what can come back instead of them. */
import { SourceFailure } from './source.ts';

/** Origins that the page's own policy refused. `fetch` itself only says that it failed. */
const refusedByPolicy = new Set<string>();
globalThis.addEventListener?.('securitypolicyviolation', (event) => {
  const { blockedURI } = event as Event & { blockedURI: string };
  refusedByPolicy.add(new URL(blockedURI, self.location.href).origin);
});

/** Reads Retry-After, which is in seconds or a date (RFC 9110, 10.2.3), as ms from now. */
function retryAfter(response: Response): number | null {
  const value = response.headers.get('Retry-After');
  if (!value) return null;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

/**
 * Requests a URL without cache, credentials and referrer.
 * @param url the address.
 * @param headers of the request.
 * @param signal stops the request.
 * @returns a successful response.
 * @throws SourceFailure whose kind says what to do about any other.
 */
export async function get(url: string, headers: Record<string, string>, signal?: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, {
      headers,
      // The store keeps the bytes itself, and a cached redirect would lead to a signed address that has expired.
      cache: 'no-store',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      ...(signal ? { signal } : {}),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    // The event that reports a refusal by the policy comes a little later than the failure.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const kind = refusedByPolicy.has(new URL(url).origin) ? 'refused' : 'network';
    throw new SourceFailure(kind, `${url}: ${String(cause)}`);
  }
  const { status } = response;
  if (response.ok) {
    // Wi-Fi networks that want a login answer every request with a page of their own.
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
  // A signed address that has expired answers 403, too. The next attempt gets a new address.
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

/** The answer to a request for a range. */
export interface Range {
  /** The range's bytes, in pieces. They end early where the server breaks off. */
  bytes: AsyncIterable<Uint8Array>;
  /** Whether the server sent the whole file instead. Its beginning is skipped in `bytes`, its end is not. */
  whole: boolean;
}

/**
 * Requests a range of a file.
 * @param url the file's address.
 * @param offset first byte.
 * @param length number of bytes.
 * @param size of the whole file in bytes.
 * @param signal stops the request.
 * @returns the bytes as they come.
 * @throws SourceFailure
 */
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
