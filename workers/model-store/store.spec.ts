import { beforeEach, describe, expect, it, vi } from 'vitest';
import { parseManifest } from '../../protocol/manifest.ts';
import { PART_BYTES } from '../../protocol/sizes.ts';
import type { StoreProgress } from '../../protocol/store.ts';
import { planManifest } from './plan.ts';
import { writePlan } from './stored-model.ts';
import * as store from './store.ts';
import { type TestModel, testModel } from './testing/model.ts';
import { type Disk, useDisk } from './testing/opfs.ts';

// With small parts a model of three parts is read in a millisecond. Nothing else in the store depends on the size.
vi.mock('../../protocol/sizes.ts', () => ({ PART_BYTES: 65_536, BUNDLE_FILE_BYTES: 2 * 65_536 }));
vi.mock('./backoff-policy.ts', async (original) => ({ ...(await original<object>()), backoffDelay: () => 1 }));

const URL_BASE = 'https://school.test/m/';
const GRAPH = 'onnx/model_q4.onnx';
const DATA = 'onnx/model_q4.onnx_data';
const source = { kind: 'mirror', url: URL_BASE } as const;
const never = new AbortController().signal;

interface Request {
  path: string;
  start: number;
  /** Bytes of the answer's body that were read. */
  sent: number;
}
type Answer = (request: Request, bytes: Uint8Array) => Response | null;

let disk: Disk;
let model: TestModel;
let requests: Request[];
let ranges: boolean;
/** Sees each request first, and may answer it in place of the server. */
let spoil: Answer;
let reports: StoreProgress[];
const onProgress = (progress: StoreProgress) => reports.push(progress);

/** Makes a body in pieces, which are counted as they are read. */
const streamOf = (bytes: Uint8Array, request: Request): ReadableStream => {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      const piece = bytes.slice(at, at + 10_000);
      at += piece.length;
      request.sent += piece.length;
      if (piece.length) controller.enqueue(piece);
      if (at >= bytes.length) controller.close();
    },
  });
};

beforeEach(() => {
  disk = useDisk();
  requests = [];
  reports = [];
  ranges = true;
  spoil = () => null;
  model = testModel({ 'config.json': 20, [GRAPH]: 1000, [DATA]: 2 * PART_BYTES + 5000 });
  vi.stubGlobal('self', { location: { href: 'https://school.test/' } });
  vi.stubGlobal('fetch', (url: string, { headers }: { headers: Record<string, string> }) => {
    const path = url.slice(URL_BASE.length);
    if (path === 'manifest.json') return Promise.resolve(Response.json(model.manifest));
    const whole = model.files.get(path);
    if (!whole) return Promise.resolve(new Response('', { status: 404 }));
    const [, start = 0, end = whole.length - 1] = (/bytes=(\d+)-(\d+)/.exec(headers['Range'] ?? '') ?? []).map(Number);
    const partial = ranges && headers['Range'] !== undefined;
    const bytes = partial ? whole.subarray(start, end + 1) : whole;
    const request = { path, start: partial ? start : 0, sent: 0 };
    requests.push(request);
    const answer = spoil(request, bytes);
    return Promise.resolve(answer ?? new Response(streamOf(bytes, request), { status: partial ? 206 : 200 }));
  });
});

const sent = (path: string) => requests.reduce((sum, r) => (r.path === path ? sum + r.sent : sum), 0);
const folder = () => `models/${planManifest(model.manifest, source).key}`;
const expectWhole = () => {
  for (const [path, bytes] of model.files)
    expect(Buffer.compare(bytes, disk.file(`${folder()}/${path}`)), path).toBe(0);
  const manifest = parseManifest(JSON.parse(Buffer.from(disk.file(`${folder()}/manifest.json`)).toString()));
  expect(manifest.files.map(({ path, sha256, parts }) => ({ path, sha256, parts }))).toEqual(
    [...model.manifest.files]
      .sort((a, b) => (a.path < b.path ? -1 : 1))
      .map(({ path, sha256, parts }) => ({ path, sha256, parts })),
  );
};

