/**
 * @file The cost of a first visit, counted and not timed, so that the tests hold on a busy machine. Lighthouse's performance
 * score (`npm run lighthouse`) depends on the same things. A change that lowers a count lowers its bound.
 */
import { readFileSync } from 'node:fs';
import { expect, type Page, test } from '@playwright/test';
import { serveSite } from '../tools/serve/files.ts';
import { type RunningServer, startServer } from '../tools/serve/server.ts';
import { scriptWorker } from './support/scripted-worker.ts';

const KIB = 1024;
const PHONE = { width: 412, height: 823 };
const DESKTOP = { width: 1350, height: 940 };

let site: RunningServer;
test.beforeAll(async () => {
  site = await startServer({ '/': serveSite('dist') });
});
test.afterAll(() => site.close());

/** @returns the paths of the shell: the HTML, and the scripts and stylesheets that it names. */
const shellPaths = (): Set<string> => {
  const html = readFileSync('dist/index.html', 'utf8');
  return new Set(['/', ...[...html.matchAll(/(?:src|href)="\.(\/assets\/[^"]+)"/g)].map(([, path = '']) => path)]);
};

/** Opens the app with a scripted engine, and waits until its model is loaded. */
async function open(page: Page): Promise<void> {
  await scriptWorker(page, { answers: [{ deltas: ['Hello.'] }], loadTime: 300 });
  await page.goto(site.origin);
  await expect(page.getByTestId('model-state')).toHaveAttribute('data-state', 'ready');
}

test('the page is there when only its shell has arrived, which is small', async ({ page }) => {
  const shell = shellPaths();
  const requested: string[] = [];
  // Other requests are never answered.
  await page.route('**/*', async (route) => {
    const { pathname } = new URL(route.request().url());
    requested.push(pathname);
    if (shell.has(pathname)) await route.continue();
  });
  await page.goto(site.origin, { waitUntil: 'commit' });
  await expect(page.getByRole('textbox', { name: 'Message' })).toBeVisible();
  await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0);
  // The inference worker is among the first requests; what depends on their answers is never requested.
  await expect.poll(() => requested.some((path) => path.includes('/worker-'))).toBe(true);

  const arrived = await page.evaluate(() =>
    (performance.getEntries() as PerformanceResourceTiming[])
      .filter(({ entryType, responseStatus }) => /^(navigation|resource)$/.test(entryType) && responseStatus === 200)
      .map(({ name, encodedBodySize }) => ({ path: new URL(name).pathname, bytes: encodedBodySize })),
  );
  expect(arrived.map(({ path }) => path).sort()).toEqual([...shell].sort());
  expect(arrived.length).toBeLessThanOrEqual(5);
  // 104.4 KiB on 30 November 2026, with gzip.
  expect(arrived.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(108 * KIB);
  // The shell, the worker, the conversations' database in three files, and a picture of the welcome.
  expect(requested.length, requested.join(' ')).toBeLessThanOrEqual(10);
});

test('only stylesheets of the shell block rendering', async ({ page }) => {
  await open(page);
  const blocking = await page.evaluate(() =>
    (performance.getEntriesByType('resource') as (PerformanceResourceTiming & { renderBlockingStatus: string })[])
      .filter(({ renderBlockingStatus }) => renderBlockingStatus === 'blocking')
      .map(({ name }) => new URL(name).pathname),
  );
  const stylesheets = [...shellPaths()].filter((path) => path.endsWith('.css'));
  expect(blocking.sort()).toEqual(stylesheets.sort());
  expect(blocking.length).toBeLessThanOrEqual(2);
});

test('the main thread is given little script', async ({ page }) => {
  const devtools = await page.context().newCDPSession(page);
  const scripts = new Map<string, number>();
  // Scripts of workers are not reported here, since workers are targets of their own.
  devtools.on('Debugger.scriptParsed', ({ url, length = 0 }) => {
    if (url.startsWith(site.origin)) scripts.set(new URL(url).pathname, length);
  });
  await devtools.send('Debugger.enable');
  await open(page);
  const bytes = [...scripts.values()].reduce((sum, length) => sum + length, 0);
  // If nothing were counted, the bound would hold.
  expect(bytes).toBeGreaterThan(100 * KIB);
  // 389.4 KiB on 30 November 2026, without compression.
  expect(bytes, [...scripts.keys()].join(' ')).toBeLessThan(400 * KIB);
});

interface LayoutShift extends PerformanceEntry {
  value: number;
  sources: { node?: Node | null }[];
}
declare global {
  interface Window {
    shifts: { value: number; moved: string[] }[];
  }
}

for (const [name, viewport] of Object.entries({ phone: PHONE, desktop: DESKTOP }))
  test.describe(() => {
    test.use({ viewport });

    test(`the cumulative layout shift is 0 on a ${name}`, async ({ page }) => {
      await page.addInitScript(() => {
        window.shifts = [];
        new PerformanceObserver((list) => {
          for (const { value, sources } of list.getEntries() as LayoutShift[])
            window.shifts.push({ value, moved: sources.map(({ node }) => node?.textContent?.trim() ?? '') });
        }).observe({ type: 'layout-shift', buffered: true });
      });
      await open(page);
      const shifts = await page.evaluate(() => window.shifts);
      // As Lighthouse shows it, to three decimals: on a desktop the model's state in the header pushes a button a little.
      const total = shifts.reduce((sum, { value }) => sum + value, 0);
      expect(total.toFixed(3), JSON.stringify(shifts)).toBe('0.000');
    });
  });
