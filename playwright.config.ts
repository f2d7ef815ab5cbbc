import { defineConfig, devices } from '@playwright/test';
import { chromiumArgs, findChromium } from './tools/browser/chromium.ts';

const executablePath = findChromium();
const port = Number(process.env['FOURNIL_PORT'] ?? 4173);

/** Browser tests run against the built site, as visitors get it. One worker: the software GPU takes every core. */
export default defineConfig({
  testDir: 'e2e',
  workers: 1,
  timeout: 120_000,
  expect: { timeout: 30_000 },
  reporter: [['list']],
  snapshotPathTemplate: 'docs/screens/{arg}{ext}',
  forbidOnly: !!process.env['CI'],
  use: {
    ...devices['Desktop Chrome'],
    baseURL: `http://127.0.0.1:${port}/`,
    locale: 'en-GB',
    trace: 'retain-on-failure',
    // Tests answer requests themselves; only offline.spec.ts lets the service worker do so.
    serviceWorkers: 'block',
    launchOptions: { args: chromiumArgs, ...(executablePath ? { executablePath } : {}) },
  },
  webServer: {
    command: `npx vite preview --host 127.0.0.1 --port ${port} --strictPort`,
    url: `http://127.0.0.1:${port}/`,
    reuseExistingServer: false,
  },
});
