/** The line to a server: asks again when it is cut or the server is busy, for as long as there is some hope. */
import { MirrorError } from './failure.ts';

/** First and longest wait between two tries, ms. */
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 60_000;
/** Tries in a row that bring nothing. */
const TRIES = 8;
/** A server that wants to be left alone for longer than this is not waited for. */
const LONGEST_RETRY_AFTER = 3_600_000;
/** A connection over which nothing came for this long is as good as cut. */
const IDLE_TIMEOUT = 60_000;

export interface HttpClientOptions {
  signal?: AbortSignal | undefined;
  /** Something that a person who waits should know. */
  onNotice?: ((text: string) => void) | undefined;
  /** The wait before the second try, ms; each next one is twice as long. */
  firstWait?: number | undefined;
}

/** A failure that passes, sooner or later. */
class TransientError extends Error {
  constructor(
    message: string,
    /** How long the server asked to be left alone, ms. */
    readonly asked: number | null = null,
  ) {
    super(message);
  }
}

/** The server has no such bytes: the file is shorter there than it was said to be. */
export class RangeNotSatisfiable extends Error {}

/** Seconds or a date (RFC 9110, 10.2.3); the hub says it in `RateLimit: "resolvers";r=0;t=55`, too. */
function retryAfterOf({ headers }: Response): number | null {
  const after = headers.get('Retry-After') ?? /\bt=(\d+)/.exec(headers.get('RateLimit') ?? '')?.[1];
  if (!after) return null;
  const ms = /^\d+$/.test(after) ? Number(after) * 1000 : Date.parse(after) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

/** An address as people want to read it. */
const withoutQuery = (url: string): string => url.replace(/\?.*/, '');

const reasonOf = (cause: unknown): string => {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  return inner instanceof Error ? inner.message : String(inner);
};

export class HttpClient {
  private failures = 0;

  constructor(private readonly options: HttpClientOptions = {}) {}

  /** As `fetch`, for listings and small files. @throws MirrorError when there is no hope */
  readonly fetch = (input: string | URL | Request, init?: RequestInit): Promise<Response> =>
    this.withRetries(async () => {
      const url = input instanceof Request ? input.url : String(input);
      const response = await this.request(url, new Headers(init?.headers), this.options.signal);
      // Read here, so that a cut in the body is tried again, too.
      const body = await response.arrayBuffer().catch((cause: unknown) => {
        throw new TransientError(`The connection was cut: ${reasonOf(cause)}.`);
      });
      this.failures = 0;
      return new Response(body, { status: response.status, headers: response.headers });
    });

  /**
   * Bytes of a file from where `have()` says on, to `size`, given to `take` piece by piece, over as many connections as
   * it needs. @throws RangeNotSatisfiable; MirrorError when there is no hope
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
      // Compressed bytes could not be counted.
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
      // What is not wanted any more is not sent any more.
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
    // 403 behind a redirect: the signed address has expired, and the next try gets a new one.
    if (status >= 500 || status === 408 || (status === 403 && redirected))
      throw new TransientError(`${host} has a problem (${status}).`, retryAfterOf(response));
    // The hub says 401 for what does not exist, so as not to say which private models there are.
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

/** @throws what the signal was aborted with */
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