describe('fetching', () => {
  it('brings every byte once, and says so', async () => {
    const planned = await store.plan(source, never);
    expect(planned).toMatchObject({ dtype: 'q4', vision: false, present: 0 });
    const stored = await store.fetchModel(source, never, onProgress);
    expect(stored).toMatchObject({ complete: true, present: planned.size, size: planned.size, lastUsed: null });
    expectWhole();
    expect(sent(DATA)).toBe(2 * PART_BYTES + 5000);
    expect(reports.at(-1)).toMatchObject({ done: planned.size, total: planned.size, received: planned.size });
    expect(await store.listModels()).toEqual([stored]);
  });

  it('goes on after a pause with what was missing', async () => {
    const pause = new AbortController();
    // The pause comes in the middle of the second part. The answer then breaks off, as it does with fetch.
    spoil = (request, bytes) => {
      if (request.path !== DATA || request.start !== PART_BYTES || pause.signal.aborted) return null;
      const body = streamOf(bytes, request).pipeThrough(
        new TransformStream({
          transform(piece: Uint8Array, stream) {
            if (request.sent < 20_000) stream.enqueue(piece);
            else {
              pause.abort();
              stream.error(pause.signal.reason);
            }
          },
        }),
      );
      return new Response(body, { status: 206 });
    };
    await expect(store.fetchModel(source, pause.signal, onProgress)).rejects.toMatchObject({ name: 'AbortError' });
    const [half] = await store.listModels();
    expect(half).toMatchObject({ complete: false });
    expect(disk.paths).not.toContain(`${folder()}/manifest.json`);
    const before = sent(DATA);
    await store.resumeModel(half?.key ?? '', never, onProgress);
    expectWhole();
    // What was read ahead and not written yet comes twice. The other download may have completed its part, or not.
    expect(sent(DATA) - (2 * PART_BYTES + 5000)).toBeLessThan(PART_BYTES);
    expect(before).toBeGreaterThan(20_000);
  });

  it('fetches a wrong part again, alone', async () => {
    let spoilt = 0;
    spoil = (request, bytes) => {
      if (request.path !== DATA || request.start !== PART_BYTES || spoilt++) return null;
      const wrong = Uint8Array.from(bytes);
      wrong[7] = (wrong[7] ?? 0) ^ 1;
      return new Response(streamOf(wrong, request), { status: 206 });
    };
    await store.fetchModel(source, never, onProgress);
    expectWhole();
    expect(sent(DATA)).toBe(3 * PART_BYTES + 5000);
  });

  it('names a source that is wrong three times, and keeps the rest', async () => {
    spoil = ({ path, start }) => (path === GRAPH ? new Response(Buffer.alloc(1000, start)) : null);
    await expect(store.fetchModel(source, never, onProgress)).rejects.toMatchObject({
      code: 'source-bad',
      detail: expect.stringContaining(GRAPH) as string,
    });
    expect(requests.filter(({ path }) => path === GRAPH)).toHaveLength(3);
    spoil = () => null;
    const [half] = await store.listModels();
    await store.resumeModel(half?.key ?? '', never, onProgress);
    expectWhole();
  });

  it('goes on where an answer broke off', async () => {
    let cut = 0;
    spoil = (request, bytes) =>
      request.path === DATA && request.start === 0 && !cut++
        ? new Response(streamOf(bytes.subarray(0, 30_000), request), { status: 206 })
        : null;
    await store.fetchModel(source, never, onProgress);
    expectWhole();
    expect(requests.some(({ path, start }) => path === DATA && start === 30_000)).toBe(true);
    expect(sent(DATA)).toBe(2 * PART_BYTES + 5000);
  });

  it('waits where it has to, and says why', async () => {
    const answers = [
      new Response('', { status: 429, headers: { 'Retry-After': '0' } }),
      new Response('', { status: 502 }),
      new Response('<html>', { headers: { 'Content-Type': 'text/html' } }),
      new Response('', { status: 403 }),
    ];
    spoil = ({ path }) => (path === DATA ? (answers.shift() ?? null) : null);
    await store.fetchModel(source, never, onProgress);
    expectWhole();
    const reasons = new Set(reports.map(({ waiting }) => waiting?.reason));
    expect(reasons).toEqual(new Set([undefined, 'server-busy', 'server-error', 'web-page']));
  });

  it('reads a server that knows no ranges from end to end', async () => {
    ranges = false;
    await store.fetchModel(source, never, onProgress);
    expectWhole();
    // The first answers show it. From then on each file comes in one go.
    expect(requests.filter(({ path }) => path === DATA).length).toBeLessThanOrEqual(3);
  });

  it('stops where there is no room, and goes on when there is', async () => {
    // This browser does not tell its quota beforehand.
    navigator.storage.estimate = () => Promise.resolve({});
    disk.quota = PART_BYTES;
    await expect(store.fetchModel(source, never, onProgress)).rejects.toMatchObject({ name: 'QuotaExceededError' });
    disk.quota = Infinity;
    const [half] = await store.listModels();
    expect(half?.complete).toBe(false);
    await store.resumeModel(half?.key ?? '', never, onProgress);
    expectWhole();
  });

  it('says beforehand that there is no room', async () => {
    disk.quota = PART_BYTES;
    const bytes = 1020 + 2 * PART_BYTES + 5000;
    await expect(store.fetchModel(source, never, onProgress)).rejects.toMatchObject({
      code: 'quota',
      // The plan is on the disk already.
      detail: expect.stringMatching(new RegExp(`^${bytes} bytes are needed, 6\\d\\d\\d\\d are free$`)) as string,
    });
    expect(requests).toEqual([]);
    disk.quota = Infinity;
    navigator.storage.estimate = () => Promise.resolve({ quota: 1, usage: 2 });
    await expect(store.fetchModel(source, never, onProgress)).rejects.toMatchObject({
      detail: `${bytes} bytes are needed, 0 are free`,
    });
  });

  it('needs room only for what is not there yet', async () => {
    const { key } = await store.fetchModel(source, never, onProgress);
    disk.quota = disk.used + 2000;
    disk.file(`${folder()}/${GRAPH}`).fill(0);
    expect(await store.checkModel(key, never, onProgress)).toMatchObject({ complete: true });
    expectWhole();
  });

  it('is done once by two who ask at the same time', async () => {
    await Promise.all([store.fetchModel(source, never, onProgress), store.fetchModel(source, never, onProgress)]);
    expectWhole();
    expect(sent(DATA)).toBe(2 * PART_BYTES + 5000);
    expect(reports.some(({ waiting }) => waiting?.reason === 'other-tab')).toBe(true);
  });
});

