/** @file The app offline, its updates, and its installation. */
import { cpSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BrowserContext, chromium, expect, type Page, test } from '@playwright/test';
import { chromiumArgs, cpuArgs, requireChromium } from '../tools/browser/chromium.ts';
import { expectAccessible } from './support/axe.ts';
import { Chat } from './support/chat.ts';
import { makePdf } from './support/pdf.ts';
import { StaticHost } from './support/static-host.ts';

test.use({ serviceWorkers: 'allow' });

let host: StaticHost;
test.beforeEach(async () => {
  host = new StaticHost('dist');
  await host.start();
});
test.afterEach(async () => {
  await host.stop();
});

const stored = (page: Page) => expect(page.getByTestId('offline')).toHaveAttribute('data-stored', 'true');
const isolated = (page: Page) => page.evaluate(() => crossOriginIsolated);

const opened = (page: Page) =>
  expect(page.getByTestId('model-state')).toHaveAttribute('data-state', 'ready', { timeout: 60_000 });

/** @returns names of the stored files, without the hashes in them. */
const storedFiles = (page: Page) =>
  page.evaluate(async () => {
    const [name = ''] = (await caches.keys()).filter((key) => key.startsWith('workbox-precache'));
    const requests = await (await caches.open(name)).keys();
    return requests.map(({ url }) =>
      new URL(url).pathname.replace(/-[\w-]{8}\.(\w+)$/, '.$1').replace('/fournil/', ''),
    );
  });

/** Visits the site in a browser with this profile, which is closed afterwards. */
async function visit(profile: string, args: string[], use: (page: Page, context: BrowserContext) => Promise<void>) {
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: requireChromium(),
    args,
    locale: 'en-GB',
  });
  try {
    await use(context.pages()[0] ?? (await context.newPage()), context);
  } finally {
    await context.close();
  }
}

for (const { name, args, state } of [
  { name: 'with WebGPU', args: chromiumArgs, state: 'Ready' },
  {
    name: 'on the CPU, with threads by then',
    args: cpuArgs,
    state: 'slower: no GPU',
  },
])
  test(`after one visit the app opens and answers without a network, ${name}`, async () => {
    const profile = test.info().outputPath('profile');
    await visit(profile, args, async (page) => {
      await page.goto(host.url);
      await stored(page);
      // The service worker took files from the browser's cache that the page had fetched.
      const heavy = host.sent.filter((path) => /\.wasm$|onnx_data$/.test(path));
      expect(heavy).toEqual([...new Set(heavy)]);
      const files = await storedFiles(page);
      expect(files.filter((path) => /ort.*\.wasm$/.test(path)).sort()).toEqual([
        'assets/ort-wasm-simd-threaded.jspi.wasm',
        'assets/ort-wasm-simd-threaded.wasm',
      ]);
      expect(files).toContain('examples/shapes.png');
      expect(await isolated(page)).toBe(false);
    });
    await host.stop();
    await visit(profile, args, async (page, context) => {
      await context.setOffline(true);
      await page.goto(`${host.url}?from=a-link#top`);
      await expect(page.getByTestId('model-state')).toContainText(state, { timeout: 60_000 });
      const chat = new Chat(page);
      // The PDF reader is loaded only now.
      await chat.attach('report.pdf', makePdf([{ lines: ['Page one'] }]), 'application/pdf');
      await expect(page.getByTestId('document-state')).toContainText('token');
      await page.getByRole('button', { name: 'Remove report.pdf' }).click();
      const answer = await chat.ask('What is 7 + 5?');
      await expect(answer.locator('.answer')).toContainText('12');
      await expect(answer.locator('.answer.plain')).toHaveCount(0);
      expect(await isolated(page)).toBe(true);
      await stored(page);
    });
  });

/** Copies the site into `folder` as its next version: the names of scripts change, as they do when the scripts do. */
function makeNextVersion(folder: string): void {
  cpSync('dist', folder, { recursive: true });
  const renamed = readdirSync(join(folder, 'assets')).filter((name) => name.endsWith('.js'));
  const next = (name: string) => name.replace(/\.js$/, '-version2.js');
  for (const name of renamed) renameSync(join(folder, 'assets', name), join(folder, 'assets', next(name)));
  const rewrite = (path: string, change: (text: string) => string) => {
    const text = readFileSync(join(folder, path), 'utf8');
    writeFileSync(
      join(folder, path),
      change(renamed.reduce((before, name) => before.replaceAll(name, next(name)), text)),
    );
  };
  for (const name of renamed) rewrite(join('assets', next(name)), (text) => text);
  rewrite('index.html', (text) => text.replace('<html', '<html data-version="2"'));
  rewrite('service-worker.js', (text) => text.replace(/"revision":"\w+"(?=,"url":"index\.html")/, '"revision":"2"'));
}

