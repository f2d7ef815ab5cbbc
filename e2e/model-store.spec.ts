/**
 * @file Faults between a model's source and this device, on the built site against a hub that behaves as the real one.
 * Each test ends with a chat with the downloaded model, and counts the bytes that had to be downloaded twice.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, expect, type Page, test } from '@playwright/test';
import { PART_BYTES } from '../protocol/sizes.ts';
import type { ModelSource, StoredModel } from '../protocol/store.ts';
import { cpuArgs, requireChromium } from '../tools/browser/chromium.ts';
import { exportModel } from '../tools/export/export-model.ts';
import { startHub, type TestHub } from '../tools/test-hub/hub.ts';
import { ownRepo, PADDING, stockRepo } from '../tools/test-hub/model-repo.ts';
import { makeProfile, removeProfile, type RunningBrowser, startBrowser } from '../tools/browser/start-browser.ts';
import { Chat } from './support/chat.ts';
import { Store } from './support/store.ts';

const BUILT_IN = 'public/models/built-in';
const REPO = 'someone/tiny-gemma';
const STOCK = 'someone/tiny-gemma-stock';
const SOURCE: ModelSource = { kind: 'hub', repo: REPO };
const PADDING_BYTES = 3 * PART_BYTES + 1000;
let hub: TestHub;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let store: Store;
let stock: string;

test.beforeAll(async () => {
  // The 403 of an address that has expired may come without the headers that let a page read it.
  hub = await startHub({ expiredReadable: false });
  await hub.addRepo(REPO, await ownRepo(BUILT_IN, { padding: PADDING_BYTES }));
  stock = await mkdtemp(join(tmpdir(), 'fournil-stock-'));
  await exportModel({
    checkpoint: 'training/checkpoint',
    out: join(stock, 'm'),
    dtype: 'q4',
    imageAttention: 'causal',
  });
  await hub.addRepo(STOCK, await stockRepo(join(stock, 'm')));
  browser = await chromium.launch({ executablePath: requireChromium(), args: [...cpuArgs, ...hub.browserArgs] });
});
test.afterAll(async () => {
  await browser.close();
  await hub.close();
  await rm(stock, { recursive: true });
});

/** Opens a page of the site that loads no model of its own. */
const openSite = async (opened: Page, baseURL: string | undefined): Promise<Store> => {
  await opened.goto(`${baseURL ?? ''}manifest.webmanifest`);
  return Store.on(opened);
};

test.beforeEach(async ({ baseURL }) => {
  hub.reset();
  hub.online();
  context = await browser.newContext({ serviceWorkers: 'block', locale: 'en-GB' });
  page = await context.newPage();
  store = await openSite(page, baseURL);
});
test.afterEach(() => context.close());

/** Opens the app with this model, and asks it something. */
async function chatWith(model: StoredModel, opened: Page, baseURL: string | undefined): Promise<void> {
  await opened.evaluate((m) => localStorage.setItem('model', JSON.stringify({ key: m.key, id: m.id })), model);
  await opened.goto(baseURL ?? '');
  await expect(opened.getByTestId('model-state')).toHaveAttribute('data-state', 'ready', { timeout: 60_000 });
  await expect(opened.getByTestId('model-state')).toContainText(model.id.split('/').pop() ?? '');
  await expect(await new Chat(opened).ask('What is 7 + 5?')).toContainText('12');
}

/** @returns how many bytes of files were sent more than once. */
const twice = (model: StoredModel): number => hub.bytesSent(({ kind }) => kind !== 'api') - model.size;
const SLACK = 4 * 1024 * 1024;

test('a model of the hub is fetched once, whole, and answers', async ({ baseURL }) => {
  const plan = await store.call({ type: 'plan', source: SOURCE });
  expect(plan.source).toMatchObject({ revision: expect.stringMatching(/^[0-9a-f]{40}$/) as unknown });
  hub.reset();
  const model = await store.call({ type: 'fetch', source: plan.source });
  expect(model.complete).toBe(true);
  // Beyond the files themselves, planning reads only the manifest.
  expect(twice(model)).toBeLessThan(100_000);
  await chatWith(model, page, baseURL);
});

test('a model that others published, with hashes of whole files only, is verified and answers', async ({ baseURL }) => {
  const model = await store.call({ type: 'fetch', source: { kind: 'hub', repo: STOCK } });
  expect(model).toMatchObject({ complete: true, vision: true, dtype: 'q4' });
  await chatWith(model, page, baseURL);
});

test('the connection breaks in a part: it goes on where it was', async ({ baseURL }) => {
  const cut = hub.fault(PADDING, { cutAfter: 30_000_000 }, 3);
  const model = await store.call({ type: 'fetch', source: SOURCE });
  expect(cut.struck).toBe(3);
  expect(twice(model)).toBeLessThan(3 * SLACK);
  await chatWith(model, page, baseURL);
});

test('a wrong byte: that part is fetched again, alone', async ({ baseURL }) => {
  const flipped = hub.fault(PADDING, { flip: PART_BYTES + 12_345 });
  const model = await store.call({ type: 'fetch', source: SOURCE });
  expect(flipped.struck).toBe(1);
  expect(Math.abs(twice(model) - PART_BYTES)).toBeLessThan(SLACK);
  await chatWith(model, page, baseURL);
});