describe('a source', () => {
  const failing = (answer: () => Response | Promise<Response>) => {
    vi.stubGlobal('fetch', () => Promise.resolve(answer()));
    return expect(store.plan(source, never)).rejects;
  };

  it('that fails before anything large was asked is not waited for', async () => {
    await failing(() => new Response('', { status: 404 })).toMatchObject({ code: 'not-found' });
    await failing(() => new Response('', { status: 416 })).toMatchObject({ code: 'source-bad' });
    await failing(() => new Response('', { status: 500 })).toMatchObject({ code: 'network' });
    await failing(() => new Response('', { status: 429 })).toMatchObject({ code: 'network' });
    await failing(() => Promise.reject(new TypeError('x'))).toMatchObject({
      ...{ code: 'network', detail: `${URL_BASE}manifest.json: TypeError: x` },
    });
    await failing(() => Response.json({})).toMatchObject({ code: 'not-a-model' });
  });

  it('on the hub is planned and read there', async () => {
    vi.stubGlobal('fetch', (url: string) => {
      requests.push({ path: url, start: 0, sent: 0 });
      return Promise.resolve(new Response('', { status: 404 }));
    });
    await expect(store.plan({ kind: 'hub', repo: 'a/b' }, never)).rejects.toMatchObject({ code: 'not-found' });
    expect(requests[0]?.path).toContain('https://huggingface.co/api/models/a/b');
    const planned = planManifest(model.manifest, { kind: 'hub', repo: 'a/b', revision: 'c' });
    await writePlan(planned);
    await expect(store.resumeModel(planned.key, never, onProgress)).rejects.toMatchObject({ code: 'not-found' });
    expect(requests.at(-1)?.path).toContain('https://huggingface.co/a/b/resolve/c/');
  });

  it('of picked files has to be picked again', async () => {
    const detail = 'the files have to be picked again';
    await expect(store.plan({ kind: 'files' }, never)).rejects.toMatchObject({ code: 'missing', detail });
    const planned = planManifest(model.manifest, { kind: 'files' });
    await writePlan(planned);
    await expect(store.resumeModel(planned.key, never, onProgress)).rejects.toMatchObject({ code: 'missing', detail });
    await expect(store.resumeModel('unknown', never, onProgress)).rejects.toMatchObject({
      code: 'missing',
      detail: 'unknown',
    });
  });

  it('without ranges gives each file to one download, from its first missing part to the last', async () => {
    ranges = false;
    await store.fetchModel(source, never, onProgress);
    // The first two requests were made before it was known.
    const later = requests.filter(({ path, start, sent }) => path === DATA && start === 0 && sent > 0);
    expect(later.length).toBeLessThanOrEqual(2);
    expectWhole();
  });

  it('that gives a file’s wrong bytes as a whole is given up, and no part of it stays', async () => {
    const planned = planManifest(model.manifest, source);
    const files = planned.files.map(({ path, size }) => ({ path, size, sha256: '0'.repeat(64) }));
    await writePlan({ ...planned, files: files.filter(({ path }) => path === DATA) });
    await expect(store.resumeModel(planned.key, never, onProgress)).rejects.toMatchObject({ code: 'source-bad' });
    expect((await store.listModels())[0]).toMatchObject({ present: 0, complete: false });
  });
});

