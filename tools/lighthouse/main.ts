/**
 * `npm run lighthouse`: the built site is judged by Lighthouse, as a phone and as a desktop computer sees it. Fails where
 * a score is under the bound, and says which audits cost it.
 */
import { chromium } from '@playwright/test';
import lighthouse, { type Config, desktopConfig, type Flags } from 'lighthouse';
import { requireChromium } from '../browser/chromium.ts';
import { serveSite } from './server.ts';

const BOUND = 0.95;
const CATEGORIES = ['performance', 'accessibility', 'best-practices'];
/** Lighthouse speaks to the browser over this port. */
const PORT = 9340;

/** Whatever else the computer does only lowers a score: the best of so many runs is the page's own. */
const RUNS = 3;

const site = await serveSite('dist');
// Without WebGPU: what the model computes is no part of what is judged, and a software GPU would take every core.
const browser = await chromium.launch({
  executablePath: requireChromium(),
  args: ['--no-sandbox', '--disable-background-networking', `--remote-debugging-port=${PORT}`],
});

/** Judges the page once, and says what cost it points. @returns whether every score reached the bound */
async function judge(name: string, config: Config | undefined): Promise<boolean> {
  const flags: Flags = { port: PORT, onlyCategories: CATEGORIES, logLevel: 'error' };
  const result = await lighthouse(site.url, flags, config);
  if (!result) throw new Error('Lighthouse gave no result');
  const { categories, audits, runtimeError } = result.lhr;
  if (runtimeError) throw new Error(runtimeError.message);
  let enough = true;
  for (const { id, title, score, auditRefs } of Object.values(categories)) {
    enough &&= score !== null && score >= BOUND;
    console.log(`${name}: ${title} ${score === null ? 'not judged' : Math.round(score * 100)}`);
    for (const { id: audit, weight } of auditRefs) {
      const { score: part, title: what = audit, displayValue = '' } = audits[audit] ?? {};
      if (weight > 0 && part !== null && part !== undefined && part < (id === 'performance' ? 0.9 : 1))
        console.log(`  ${Math.round(part * 100)} ${what} ${displayValue}`);
    }
  }
  return enough;
}

async function judgeUpTo(runs: number, name: string, config: Config | undefined): Promise<boolean> {
  for (let run = 1; run <= runs; run++) if (await judge(name, config)) return true;
  return false;
}

try {
  const phone = await judgeUpTo(RUNS, 'phone', undefined);
  const desktop = await judgeUpTo(RUNS, 'desktop', desktopConfig);
  if (!phone || !desktop) {
    console.error(`A score is under ${BOUND * 100}.`);
    process.exitCode = 1;
  }
} finally {
  await browser.close();
  site.stop();
}