test('bytes that stay wrong name the source, and nothing unverified is kept for good', async ({ baseURL }) => {
  const flipped = hub.fault(PADDING, { flip: 5 }, 3);
  const outcome = await store.outcome(await store.begin({ type: 'fetch', source: SOURCE }));
  expect(outcome).toMatchObject({ error: { code: 'source-bad', detail: expect.stringContaining(PADDING) as unknown } });
  expect(flipped.struck).toBe(3);
  const [half] = await store.call({ type: 'list' });
  expect(half?.complete).toBe(false);
  const model = await store.call({ type: 'resume', key: half?.key ?? '' });
  await chatWith(model, page, baseURL);
});

test('a file that is cut short at the source is noticed, and fetched when it is whole', async ({ baseURL }) => {
  const truncated = hub.fault(PADDING, { truncate: 2 * PART_BYTES }, 2);
  const model = await store.call({ type: 'fetch', source: SOURCE });
  expect(truncated.struck).toBe(2);
  expect(twice(model)).toBeLessThan(2 * PART_BYTES + SLACK);
  await chatWith(model, page, baseURL);
});

test('a web page in place of a file: it waits and says so', async ({ baseURL }) => {
  hub.fault(({ kind, path }) => kind === 'cdn' && path === PADDING, { html: true });
  const model = await store.call({ type: 'fetch', source: SOURCE });
  const why = (await store.progress()).map(({ waiting }) => waiting?.reason);
  expect(why).toContain('web-page');
  expect(twice(model)).toBeLessThan(SLACK);
  await chatWith(model, page, baseURL);
});

test('signed addresses expire in mid-answer: new ones are asked for', async ({ baseURL }) => {
  const slow = hub.fault(PADDING, { throttle: 60_000_000 }, Infinity);
  const fetching = await store.begin({ type: 'fetch', source: SOURCE });
  await store.reached(40_000_000);
  hub.expireNow();
  slow.lift();
  const outcome = await store.outcome<'fetch'>(fetching);
  if ('error' in outcome) throw new Error(outcome.error.detail);
  expect(twice(outcome.result)).toBeLessThan(2 * SLACK);
  await chatWith(outcome.result, page, baseURL);
});

test('a server that is busy is left alone for a while', async ({ baseURL }) => {
  hub.fault(({ kind, path }) => kind === 'resolve' && path === PADDING, { status: 429, retryAfter: 2 });
  const model = await store.call({ type: 'fetch', source: SOURCE });
  expect((await store.progress()).map(({ waiting }) => waiting?.reason)).toContain('server-busy');
  expect(twice(model)).toBeLessThan(SLACK);
  await chatWith(model, page, baseURL);
});

test('the network goes and comes back', async ({ baseURL }) => {
  hub.fault(PADDING, { throttle: 60_000_000 }, Infinity);
  const fetching = await store.begin({ type: 'fetch', source: SOURCE });
  await store.reached(40_000_000);
  hub.offline();
  await expect.poll(async () => (await store.progress()).at(-1)?.waiting?.reason).toBe('network');
  hub.clearFaults();
  hub.online();
  const outcome = await store.outcome<'fetch'>(fetching);
  if ('error' in outcome) throw new Error(outcome.error.detail);
  expect(twice(outcome.result)).toBeLessThan(2 * SLACK);
  await chatWith(outcome.result, page, baseURL);
});

test('another commit upstream does not mix with the one that was begun', async ({ baseURL }) => {
  const fetching = await store.begin({ type: 'fetch', source: SOURCE });
  await store.reached(40_000_000);
  await store.abort(fetching);
  await store.outcome(fetching);
  const [half] = await store.call({ type: 'list' });
  await hub.push(REPO, await ownRepo(BUILT_IN, { padding: 1000 }));
  const model = await store.call({ type: 'resume', key: half?.key ?? '' });
  expect(model).toMatchObject({ complete: true, revision: half?.revision, size: half?.size });
  await chatWith(model, page, baseURL);
  await hub.push(REPO, await ownRepo(BUILT_IN, { padding: PADDING_BYTES }));
});

/** Runs `use` in a browser with a profile, where files are on the disk; `use` may kill the browser. */
async function withProfile(use: (start: () => Promise<RunningBrowser>) => Promise<void>): Promise<void> {
  const profile = await makeProfile();
  try {
    await use(() => startBrowser({ profile, args: hub.browserArgs, gpu: false }));
  } finally {
    await removeProfile(profile);
  }
}