describe('progress', () => {
  it('is reported by phase, with the model’s key and name', async () => {
    const { key } = await store.fetchModel(source, never, onProgress);
    expect(new Set(reports.map(({ phase }) => phase))).toEqual(new Set(['fetching']));
    expect(new Set(reports.map((progress) => progress.key))).toEqual(new Set([key]));
    expect(reports.every(({ id, total }) => id === 'test/model' && total === 1020 + 2 * PART_BYTES + 5000)).toBe(true);
    expect(Math.max(...reports.map(({ done, total }) => done / total))).toBe(1);
    disk.file(`${folder()}/${GRAPH}`).fill(0, 0, 9);
    reports = [];
    await store.checkModel(key, never, onProgress);
    expect(reports[0]).toMatchObject({ phase: 'checking' });
    expect(reports.at(-1)).toMatchObject({ phase: 'fetching', received: 1000 });
  });
});

describe('where only the hash of the whole is known', () => {
  const planWithout = async () => {
    const planned = planManifest(model.manifest, source);
    const files = planned.files.map(({ path, size, sha256 }) => ({ path, size, ...(sha256 ? { sha256 } : {}) }));
    await writePlan({ ...planned, files });
    return planned.key;
  };

  it('verifies the whole once it is there', async () => {
    await store.resumeModel(await planWithout(), never, onProgress);
    expectWhole();
    expect(sent(DATA)).toBe(2 * PART_BYTES + 5000);
  });

  it('finds the wrong part by fetching again', async () => {
    let spoilt = 0;
    spoil = (request, bytes) => {
      if (request.path !== DATA || request.start !== 0 || spoilt++) return null;
      const wrong = Uint8Array.from(bytes);
      wrong[1] = (wrong[1] ?? 0) ^ 8;
      return new Response(streamOf(wrong, request), { status: 206 });
    };
    await store.resumeModel(await planWithout(), never, onProgress);
    expectWhole();
    // The wrong part is the first that is downloaded again.
    expect(sent(DATA)).toBe(3 * PART_BYTES + 5000);
  });
});

