/**
 * @file The test hub behaves as the real one: the hub's own client works with it, and pages may read what they may
 * there.
 */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { downloadFile, fileDownloadInfo, listFiles, modelInfo } from '@huggingface/hub';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseManifest } from '../../protocol/manifest.ts';
import { PART_BYTES } from '../../protocol/sizes.ts';
import { fromBytes, generate, readAll } from './content.ts';
import type { HubRequest } from './request.ts';
import { type HubOptions, startHub, TestHub } from './hub.ts';
import { MANIFEST, ownRepo, PADDING, stockRepo } from './model-repo.ts';
import { makeProfile, removeProfile, startBrowser } from '../browser/start-browser.ts';

const FOLDER = fileURLToPath(new URL('../../public/models/built-in', import.meta.url));
const REPO = 'someone/gemma-3-test';
const LARGE = 'onnx/decoder_model_merged_q4.onnx_data';
const SMALL = 'config.json';
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
const bytesOf = async (answer: Response | Blob | null) =>
  Buffer.from(answer ? await answer.arrayBuffer() : new ArrayBuffer(0));

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

let hub: TestHub;
let commit: string;
let large: Buffer;

async function start(options?: HubOptions): Promise<void> {
  hub = await startHub(options);
  const files = await stockRepo(FOLDER);
  commit = await hub.addRepo(REPO, files, { license: 'apache-2.0', base_model: 'google/gemma-3-270m' });
  large = await readAll(files[LARGE] ?? fromBytes(''));
}

beforeEach(() => start());
afterEach(() => hub.close());

const restart = async (options: HubOptions) => {
  await hub.close();
  await start(options);
};
const resolveUrl = (path: string, revision = commit) => `${hub.url}/${REPO}/resolve/${revision}/${path}`;
const get = (path: string, headers: Record<string, string> = {}) => fetch(resolveUrl(path), { headers });
/** The address on the CDN that a large file is redirected to. */
async function signedUrl(path = LARGE): Promise<string> {
  const answer = await fetch(resolveUrl(path), { redirect: 'manual' });
  expect(answer.status).toBe(302);
  return answer.headers.get('location') ?? '';
}

describe('@huggingface/hub, unchanged', () => {
  it('reads the model and its listing, page by page', async () => {
    const info = await modelInfo({
      name: REPO,
      hubUrl: hub.url,
      additionalFields: ['sha', 'cardData', 'filePaths'],
    });
    expect(info).toMatchObject({ name: REPO, gated: false, private: false, sha: commit });
    expect(info.cardData).toEqual({ license: 'apache-2.0', base_model: 'google/gemma-3-270m' });

    const entries = await all(listFiles({ repo: REPO, recursive: true, hubUrl: hub.url }));
    const files = entries.filter(({ type }) => type === 'file');
    expect(files.map(({ path }) => path)).toEqual(info.filePaths);
    expect(files.map(({ path }) => path)).not.toContain(MANIFEST);
    expect(entries.find(({ path }) => path === 'onnx')).toMatchObject({ type: 'directory', size: 0 });
    expect(hub.requests.filter(({ path }) => path.includes('/tree/')).length).toBeGreaterThan(2);

    const weights = files.find(({ path }) => path === LARGE);
    expect(weights).toMatchObject({ size: large.length, lfs: { oid: sha256(large), size: large.length } });
    const config = files.find(({ path }) => path === SMALL);
    const text = await bytesOf(await get(SMALL));
    expect(config?.lfs).toBeUndefined();
    expect(config?.oid).toBe(createHash('sha1').update(`blob ${text.length}\0`).update(text).digest('hex'));

    const top = await all(listFiles({ repo: REPO, hubUrl: hub.url }));
    expect(top.every(({ path }) => !path.includes('/'))).toBe(true);
    const folder = await all(listFiles({ repo: REPO, path: 'onnx', hubUrl: hub.url }));
    expect(folder.map(({ path }) => path)).toContain(LARGE);
  });

  it('fetches files, large and small', async () => {
    const where = { repo: REPO, hubUrl: hub.url };
    expect(await fileDownloadInfo({ ...where, path: LARGE })).toMatchObject({
      size: large.length,
      // Never the signed URL, which expires.
      url: resolveUrl(LARGE, 'main'),
    });
    expect(await fileDownloadInfo({ ...where, path: 'no-such.file' })).toBeNull();
    const blob = await downloadFile({ ...where, path: LARGE });
    expect((await bytesOf(blob)).equals(large)).toBe(true);
    expect((await bytesOf(blob && blob.slice(1000, 3000))).equals(large.subarray(1000, 3000))).toBe(true);
    expect(await (await downloadFile({ ...where, path: SMALL }))?.text()).toContain('gemma3');
    const pointer = await (await downloadFile({ ...where, path: LARGE, raw: true }))?.text();
    expect(pointer).toContain(`oid sha256:${sha256(large)}\nsize ${large.length}\n`);
    await expect(modelInfo({ name: 'no/such', hubUrl: hub.url })).rejects.toMatchObject({ statusCode: 401 });
    await expect(modelInfo({ name: REPO, revision: 'gone', hubUrl: hub.url })).rejects.toMatchObject({
      statusCode: 404,
    });
  });

  it('fetches small files by way of the cache', async () => {
    await restart({ resolveCache: true });
    const info = await fileDownloadInfo({ repo: REPO, path: SMALL, hubUrl: hub.url });
    expect(info?.url).toContain('/api/resolve-cache/models/');
    expect(await (await downloadFile({ repo: REPO, path: SMALL, hubUrl: hub.url }))?.text()).toContain('gemma3');
  });
});

