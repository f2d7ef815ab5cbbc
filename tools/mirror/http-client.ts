/** @file An HTTP client that retries when the connection breaks or the server is busy. */
import { MirrorError } from './failure.ts';

/** First and longest wait between two attempts, ms. */
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 60_000;
/** Attempts in a row without any bytes, after which the client gives up. */
const TRIES = 8;
/** If the server asks for a longer wait than this (ms), the client gives up. */
const LONGEST_RETRY_AFTER = 3_600_000;
/** If no bytes arrive for this long (ms), the connection counts as broken. */
const IDLE_TIMEOUT = 60_000;

export interface HttpClientOptions {
  signal?: AbortSignal | undefined;
  /** Called with a sentence for the person who waits. */
  onNotice?: ((text: string) => void) | undefined;
  /** The wait before the second attempt, ms; each further one is twice as long. */
  firstWait?: number | undefined;
}

/** A failure that a later attempt may not have. */
class TransientError extends Error {
  constructor(
    message: string,
    /** The wait that the server asked for, ms. */
    readonly asked: number | null = null,
  ) {
    super(message);
  }
}

/** The server has no such bytes, since the file is shorter there than listed. */
export class RangeNotSatisfiable extends Error {}

/** @returns the wait of `Retry-After` (RFC 9110, 10.2.3), or of the hub's `RateLimit: "resolvers";r=0;t=55`, ms. */
function retryAfterOf({ headers }: Response): number | null {
  const after = headers.get('Retry-After') ?? /\bt=(\d+)/.exec(headers.get('RateLimit') ?? '')?.[1];
  if (!after) return null;
  const ms = /^\d+$/.test(after) ? Number(after) * 1000 : Date.parse(after) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

const withoutQuery = (url: string): string => url.replace(/\?.*/, '');

const reasonOf = (cause: unknown): string => {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  return inner instanceof Error ? inner.message : String(inner);
};

export class HttpClient {
  private failures = 0;

  constructor(private readonly options: HttpClientOptions = {}) {}

  /** Works as `fetch`, for listings and small files. @throws MirrorError when the client gives up */
  readonly fetch = (input: string | URL | Request, init?: RequestInit): Promise<Response> =>
    this.withRetries(async () => {
      const url = input instanceof Request ? input.url : String(input);
      const response = await this.request(url, new Headers(init?.headers), this.options.signal);
      // The body is read here, so that a connection that breaks in the body is retried, too.
      const body = await response.arrayBuffer().catch((cause: unknown) => {
        throw new TransientError(`The connection was cut: ${reasonOf(cause)}.`);
      });
      this.failures = 0;
      return new Response(body, { status: response.status, headers: response.headers });
    });

  /**
   * Downloads the rest of a file, over as many connections as it needs.
   * @param size size of the file, bytes
   * @param have returns how many of its first bytes are there already
   * @param take is given the bytes piece by piece
   * @throws RangeNotSatisfiable where the file is shorter than `size`; MirrorError when the client gives up
   */
  async download(
    url: string,
    size: number,
    have: () => number,
    take: (bytes: Uint8Array) => Promise<void>,
  ): Promise<void> {
    while (have() < size) await this.withRetries(() => this.downloadOnce(url, size, have, take));
  }

  private async downloadOnce(
    url: string,
    size: number,
    have: () => number,
    take: (bytes: Uint8Array) => Promise<void>,
  ): Promise<void> {
    const silent = new AbortController();
    const signals = [silent.signal, ...(this.options.signal ? [this.options.signal] : [])];
    const watch = setTimeout(() => silent.abort(new Error(`nothing came for ${IDLE_TIMEOUT / 1000} s`)), IDLE_TIMEOUT);
    try {
      // The count of compressed bytes would differ from the file's.
      const headers = new Headers({ 'Accept-Encoding': 'identity' });
      if (have() > 0) headers.set('Range', `bytes=${have()}-`);
      const response = await this.request(url, headers, AbortSignal.any(signals));
      // A server that knows no ranges sends the whole file again.
      let skip = response.status === 206 ? 0 : have();
      for await (const piece of piecesOf(response)) {
        watch.refresh();
        const from = Math.min(skip, piece.length);
        skip -= from;
        const bytes = piece.subarray(from, from + size - have());
        if (!bytes.length) continue;
        await take(bytes);
        this.failures = 0;
        if (have() === size) return;
      }
      throw new TransientError('The connection was cut.');
    } finally {
      clearTimeout(watch);
      // The server stops sending what is no longer wanted.
      silent.abort();
    }
  }

  private async request(url: string, headers: Headers, signal?: AbortSignal): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(url, { headers, ...(signal && { signal }) });
    } catch (cause) {
      throw new TransientError(`${new URL(url).host} cannot be reached (${reasonOf(cause)}).`);
    }
    const { status, redirected } = response;
    if (response.ok) {
      // Wi-Fi that asks to log in answers everything with a page of its own.
      if (/^text\/html/i.test(response.headers.get('Content-Type') ?? '')) {
        await response.body?.cancel();
        throw new MirrorError(`${withoutQuery(url)} answers with a web page: does this network ask to log in?`);
      }
      return response;
    }
    await response.body?.cancel();
    const { host } = new URL(response.url || url);
    if (status === 416) throw new RangeNotSatisfiable(url);
    if (status === 429)
      throw new TransientError(`${host} asks to wait (429, too many requests).`, retryAfterOf(response));
    // 403 after a redirect means that the signed URL has expired; the next attempt gets a new one.
    if (status >= 500 || status === 408 || (status === 403 && redirected))
      throw new TransientError(`${host} has a problem (${status}).`, retryAfterOf(response));
    // The hub answers 401 for models that do not exist, so as not to reveal private ones.
    if (status === 401 || status === 403 || status === 404)
      throw new MirrorError(`${withoutQuery(url)} is not there, or not for everybody (${status}).`);
    throw new MirrorError(`${withoutQuery(url)}: the server answers ${status} ${response.statusText}.`);
  }

  private async withRetries<T>(attempt: () => Promise<T>): Promise<T> {
    const { signal, onNotice, firstWait = FIRST_WAIT } = this.options;
    for (;;) {
      signal?.throwIfAborted();
      try {
        return await attempt();
      } catch (cause) {
        signal?.throwIfAborted();
        if (!(cause instanceof TransientError)) throw cause;
        const { asked, message } = cause;
        if (++this.failures >= TRIES || (asked ?? 0) > LONGEST_RETRY_AFTER)
          throw new MirrorError(`${message} What arrived is kept: run the same command again later.`, { cause });
        const wait = asked ?? Math.min(LONGEST_WAIT, firstWait * 2 ** (this.failures - 1));
        onNotice?.(`${message} Going on in ${Math.ceil(wait / 1000)} s.`);
        await rest(wait, signal);
      }
    }
  }
}

async function* piecesOf(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  for (;;) {
    const piece = await reader?.read().catch((cause: unknown) => {
      throw new TransientError(`The connection was cut (${reasonOf(cause)}).`);
    });
    if (!piece || piece.done) return;
    yield piece.value;
  }
}

/** Waits. @throws the signal's reason when it is aborted */
function rest(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', aborted);
      resolve();
    }, ms);
    signal?.addEventListener('abort', aborted, { once: true });
  });
}