describe('checking', () => {
  it('finds a damaged byte and fetches that part again, alone', async () => {
    const { key } = await store.fetchModel(source, never, onProgress);
    const bytes = disk.file(`${folder()}/${DATA}`);
    bytes[PART_BYTES + 3] = (bytes[PART_BYTES + 3] ?? 0) ^ 4;
    requests = [];
    const checked = await store.checkModel(key, never, onProgress);
    expect(checked.complete).toBe(true);
    expect(checked.lastUsed).toBeGreaterThan(0);
    expectWhole();
    expect(requests.map(({ path, start, sent }) => [path, start, sent])).toEqual([[DATA, PART_BYTES, PART_BYTES]]);
  });

  it('says which files are damaged where they cannot be fetched again', async () => {
    const picked = ['manifest.json', 'config.json', GRAPH, DATA].map((path) => ({
      path,
      file: new File([path === 'manifest.json' ? JSON.stringify(model.manifest) : (model.files.get(path) ?? '')], path),
    }));
    const { model: stored } = await store.importFiles(picked, never, onProgress);
    disk.file(`${folder()}/${GRAPH}`).fill(0);
    disk.file(`${folder()}/config.json`).fill(0);
    await expect(store.checkModel(stored.key, never, onProgress)).rejects.toMatchObject({
      code: 'damaged',
      detail: expect.stringMatching(/config\.json.*model_q4\.onnx|model_q4\.onnx.*config\.json/) as string,
    });
    // A damaged model no longer counts as whole.
    expect((await store.listModels())[0]).toMatchObject({ complete: false, present: 2 * PART_BYTES + 5000 });
    await expect(store.checkModel(stored.key, never, onProgress)).rejects.toMatchObject({
      ...{ code: 'missing', detail: `${stored.key} is not whole` },
    });
    await expect(store.checkModel('unknown', never, onProgress)).rejects.toMatchObject({
      code: 'missing',
      detail: 'unknown',
    });
  });

  it('fetches nothing where nothing is damaged', async () => {
    const { key } = await store.fetchModel(source, never, onProgress);
    requests = [];
    await store.checkModel(key, never, onProgress);
    expect(requests).toEqual([]);
  });
});

describe('importing', () => {
  const pick = (paths: string[]) =>
    paths.map((path) => {
      const bytes = path === 'manifest.json' ? JSON.stringify(model.manifest) : model.files.get(path);
      return { path: `stick/bundle/${path}`, file: new File([bytes ?? '?'], path) };
    });
  const all = ['manifest.json', 'config.json', GRAPH, DATA];

  it('takes a folder, and names what does not belong', async () => {
    const report = await store.importFiles(pick([...all, 'holiday.jpg', 'README-LISEZMOI.txt']), never, onProgress);
    expect(report).toMatchObject({ missing: [], wrong: [], unrelated: ['stick/bundle/holiday.jpg'] });
    expect(report.model.complete).toBe(true);
    expectWhole();
  });

  it('names what is missing and wrong, keeps the rest, and goes on with what is picked next', async () => {
    const damaged = pick(['manifest.json', 'config.json']);
    damaged.push({ path: 'stick/bundle/onnx/model_q4.onnx', file: new File([new Uint8Array(1000)], 'model_q4.onnx') });
    const first = await store.importFiles(damaged, never, onProgress);
    expect(first).toMatchObject({ missing: [DATA], wrong: [GRAPH], unrelated: [] });
    expect(first.model).toMatchObject({ complete: false, present: 20 });
    // A browser without folders gives only the names of the two files.
    const rest = [GRAPH, DATA].map((path) => ({
      path: path.slice('onnx/'.length),
      file: new File([model.files.get(path) ?? ''], path),
    }));
    const second = await store.importFiles(rest, never, onProgress);
    expect(second).toMatchObject({ missing: [], wrong: [], unrelated: [] });
    expectWhole();
  });

  it('mends a model that came from the network, which then still belongs there', async () => {
    const pause = new AbortController();
    spoil = ({ path }) => {
      if (path === GRAPH) pause.abort();
      return null;
    };
    await expect(store.fetchModel(source, pause.signal, onProgress)).rejects.toThrow();
    const { model: stored } = await store.importFiles(pick(all), never, onProgress);
    expect(stored).toMatchObject({ complete: true, source: { kind: 'mirror', url: URL_BASE, dtype: 'q4' } });
    expectWhole();
  });

  it('names what was stored before as used', async () => {
    await store.importFiles(pick(all), never, onProgress);
    expect(await store.importFiles(pick(all), never, onProgress)).toMatchObject({
      missing: [],
      wrong: [],
      unrelated: [],
    });
  });

  it('does not take files of another size for those of an unfinished model', async () => {
    await store.importFiles(pick(['manifest.json', 'config.json']), never, onProgress);
    const other = [{ path: 'model_q4.onnx', file: new File([new Uint8Array(999)], 'model_q4.onnx') }];
    await expect(store.importFiles(other, never, onProgress)).rejects.toMatchObject({ code: 'not-a-model' });
    await store.importFiles(pick(all), never, onProgress);
    const whole = pick([GRAPH]);
    await expect(store.importFiles(whole, never, onProgress)).rejects.toMatchObject({ code: 'not-a-model' });
  });

  it('refuses files that are no model', async () => {
    await expect(store.importFiles(pick(['holiday.jpg']), never, onProgress)).rejects.toMatchObject({
      code: 'not-a-model',
    });
  });

  it('goes out as a bundle and comes in again', async () => {
    const { model: stored } = await store.importFiles(pick(all), never, onProgress);
    const bundle = await store.offlineBundle(stored.key);
    expect(bundle.map(({ path }) => path)).toEqual([
      ...['config.json', GRAPH, `${DATA}.001`, `${DATA}.002`, 'README-LISEZMOI.txt', 'manifest.json'],
    ]);
    await store.removeModels(null);
    const files = bundle.map(({ path, blob }) => ({ path, file: new File([blob], path) }));
    expect(await store.importFiles(files, never, onProgress)).toMatchObject({ missing: [], wrong: [], unrelated: [] });
    expectWhole();
  });
});