it('a push moves main, and the old commit stays', async () => {
  const pushed = await hub.push(REPO, { [LARGE]: generate(3_000_000), [SMALL]: null });
  expect(pushed).not.toBe(commit);
  expect((await modelInfo({ name: REPO, hubUrl: hub.url, additionalFields: ['sha'] })).sha).toBe(pushed);
  expect((await bytesOf(await get(LARGE))).equals(large)).toBe(true);
  expect((await bytesOf(await fetch(resolveUrl(LARGE, 'main')))).length).toBe(3_000_000);
  const gone = await fetch(resolveUrl(SMALL, 'main'));
  expect([gone.status, gone.headers.get('x-error-code')]).toEqual([404, 'EntryNotFound']);
});

describe('files', () => {
  it('come whole or in ranges', async () => {
    const whole = await get(LARGE);
    expect([whole.status, whole.headers.get('accept-ranges')]).toEqual([200, 'bytes']);
    expect((await bytesOf(whole)).equals(large)).toBe(true);
    const etag = whole.headers.get('etag') ?? '';
    expect(etag).not.toContain(sha256(large));

    const size = large.length;
    for (const [range, start, end] of [
      ['bytes=0-0', 0, 1],
      ['bytes=300000-899999', 300_000, 900_000],
      [`bytes=${size - 5}-${size + 100}`, size - 5, size],
      ['bytes=2000000-', 2_000_000, size],
      ['bytes=-7', size - 7, size],
    ] as const) {
      const part = await get(LARGE, { Range: range, 'If-Range': etag });
      expect(part.status).toBe(206);
      expect(part.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/${size}`);
      expect((await bytesOf(part)).equals(large.subarray(start, end))).toBe(true);
    }
    const changed = await get(LARGE, { Range: 'bytes=0-9', 'If-Range': '"another"' });
    expect([changed.status, (await bytesOf(changed)).length]).toEqual([200, size]);
    const beyond = await get(LARGE, { Range: `bytes=${size}-` });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${size}`]);
    const head = await fetch(await signedUrl(), { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(size)]);
    expect((await get(SMALL, { Range: 'bytes=0-9' })).status).toBe(206);
  });

  it('are counted', async () => {
    await bytesOf(await get(LARGE, { Range: 'bytes=0-999' }));
    await bytesOf(await get(LARGE, { Range: 'bytes=0-999' }));
    const small = await bytesOf(await get(SMALL));
    expect(hub.bytesSent(LARGE)).toBe(2000);
    expect(hub.bytesSent(/json$/)).toBe(small.length);
    expect(hub.bytesSent()).toBe(2000 + small.length);
    expect(hub.requests.map(({ kind, path, range, status }) => [kind, path, range, status])).toEqual([
      ['resolve', LARGE, 'bytes=0-999', 302],
      ['cdn', LARGE, 'bytes=0-999', 206],
      ['resolve', LARGE, 'bytes=0-999', 302],
      ['cdn', LARGE, 'bytes=0-999', 206],
      ['resolve', SMALL, null, 200],
    ]);
    hub.reset();
    expect([hub.requests.length, hub.bytesSent()]).toEqual([0, 0]);
  });

  it('of any size are made up, the same each time', async () => {
    const size = 2 * PART_BYTES + 12_345;
    const files = await ownRepo(FOLDER, { padding: size, id: REPO });
    const manifest = parseManifest(JSON.parse((await readAll(files[MANIFEST] ?? fromBytes(''))).toString()));
    const padding = manifest.files.find(({ path }) => path === PADDING);
    await hub.push(REPO, files);
    const hash = createHash('sha256');
    const answer = await fetch(resolveUrl(PADDING, 'main'));
    const reader = answer.body?.getReader();
    for (let read = await reader?.read(); read?.value; read = await reader?.read()) hash.update(read.value);
    expect(hash.digest('hex')).toBe(padding?.sha256);
    const part = { Range: `bytes=${PART_BYTES}-${2 * PART_BYTES - 1}` };
    expect(sha256(await bytesOf(await fetch(resolveUrl(PADDING, 'main'), { headers: part })))).toBe(padding?.parts[1]);
    expect(padding?.parts.length).toBe(3);
    expect(new Set(padding?.parts).size).toBe(3);
    expect([manifest.id, manifest.revision]).not.toContain('36aa0ad17fb38149');
  });

  it('come no faster than they are read', async () => {
    await hub.push(REPO, { [PADDING]: generate(400_000_000) });
    const answer = await fetch(resolveUrl(PADDING, 'main'));
    const reader = answer.body?.getReader();
    await reader?.read();
    // The server stops sending when the buffers of both ends are full.
    let before = -1;
    const settled = () => {
      const now = hub.bytesSent(PADDING);
      const same = now === before;
      before = now;
      return same;
    };
    await expect.poll(settled, { interval: 200 }).toBe(true);
    expect(hub.bytesSent(PADDING)).toBeLessThan(64_000_000);
    await reader?.cancel();
  });
});

