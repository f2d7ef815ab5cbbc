/**
 * npm run bench -- [--model DIR] [--device webgpu|wasm] [--against transformers.js] [--profile] [--json]
 *
 * Measures the built site's engine in a headless browser, beside stock transformers.js on the same files if asked: the
 * engines take turns, each round in a browser context of its own, and are given the same token ids. DIR is a folder of
 * our exporter or of anybody's in the transformers.js layout.
 */
import { rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type Browser, chromium, type Page } from '@playwright/test';
import type {
  BenchAbout,
  BenchJob,
  BenchMachine,
  BenchProfile,
  BenchResult,
  BenchRow,
  BenchSamples,
} from '../../protocol/bench.ts';
import { equalRows, rowsOf } from '../../protocol/bench-rows.ts';
import type { Device } from '../../protocol/engine.ts';
import { chromiumArgs, requireChromium } from '../browser/chromium.ts';
import { buildEngines, type EngineName, moduleUrlOf } from './engines.ts';
import { type ModelDir, readModelDir } from './model.ts';
import { alternate } from './rounds.ts';
import { MODELS, startBenchServer } from './server.ts';
import { profileTable, rowTable } from './tables.ts';

const ROUNDS = { least: 2, most: 5, time: 180_000 };
const MIB = 2 ** 20;
/**
 * With these flags, memory is measured at once instead of at the next garbage collection, and timestamps are not
 * rounded to 0.1 ms.
 */
const browserArgs = [
  ...chromiumArgs,
  '--enable-blink-features=ForceEagerMeasureMemory',
  '--enable-webgpu-developer-features',
];

interface Options {
  folder: string;
  device: Device;
  engines: EngineName[];
  profile: boolean;
  json: boolean;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: 'public/models/built-in' },
      device: { type: 'string', default: 'webgpu' },
      against: { type: 'string' },
      profile: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const { device, against, model: folder, profile, json } = values;
  if (device !== 'webgpu' && device !== 'wasm') throw new Error(`--device is ${device}: it must be webgpu or wasm`);
  if (against !== undefined && against !== 'transformers.js')
    throw new Error(`--against is ${against}: it must be transformers.js`);
  const engines: EngineName[] = against ? ['fournil', against] : ['fournil'];
  return { folder, device, engines, profile, json };
}

/** Runs `work` on a page in a browser context of its own, without cache and storage. */
async function withPage<T>(browser: Browser, origin: string, work: (page: Page) => Promise<T>): Promise<T> {
  // The page itself carries the content-security policy that server.ts leaves out.
  const context = await browser.newContext({ bypassCSP: true, serviceWorkers: 'block' });
  try {
    const page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') process.stderr.write(`  ${message.text()}\n`);
    });
    await page.goto(`${origin}/bench.html`);
    await page.waitForFunction(() => 'engineBench' in window);
    return await work(page);
  } finally {
    await context.close();
  }
}

/** An engine's results of all rounds. */
interface Measured {
  about: BenchAbout | null;
  samples: BenchSamples[][];
  tokens: Record<string, number[]>;
  skipped: Set<string>;
}

interface Work {
  browser: Browser;
  origin: string;
  model: ModelDir;
  options: Options;
}

async function measure({ browser, origin, model, options }: Work): Promise<BenchResult> {
  const { engines, device } = options;
  const { name, dtype } = model;
  const jobOf = (engine: EngineName): BenchJob => ({
    entry: moduleUrlOf(engine),
    model: { base: MODELS, name, device, dtype },
  });
  const measured = new Map<EngineName, Measured>();
  for (const engine of engines) measured.set(engine, { about: null, samples: [], tokens: {}, skipped: new Set() });
  const entries = [...measured];
  const machine: BenchMachine = await withPage(browser, origin, (page) =>
    page.evaluate(() => window.engineBench.machine()),
  );
  const heaps = new Map<EngineName, BenchSamples>();
  for (const engine of engines) {
    const peak = await withPage(browser, origin, (page) =>
      page.evaluate((job) => window.engineBench.heap(job), jobOf(engine)),
    );
    if (peak !== null) heaps.set(engine, { measure: 'JS heap', unit: 'MiB', values: [peak / MIB] });
    else measured.get(engine)?.skipped.add(`${engine}, JS heap: the browser did not measure it`);
  }
  await alternate(entries, ROUNDS, async ([engine, into], round) => {
    process.stderr.write(`round ${round + 1}: ${engine}\n`);
    const { about, samples, tokens, skipped } = await withPage(browser, origin, (page) =>
      page.evaluate((job) => window.engineBench.round(job), jobOf(engine)),
    );
    into.about = about;
    into.tokens = tokens;
    into.samples.push(samples);
    for (const sentence of skipped) into.skipped.add(`${engine}, ${sentence}`);
  });
  const profile: Record<string, BenchProfile> = {};
  if (options.profile)
    for (const engine of engines) {
      const found = await withPage(browser, origin, (page) =>
        page.evaluate((job) => window.engineBench.profile(job), jobOf(engine)),
      );
      if (found) profile[engine] = found;
    }
  const of = { model: `${name} ${dtype}`, device };
  const rows: BenchRow[] = entries.flatMap(([engine, { samples }]) => {
    const heap = heaps.get(engine);
    return rowsOf({ engine, ...of }, [...samples, ...(heap ? [[heap]] : [])]);
  });
  const [ours, theirs] = entries.map(([, { tokens }]) => tokens);
  if (ours && theirs) rows.push(...equalRows({ engine: engines.join(' = '), ...of }, ours, theirs));
  const about = entries.flatMap(([engine, { about: engineAbout }]) => {
    if (!engineAbout) return [];
    const { version, onnxruntime, threads } = engineAbout;
    return [[engine, { version, onnxruntime, threads }] as const];
  });
  return {
    environment: {
      ...machine,
      engines: Object.fromEntries(about),
      skipped: entries.flatMap(([, { skipped }]) => [...skipped]),
    },
    rows,
    ...(options.profile && { profile }),
  };
}

async function bench(options: Options): Promise<BenchResult> {
  const model = await readModelDir(options.folder);
  const modules = options.engines.length > 1 ? await buildEngines() : null;
  const server = await startBenchServer(model, modules);
  const browser = await chromium.launch({ executablePath: requireChromium(), args: browserArgs });
  try {
    return await measure({ browser, origin: server.origin, model, options });
  } finally {
    await browser.close();
    await server.close();
    if (modules !== null) await rm(modules, { recursive: true });
  }
}

try {
  const options = readOptions();
  const result = await bench(options);
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else {
    process.stdout.write(`${JSON.stringify(result.environment, null, 1)}\n\n${rowTable(result.rows)}\n`);
    for (const [engine, profile] of Object.entries(result.profile ?? {}))
      process.stdout.write(`\n${engine}\n${profileTable(profile)}\n`);
  }
} catch (cause) {
  process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`);
  process.exitCode = 1;
}