test('no room: a clear error before anything comes, the rest stays, and it goes on when there is room', async ({
  baseURL,
}) => {
  await withProfile(async (start) => {
    const running = await start();
    const opened = await running.newPage();
    const kept = await openSite(opened, baseURL);
    const session = await running.context.newCDPSession(opened);
    const origin = new URL(baseURL ?? '').origin;
    const fetching = await kept.begin({ type: 'fetch', source: SOURCE });
    await kept.reached(40_000_000);
    await kept.abort(fetching);
    await kept.outcome(fetching);
    await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: PADDING_BYTES });
    hub.reset();
    const refused = await kept.outcome(await kept.begin({ type: 'fetch', source: { kind: 'hub', repo: STOCK } }));
    expect(refused).toMatchObject({ error: { code: 'quota' } });
    // The hub may only now see the last request of the aborted download.
    expect(hub.bytesSent(({ kind, repo }) => kind === 'cdn' && repo === STOCK)).toBe(0);
    await session.send('Storage.overrideQuotaForOrigin', { origin });
    for (const source of [SOURCE, { kind: 'hub', repo: STOCK } as const])
      await chatWith(await kept.call({ type: 'fetch', source }), opened, baseURL).then(() => openSite(opened, baseURL));
    await running.close();
  });
});

test('two tabs fetch one model once, and the second goes on when the first is closed', async ({ baseURL }) => {
  hub.fault(PADDING, { throttle: 60_000_000 }, Infinity);
  await store.begin({ type: 'fetch', source: SOURCE });
  await store.reached(40_000_000);
  const other = await context.newPage();
  const second = await openSite(other, baseURL);
  const waiting = await second.begin({ type: 'fetch', source: SOURCE });
  await expect.poll(async () => (await second.progress()).at(-1)?.waiting?.reason).toBe('other-tab');
  hub.clearFaults();
  await page.close();
  const outcome = await second.outcome<'fetch'>(waiting);
  if ('error' in outcome) throw new Error(outcome.error.detail);
  expect(outcome.result.complete).toBe(true);
  expect(twice(outcome.result)).toBeLessThan(2 * PART_BYTES + SLACK);
  await chatWith(outcome.result, other, baseURL);
});

/** Changes one byte of a stored file, as a failing disk would. */
const damage = (opened: Page, key: string, path: string, at: number) =>
  opened.evaluate(
    async ({ key, path, at }) => {
      let folder = await navigator.storage.getDirectory();
      const names = ['models', key, ...path.split('/')];
      const name = names.pop() ?? '';
      for (const each of names) folder = await folder.getDirectoryHandle(each);
      const handle = await folder.getFileHandle(name);
      const [byte = 0] = new Uint8Array(await (await handle.getFile()).slice(at, at + 1).arrayBuffer());
      const file = await handle.createWritable({ keepExistingData: true });
      await file.write({ type: 'write', position: at, data: new Uint8Array([byte ^ 1]) });
      await file.close();
    },
    { key, path, at },
  );

test('a byte that is damaged on the disk is noticed at load, and that part is fetched again', async ({ baseURL }) => {
  const model = await store.call({ type: 'fetch', source: SOURCE });
  const weights = 'onnx/decoder_model_merged_q4.onnx_data';
  await damage(page, model.key, weights, 100_000);
  await damage(page, model.key, PADDING, PART_BYTES + 7);
  hub.reset();
  await chatWith(model, page, baseURL);
  const again = hub.bytesSent(PADDING) + hub.bytesSent(weights);
  expect(again).toBeGreaterThanOrEqual(PART_BYTES);
  expect(again).toBeLessThan(PART_BYTES + 5_000_000);
  expect(hub.bytesSent(({ kind }) => kind === 'cdn')).toBe(again);
});

test('deleting frees the space', async () => {
  const usage = () => page.evaluate(async () => (await navigator.storage.estimate()).usage ?? 0);
  const before = await usage();
  const { key } = await store.call({ type: 'fetch', source: SOURCE });
  expect((await usage()) - before).toBeGreaterThan(PADDING_BYTES);
  await store.call({ type: 'remove', key });
  await expect.poll(usage).toBeLessThan(before + 1_000_000);
  expect(await store.call({ type: 'list' })).toEqual([]);
});

test('the browser is killed ten times in the middle of it', async ({ baseURL }) => {
  test.setTimeout(300_000);
  const slow = hub.fault(PADDING, { throttle: 5_000_000 }, Infinity);
  let killedIn = 0;
  await withProfile(async (start) => {
    for (let round = 0; round < 10; round++) {
      const running = await start();
      const fetching = await openSite(await running.newPage(), baseURL);
      await fetching.begin({ type: 'fetch', source: SOURCE });
      // Some kills come before the first byte, some in the middle of parts, some between them.
      if (round % 2) await fetching.reached(1);
      await new Promise((resolve) => setTimeout(resolve, 1500 * Math.random()));
      const [half] = await fetching.call({ type: 'list' });
      if (half && !half.complete) killedIn++;
      await running.kill();
    }
    slow.lift();
    expect(killedIn).toBeGreaterThan(4);
    const running = await start();
    const opened = await running.newPage();
    const model = await (await openSite(opened, baseURL)).call({ type: 'fetch', source: SOURCE });
    expect(model.complete).toBe(true);
    // Two parts were in flight each time; their bytes that were on the disk already were not downloaded again.
    expect(twice(model)).toBeLessThan(10 * 2 * PART_BYTES);
    await chatWith(model, opened, baseURL);
    await running.close();
  });
});