describe('signed URLs', () => {
  const expectExpired = async (url: string) => {
    const answer = await fetch(url);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([403, 'application/xml']);
    expect(await answer.text()).toContain('<Message>Request has expired</Message>');
  };

  it('expire in time, and /resolve/ gives another', async () => {
    await restart({ urlLifetime: 300 });
    const url = await signedUrl();
    expect((await fetch(url, { headers: { Range: 'bytes=0-9' } })).status).toBe(206);
    await expect.poll(async () => (await fetch(url, { method: 'HEAD' })).status).toBe(403);
    await expectExpired(url);
    expect(await signedUrl()).not.toBe(url);
    expect((await bytesOf(await get(LARGE))).equals(large)).toBe(true);
  });

  it('expire at once, in mid-answer, too', async () => {
    const url = await signedUrl();
    const slow = hub.fault(LARGE, { throttle: 500_000 });
    const answer = await fetch(url);
    expect(slow.struck).toBe(1);
    hub.expireNow();
    await expect(answer.arrayBuffer()).rejects.toThrow();
    await expectExpired(url);
    expect((await get(LARGE)).status).toBe(200);
  });

  it('are hidden from pages once expired, where a test wants so', async () => {
    await restart({ expiredReadable: false });
    const url = await signedUrl();
    hub.expireNow();
    expect((await fetch(url)).headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('faults', () => {
  const cdn = (request: HubRequest) => request.kind === 'cdn';

  it('429 and 503', async () => {
    hub.fault(LARGE, { status: 429, retryAfter: 2 });
    const busy = await get(LARGE);
    expect([busy.status, busy.headers.get('retry-after')]).toEqual([429, '2']);
    expect(busy.headers.get('access-control-expose-headers')).not.toContain('Retry-After');
    hub.fault(cdn, { status: 503 }, 2);
    expect([(await get(LARGE)).status, (await get(LARGE)).status, (await get(LARGE)).status]).toEqual([503, 503, 200]);
    hub.fault(/\/tree\//, { status: 429, retryAfter: 1 });
    await expect(all(listFiles({ repo: REPO, hubUrl: hub.url }))).rejects.toMatchObject({
      statusCode: 429,
    });
  });

  it('a connection that breaks', async () => {
    const fault = hub.fault(LARGE, { cutAfter: 700_000 });
    expect((await bytesOf(await get(LARGE, { Range: 'bytes=0-999' }))).length).toBe(1000);
    expect(fault.struck).toBe(0);
    await expect((await get(LARGE)).arrayBuffer()).rejects.toThrow();
    expect(fault.struck).toBe(1);
    expect(hub.bytesSent(LARGE)).toBe(701_000);
    hub.fault(LARGE, { cutAfter: 0 });
    await expect(get(LARGE).then(bytesOf)).rejects.toThrow();
    expect((await bytesOf(await get(LARGE))).equals(large)).toBe(true);
  });

  it('a wrong byte, only where it is', async () => {
    const fault = hub.fault(LARGE, { flip: 600_001 });
    expect((await bytesOf(await get(LARGE, { Range: 'bytes=0-600000' }))).equals(large.subarray(0, 600_001))).toBe(
      true,
    );
    const spoilt = await bytesOf(await get(LARGE, { Range: 'bytes=600000-600002' }));
    expect(fault.struck).toBe(1);
    expect([...spoilt].map((byte, i) => byte === large[600_000 + i])).toEqual([true, false, true]);
    expect((await bytesOf(await get(LARGE))).equals(large)).toBe(true);
  });

  it('a file that ends early', async () => {
    hub.fault(LARGE, { truncate: 1000 }, Infinity);
    expect((await bytesOf(await get(LARGE))).equals(large.subarray(0, 1000))).toBe(true);
    expect((await get(LARGE, { Range: 'bytes=900-1999' })).headers.get('content-range')).toBe('bytes 900-999/1000');
    expect((await get(LARGE, { Range: 'bytes=1000-1999' })).status).toBe(416);
    hub.clearFaults();
    expect((await bytesOf(await get(LARGE))).equals(large)).toBe(true);
  });

  it('a web page in place of a file', async () => {
    hub.fault(LARGE, { html: true });
    const page = await get(LARGE, { Range: 'bytes=0-99' });
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(hub.bytesSent()).toBe(0);
  });

  it('a slow line', async () => {
    hub.fault(LARGE, { throttle: 2_000_000 });
    const began = Date.now();
    await bytesOf(await get(LARGE, { Range: 'bytes=0-999999' }));
    expect(Date.now() - began).toBeGreaterThan(400);
  });

  it('no network', async () => {
    hub.offline();
    await expect(get(SMALL)).rejects.toThrow();
    hub.online();
    expect((await get(SMALL)).status).toBe(200);
  });
});

describe('a mirror', () => {
  it('is a folder with its manifest', async () => {
    const url = hub.addMirror('school', await ownRepo(FOLDER));
    const manifest = parseManifest(await (await fetch(url + MANIFEST)).json());
    expect(manifest.files.map(({ path }) => path)).toContain(LARGE);
    const part = await fetch(url + LARGE, { headers: { Range: 'bytes=10-19' } });
    expect((await bytesOf(part)).equals(large.subarray(10, 20))).toBe(true);
    expect((await fetch(`${url}no-such.file`)).status).toBe(404);
    hub.addMirror('school', await ownRepo(FOLDER));
    const changed = { Range: 'bytes=10-19', 'If-Range': part.headers.get('etag') ?? '' };
    expect((await fetch(url + LARGE, { headers: changed })).status).toBe(200);
  });

  it('may know no ranges', async () => {
    const url = hub.addMirror('plain', await ownRepo(FOLDER), { ranges: false });
    const answer = await fetch(url + LARGE, { headers: { Range: 'bytes=10-19' } });
    expect([answer.status, answer.headers.get('accept-ranges')]).toEqual([200, null]);
    expect((await bytesOf(answer)).equals(large)).toBe(true);
  });
});

it('pages may read what the real hub lets them read', async () => {
  const origin = { Origin: 'https://example.org' };
  const listed = await fetch(`${hub.url}/api/models/${REPO}/tree/main`, { headers: origin });
  const redirect = await fetch(resolveUrl(LARGE), { headers: origin, redirect: 'manual' });
  for (const { headers } of [listed, redirect]) {
    expect(headers.get('access-control-allow-origin')).toBe('https://example.org');
    expect(headers.get('vary')).toBe('Origin');
    expect(headers.get('access-control-expose-headers')).toBe(
      'X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,ETag,Link,Accept-Ranges,Content-Range,' +
        'X-Linked-Size,X-Linked-ETag,X-Xet-Hash',
    );
  }
  expect(redirect.headers.get('x-linked-etag')).toBe(`"${sha256(large)}"`);
  expect(redirect.headers.get('x-linked-size')).toBe(String(large.length));
  expect(redirect.headers.get('x-repo-commit')).toBe(commit);
  const file = await get(LARGE, origin);
  expect(file.headers.get('access-control-allow-origin')).toBe('*');
  expect(file.headers.get('access-control-expose-headers')).toBe('Accept-Ranges,Content-Range,Content-Length,ETag');
  const preflight = await fetch(resolveUrl(LARGE), {
    method: 'OPTIONS',
    headers: { ...origin, 'Access-Control-Request-Headers': 'if-range,range' },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-headers')).toBe('if-range,range');
});

it('a browser takes it for the real hub, and keeps its profile when it is killed', async () => {
  const profile = await makeProfile();
  const open = async () => {
    const browser = await startBrowser({ profile, args: hub.browserArgs });
    const page = await browser.newPage();
    await page.goto('https://page.hf.co/');
    return { browser, page };
  };
  try {
    const first = await open();
    const seen = await first.page.evaluate(
      async ({ url, etag }) => {
        // If-Range asks for a preflight, as a page's own headers do.
        const answer = await fetch(url, { headers: { Range: 'bytes=100-199', 'If-Range': etag } });
        const { headers, status, redirected } = answer;
        const host = new URL(answer.url).host;
        const read = ['content-range', 'etag', 'x-linked-etag', 'x-repo-commit'].map((name) => headers.get(name));
        const bytes = [...new Uint8Array(await answer.arrayBuffer())];
        const file = await (await navigator.storage.getDirectory()).getFileHandle('kept', { create: true });
        const writable = await file.createWritable();
        await writable.write(new Uint8Array(bytes));
        await writable.close();
        return { status, redirected, host, read, bytes, secure: isSecureContext };
      },
      {
        url: `https://huggingface.co/${REPO}/resolve/${commit}/${LARGE}`,
        etag: (await get(LARGE)).headers.get('etag') ?? '',
      },
    );
    expect(seen).toMatchObject({ status: 206, redirected: true, host: 'cas-bridge.xethub.hf.co', secure: true });
    expect(seen.read).toEqual([`bytes 100-199/${large.length}`, expect.any(String), null, null]);
    expect(seen.bytes).toEqual([...large.subarray(100, 200)]);
    expect(hub.requests.filter(({ kind, range }) => kind === 'cdn' && range).map(({ host }) => host)).toEqual([
      'cas-bridge.xethub.hf.co',
    ]);
    await first.browser.kill();

    const second = await open();
    const kept = await second.page.evaluate(async () => {
      const file = await (await navigator.storage.getDirectory()).getFileHandle('kept');
      return [...new Uint8Array(await (await file.getFile()).arrayBuffer())];
    });
    expect(kept).toEqual(seen.bytes);
    await second.browser.close();
  } finally {
    await removeProfile(profile);
  }
});
