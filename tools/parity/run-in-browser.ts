/** @file Runs a parity job in a fresh headless browser. */
import { chromium } from '@playwright/test';
import type { ParityFromWorker, ParityJob } from '../../protocol/parity.ts';
import { chromiumArgs, requireChromium } from '../browser/chromium.ts';
import type { ParityServer } from './server.ts';

/** One job's outcome: logits by `case/chunking`, greedy tokens by case. */
export interface Run {
  logits: Map<string, Float32Array>;
  greedy: Map<string, number[]>;
  adapter: string;
}

/** @param job a job whose `results` are under `/parity-results/`. @throws Error with the browser's message */
export async function runInBrowser(server: ParityServer, job: ParityJob): Promise<Run> {
  const browser = await chromium.launch({ executablePath: requireChromium(), args: chromiumArgs });
  try {
    const page = await browser.newPage();
    page.on('console', (message) => process.stderr.write(`  ${message.text()}\n`));
    await page.goto(`${server.origin}/tools/parity/page/index.html`);
    await page.waitForFunction(() => 'runParity' in window);
    const outcome: ParityFromWorker = await page.evaluate((j) => window.runParity(j), job);
    if ('error' in outcome) throw new Error(outcome.error);
    if (!('done' in outcome)) throw new Error('the browser said nothing');
    const logits = new Map<string, Float32Array>();
    const prefix = job.results.replace('/parity-results/', '');
    for (const [name, values] of server.results)
      if (name.startsWith(`${prefix}/`)) logits.set(name.slice(prefix.length + 1), values);
    return { logits, greedy: new Map(outcome.done.map((d) => [d.name, d.greedy])), adapter: outcome.adapter };
  } finally {
    await browser.close();
  }
}
