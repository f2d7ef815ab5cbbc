/**
 * `npm run bench:store [-- --megabytes N] [--runs N] [--json]`: how fast the store brings a model into the browser's
 * storage, against plain `fetch` from the same server; what hashing costs; how much memory it takes.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium, type Page } from '@playwright/test';
import type { BenchRow } from '../../protocol/bench.ts';
import { chromiumArgs, requireChromium } from '../browser/chromium.ts';
import { startBenchServer } from './server.ts';

const MEGABYTE = 1024 * 1024;

type Row = Omit<BenchRow, 'engine' | 'model' | 'device'>;

function row(measure: string, unit: string, values: number[]): Row {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number) => Number((sorted[index] ?? NaN).toFixed(2));
  return { measure, unit, median: at(sorted.length >> 1), min: at(0), max: at(sorted.length - 1), n: values.length };
}

async function measure(page: Page, megabytes: number, runs: number): Promise<Row[]> {
  const rates = { plain: [] as number[], store: [] as number[], check: [] as number[], hash: [] as number[] };
  const ratios: number[] = [];
  // The first run warms up: it pays for compilation and for the browser's first file.
  await page.evaluate(() => window.bench.plainFetch());
  for (let run = 0; run < runs; run++) {
    const plain = megabytes / (await page.evaluate(() => window.bench.plainFetch()));
    const { seconds, key } = await page.evaluate(() => window.bench.storeFetch());
    rates.plain.push(plain);
    rates.store.push(megabytes / seconds);
    ratios.push((100 * megabytes) / seconds / plain);
    rates.check.push(megabytes / (await page.evaluate((k) => window.bench.check(k), key)));
    rates.hash.push(64 / (await page.evaluate(() => window.bench.hash())));
    await page.evaluate(() => window.bench.remove());
  }
  const gigabit: number[] = [];
  for (let run = 0; run < runs; run++) {
    const plain = await page.evaluate(() => window.bench.plainFetch('/bench-model-gigabit/'));
    const { seconds } = await page.evaluate(() => window.bench.storeFetch('/bench-model-gigabit/'));
    gigabit.push((100 * plain) / seconds);
    await page.evaluate(() => window.bench.remove());
  }
  const rest = await page.evaluate(() => window.bench.memoryAtRest());
  const peak = await page.evaluate(() => window.bench.memory());
  await page.evaluate(() => window.bench.remove());
  return [
    row('plain fetch', 'MiB/s', rates.plain),
    row('fetch into the store', 'MiB/s', rates.store),
    row('store against plain fetch', '%', ratios),
    row('the same on a line of 1 Gbit/s', '%', gigabit),
    row('check of what is stored', 'MiB/s', rates.check),
    row('SHA-256 alone', 'MiB/s', rates.hash),
    row('memory at rest', 'MiB', [rest / MEGABYTE]),
    row('peak memory while fetching', 'MiB', [peak / MEGABYTE]),
  ];
}

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '1536' },
    runs: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const megabytes = Math.ceil(Number(values.megabytes) / 64) * 64;
const server = await startBenchServer(megabytes * MEGABYTE);
const profile = await mkdtemp(join(tmpdir(), 'fournil-bench-'));
// The browser has a profile, since without one its storage would be in memory and not on the disk.
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: requireChromium(),
  // Memory is measured at once instead of at the next garbage collection.
  args: [...chromiumArgs, '--enable-blink-features=ForceEagerMeasureMemory'],
});
try {
  const page = await browser.newPage();
  await page.goto(`${server.origin}/tools/bench-store/page/index.html`);
  await page.waitForFunction(() => 'bench' in window);
  const rows = await measure(page, megabytes, Number(values.runs));
  const environment = {
    browser: `Chromium ${browser.browser()?.version() ?? ''}`,
    platform: process.platform,
    megabytes,
  };
  if (values.json) console.log(JSON.stringify({ environment, rows }));
  else console.table(rows);
} finally {
  await browser.close();
  await server.close();
  await rm(profile, { recursive: true, force: true });
}