test('a new version is offered, and comes only when asked for', async ({ context, page }) => {
  // The test loads the model five times and asks four questions.
  test.slow();
  const first = page;
  const html = (of: Page) => of.locator('html');
  const mark = (of: Page) => html(of).evaluate((root) => (root.dataset['opened'] = 'once'));
  const offered = (of: Page) => expect(of.getByTestId('update')).toContainText('A new version is ready');
  const answer = async (of: Page) => (await new Chat(of).ask('Hello!')).locator('.answer:not(.plain)');

  await first.goto(host.url);
  await stored(first);
  await mark(first);
  host.folder = test.info().outputPath('next');
  makeNextVersion(host.folder);
  await first.evaluate(async () => {
    await (await navigator.serviceWorker.getRegistration())?.update();
  });
  await offered(first);
  await expectAccessible(first);
  const sent = host.sent.length;

  // The renderer of answers is loaded only now, by a name that the host no longer has.
  await expect(await answer(first)).toContainText(/\w/);
  await expect(html(first)).toHaveAttribute('data-opened', 'once');
  await first.getByRole('button', { name: 'Later' }).click();
  await expect(first.getByTestId('update')).toBeEmpty();
  await expect(new Chat(first).message).toBeFocused();
  await first.reload();
  await offered(first);
  const second = await context.newPage();
  await second.goto(host.url);
  await offered(second);
  await mark(second);
  for (const each of [first, second]) await expect(html(each)).not.toHaveAttribute('data-version');

  await first.getByRole('button', { name: 'Reload now' }).click();
  await expect(html(first)).toHaveAttribute('data-version', '2');
  await opened(first);
  await expect(await answer(first)).toContainText(/\w/);
  await expect(first.getByTestId('update')).toBeEmpty();

  // The other page works with its version until it is reloaded, too.
  await expect(html(second)).toHaveAttribute('data-opened', 'once');
  await expect(await answer(second)).toContainText(/\w/);
  await second.getByRole('button', { name: 'Reload now' }).click();
  await expect(html(second)).toHaveAttribute('data-version', '2');
  expect(host.sent.slice(sent)).toEqual([]);

  // With only one page open, the older version's files are deleted.
  await second.close();
  expect((await storedFiles(first)).filter((path) => path.startsWith('assets/markdown'))).toHaveLength(2);
  await first.reload();
  await expect
    .poll(async () => (await storedFiles(first)).filter((path) => path.startsWith('assets/markdown')))
    .toHaveLength(1);
});

test('can be installed', async () => {
  await visit(test.info().outputPath('profile'), chromiumArgs, async (page, context) => {
    await page.goto(host.url);
    const devtools = await context.newCDPSession(page);
    const { data = '', errors } = await devtools.send('Page.getAppManifest');
    expect(errors).toEqual([]);
    expect(await devtools.send('Page.getInstallabilityErrors')).toEqual({ installabilityErrors: [] });
    const { icons } = JSON.parse(data) as { icons: { src: string; sizes: string }[] };
    for (const { src, sizes } of icons) {
      const size = await page.evaluate(async (path) => {
        const image = new Image();
        image.src = path;
        await image.decode();
        return `${image.naturalWidth}x${image.naturalHeight}`;
      }, src);
      if (sizes !== 'any') expect(size, src).toBe(sizes);
    }
  });
});

test('our servers isolate the page, and the hub still answers it', async ({ context, page }) => {
  await context.route('https://huggingface.co/**', (route) =>
    route.fulfill({ body: 'weights', headers: { 'Access-Control-Allow-Origin': '*' } }),
  );
  await page.goto('./');
  expect(await isolated(page)).toBe(true);
  expect(await page.evaluate(async () => (await fetch('https://huggingface.co/model')).text())).toBe('weights');
});
