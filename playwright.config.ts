import { defineConfig, devices } from '@playwright/test';
import { chromiumArgs, findChromium } from './tools/browser/chromium.ts';

const executablePath = findChromium();
/** `e2e/support/serve-site.ts` sets it in the main process; the workers inherit it. */
const baseURL = process.env['FOURNIL_SITE'];

/** Browser tests run against the built site, as visitors get it. One worker: the software GPU takes every core. */
export default defineConfig({
  testDir: 'e2e',
  globalSetup: './e2e/support/serve-site.ts',
  workers: 1,
  timeout: 120_000,
  expect: { timeout: 30_000 },
  reporter: [['list']],
  snapshotPathTemplate: 'docs/screens/{arg}{ext}',
  forbidOnly: !!process.env['CI'],
  use: {
    ...devices['Desktop Chrome'],
    ...(baseURL === undefined ? {} : { baseURL }),
    locale: 'en-GB',
    trace: 'retain-on-failure',
    // Tests answer requests themselves; only offline.spec.ts lets the service worker do so.
    serviceWorkers: 'block',
    launchOptions: { args: chromiumArgs, ...(executablePath ? { executablePath } : {}) },
  },
});
