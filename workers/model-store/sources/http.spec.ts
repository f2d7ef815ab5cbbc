import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { get, getRange } from './http.ts';
import { SourceFailure } from './source.ts';

const URL_ = 'https://mirror.test/a/weights';
const bytes = (...values: number[]) => Uint8Array.from(values);
let calls: { url: string; init: RequestInit }[];
let answer: () => Response | Promise<Response>;

beforeEach(() => {
  calls = [];
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    calls.push({ url, init });
    return answer();
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const failure = async (ask: Promise<unknown>): Promise<SourceFailure> => {
  const cause: unknown = await ask.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(cause instanceof SourceFailure)) throw new Error(`no SourceFailure: ${String(cause)}`);
  return cause;
};

describe('get', () => {
  it('asks without cache, cookies or referrer', async () => {
    answer = () => new Response('x');
    const { signal } = new AbortController();
    await get(URL_, { Range: 'bytes=0-1' }, signal);
    expect(calls).toEqual([
      {
        url: URL_,
        init: {
          headers: { Range: 'bytes=0-1' },
          ...{ cache: 'no-store', credentials: 'omit', referrerPolicy: 'no-referrer', signal },
        },
      },
    ]);
    await get(URL_, {});
    expect(calls[1]?.init).not.toHaveProperty('signal');
  });

  const kinds: [number, string][] = [
    [404, 'gone'],
    [401, 'gone'],
    [499, 'gone'],
    [403, 'server-error'],
    [408, 'server-error'],
    [500, 'server-error'],
    [502, 'server-error'],
    [416, 'unsatisfiable'],
    [429, 'server-busy'],
    [503, 'server-busy'],
  ];
  for (const [status, kind] of kinds)
    it(`calls ${status} ${kind}, and reads no more of it`, async () => {
      const cancelled = vi.fn();
      const body = new ReadableStream({ cancel: cancelled });
      answer = () => new Response(body, { status, statusText: 'Said So' });
      const { kind: found, message, retryAfter } = await failure(get(URL_, {}));
      expect({ found, message, retryAfter }).toEqual({
        ...{ found: kind, message: `${URL_}: ${status} Said So`, retryAfter: null },
      });
      expect(cancelled).toHaveBeenCalledOnce();
    });

  describe('Retry-After', () => {
    const asked = async (value: string, status = 429) => {
      answer = () => new Response('', { status, headers: { 'Retry-After': value } });
      return (await failure(get(URL_, {}))).retryAfter;
    };

    it('is read in seconds', async () => {
      expect(await asked('7')).toBe(7000);
      expect(await asked('120', 503)).toBe(120_000);
      expect(await asked('0')).toBe(0);
    });

    it('is read as a date', async () => {
      vi.useFakeTimers({ now: Date.parse('2026-11-30T12:00:00Z'), toFake: ['Date'] });
      expect(await asked('Mon, 30 Nov 2026 12:01:30 GMT')).toBe(90_000);
      expect(await asked('Mon, 30 Nov 2026 11:00:00 GMT')).toBe(0);
    });

    it('is ignored where it is neither', async () => {
      expect(await asked('soon')).toBeNull();
      expect(await asked('12 parsecs')).toBeNull();
      expect(await asked('x12')).toBeNull();
    });
  });

  it('knows the page of a network that wants a login', async () => {
    const cancelled = vi.fn();
    for (const type of ['text/html; charset=utf-8', 'TEXT/HTML']) {
      const body = new ReadableStream({ cancel: cancelled });
      answer = () => new Response(body, { headers: { 'Content-Type': type } });
      expect(await failure(get(URL_, {}))).toMatchObject({ kind: 'web-page', message: expect.stringContaining(URL_) });
    }
    expect(cancelled).toHaveBeenCalledTimes(2);
    answer = () => new Response('x', { headers: { 'Content-Type': 'application/text/html' } });
    expect((await get(URL_, {})).ok).toBe(true);
    answer = () => new Response(new ReadableStream());
    expect((await get(URL_, {})).ok).toBe(true);
  });

  it('tells a broken network from an abort', async () => {
    answer = () => Promise.reject(new TypeError('fetch failed'));
    expect(await failure(get(URL_, {}))).toMatchObject({
      kind: 'network',
      message: `${URL_}: TypeError: fetch failed`,
    });
    const stop = new AbortController();
    stop.abort('paused');
    await expect(get(URL_, {}, stop.signal)).rejects.toBe('paused');
  });
});

it('recognises an address that the page’s own policy refused', async () => {
  const events = new EventTarget();
  vi.stubGlobal('addEventListener', events.addEventListener.bind(events));
  vi.stubGlobal('self', { location: { href: 'https://school.test/app/' } });
  vi.resetModules();
  const fresh = await import('./http.ts');
  answer = () => {
    // The report comes after the failure.
    queueMicrotask(() => {
      events.dispatchEvent(
        Object.assign(new Event('securitypolicyviolation'), { blockedURI: 'https://mirror.test/other' }),
      );
    });
    return Promise.reject(new TypeError('fetch failed'));
  };
  await expect(fresh.get(URL_, {})).rejects.toMatchObject({ kind: 'refused' });
  await expect(fresh.get('https://else.test/x', {})).rejects.toMatchObject({ kind: 'network' });
});

describe('getRange', () => {
  const { signal } = new AbortController();
  const collect = async (source: AsyncIterable<Uint8Array>) => {
    const all: number[] = [];
    for await (const piece of source) all.push(...piece);
    return all;
  };

  it('asks for a range, and passes on what comes', async () => {
    answer = () => new Response(bytes(3, 4, 5), { status: 206 });
    const { bytes: range, whole } = await getRange(URL_, 3, 3, 10, signal);
    expect(whole).toBe(false);
    expect(await collect(range)).toEqual([3, 4, 5]);
    expect(calls[0]?.init.headers).toEqual({ Range: 'bytes=3-5' });
  });

  it('asks for a whole file without a range', async () => {
    answer = () => new Response(bytes(0, 1, 2));
    const { bytes: range, whole } = await getRange(URL_, 0, 3, 3, signal);
    expect(whole).toBe(false);
    expect(await collect(range)).toEqual([0, 1, 2]);
    expect(calls[0]?.init.headers).toEqual({});
    await getRange(URL_, 0, 2, 3, signal);
    expect(calls[1]?.init.headers).toEqual({ Range: 'bytes=0-1' });
    await getRange(URL_, 1, 2, 3, signal);
    expect(calls[2]?.init.headers).toEqual({ Range: 'bytes=1-2' });
  });

  it('throws away the beginning where a server sends the whole file instead', async () => {
    answer = () =>
      new Response(
        new ReadableStream({
          start(controller) {
            for (const piece of [bytes(0, 1), bytes(2, 3, 4), bytes(5)]) controller.enqueue(piece);
            controller.close();
          },
        }),
      );
    const { bytes: range, whole } = await getRange(URL_, 3, 2, 6, signal);
    expect(whole).toBe(true);
    const pieces: number[][] = [];
    for await (const piece of range) pieces.push([...piece]);
    expect(pieces).toEqual([[3, 4], [5]]);
  });

  it('gives nothing where the answer has no body', async () => {
    answer = () => new Response(null, { status: 206 });
    expect(await collect((await getRange(URL_, 3, 3, 10, signal)).bytes)).toEqual([]);
  });

  it('calls a body that breaks off a network failure, unless it was aborted', async () => {
    const broken = () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            controller.error(new TypeError('terminated'));
          },
        }),
        { status: 206 },
      );
    answer = broken;
    const { bytes: range } = await getRange(URL_, 3, 3, 10, signal);
    expect(await failure(collect(range))).toMatchObject({ kind: 'network', message: `${URL_}: TypeError: terminated` });
    const stop = new AbortController();
    const stopped = await getRange(URL_, 3, 3, 10, stop.signal);
    stop.abort('paused');
    await expect(collect(stopped.bytes)).rejects.toBe('paused');
  });

  it('ends the request when nothing more is read of it', async () => {
    const cancelled = vi.fn();
    answer = () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            controller.enqueue(bytes(1));
          },
          cancel: cancelled,
        }),
        { status: 206 },
      );
    for await (const piece of (await getRange(URL_, 3, 30, 100, signal)).bytes) if (piece.length) break;
    expect(cancelled).toHaveBeenCalledOnce();
  });
});