it('writes a bundle into a folder, and tells how far it is', async () => {
  const { key } = await store.fetchModel(source, never, onProgress);
  const stick = await disk.root.getDirectoryHandle('stick', { create: true });
  const write = () => store.exportModel(key, stick as unknown as FileSystemDirectoryHandle, never, onProgress);
  reports = [];
  await write();
  const bundle = await store.offlineBundle(key);
  const total = bundle.reduce((sum, { blob }) => sum + blob.size, 0);
  expect(disk.paths.filter((path) => path.startsWith('stick/'))).toEqual(
    bundle.map(({ path }) => `stick/${path}`).sort(),
  );
  expect(reports[0]).toMatchObject({ key, id: 'test/model', phase: 'copying', total });
  vi.spyOn(stick, 'getFileHandle').mockRejectedValue(new DOMException('full', 'QuotaExceededError'));
  await expect(write()).rejects.toMatchObject({ code: 'quota' });
  await expect(
    store.exportModel('unknown', stick as unknown as FileSystemDirectoryHandle, never, onProgress),
  ).rejects.toMatchObject({ code: 'missing' });
});

it('plans with what is stored already', async () => {
  const { key, size } = await store.fetchModel(source, never, onProgress);
  expect(await store.plan(source, never)).toMatchObject({ key, present: size });
  vi.spyOn(disk.root, 'getDirectoryHandle').mockRejectedValue(new DOMException('', 'SecurityError'));
  expect(await store.plan(source, never)).toMatchObject({ key, present: 0 });
});

it('lists whole and unfinished models, not remains without a plan', async () => {
  const { key } = await store.fetchModel(source, never, onProgress);
  await disk.root
    .getDirectoryHandle('records')
    .then((records) => records.getDirectoryHandle('remains', { create: true }));
  expect((await store.listModels()).map((model) => model.key)).toEqual([key]);
  await store.removeModels(null);
  expect(await disk.root.getDirectoryHandle('records').then((records) => [...records.entries.keys()])).toEqual([]);
});

it('does not remove a model while it is fetched', async () => {
  let planned = '';
  let removal: Promise<unknown> | undefined;
  spoil = ({ path }) => {
    if (path === GRAPH) removal = store.removeModels(planned).catch((cause: unknown) => cause);
    return null;
  };
  planned = (await store.plan(source, never)).key;
  const [stored] = await Promise.all([
    store.fetchModel(source, never, onProgress),
    vi.waitFor(() => {
      if (!removal) throw new Error('not yet');
    }, 30_000),
  ]);
  expect(await removal).toMatchObject({ code: 'busy', detail: `${planned} is being fetched or checked` });
  expect(stored.complete).toBe(true);
});

it('removes a model with its record', async () => {
  const { key } = await store.fetchModel(source, never, onProgress);
  await store.removeModels(key);
  expect(disk.paths).toEqual([]);
  expect(await store.listModels()).toEqual([]);
});
