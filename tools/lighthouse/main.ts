/**
 * npm run lighthouse [-- --gates]
 *
 * Lighthouse judges the built site, as a phone and as a desktop computer sees it. The command fails where the score of
 * accessibility or best practices is under the bound. The performance score is a timing, which a busy machine lowers,
 * so it is only reported, and left out with `--gates`; e2e/first-load.spec.ts holds what it stands for by counts.
 */
import { parseArgs } from 'node:util';
import lighthouse, { type Config, desktopConfig, type Result } from 'lighthouse';
import { makeProfile, removeProfile, startBrowser } from '../browser/start-browser.ts';
import { serveSite } from '../serve/files.ts';
import { startServer } from '../serve/server.ts';

const GATES = ['accessibility', 'best-practices'];
const BOUND = 0.95;
/**
 * Attempts for each device, since Lighthouse itself fails now and then, for instance with NO_NAVSTART where the trace
 * lacks the navigation.
 */
const TRIES = 3;

const { values } = parseArgs({ options: { gates: { type: 'boolean', default: false } } });
const categories = values.gates ? GATES : ['performance', ...GATES];

/** Runs Lighthouse in a browser of its own. @throws Error with Lighthouse's own words where it came to no result */
async function runOnce(url: string, config: Config | undefined): Promise<Result> {
  const profile = await makeProfile();
  // Without WebGPU: the model's computation is not judged, and a software GPU would take every core.
  const browser = await startBrowser({ profile, gpu: false });
  try {
    const result = await lighthouse(url, { port: browser.port, onlyCategories: categories, logLevel: 'error' }, config);
    if (!result) throw new Error('Lighthouse gave no result');
    if (result.lhr.runtimeError) throw new Error(result.lhr.runtimeError.message);
    return result.lhr;
  } finally {
    await browser.close();
    await removeProfile(profile);
  }
}

async function run(url: string, config: Config | undefined): Promise<Result> {
  for (let tried = 1; ; tried++)
    try {
      return await runOnce(url, config);
    } catch (error) {
      if (tried === TRIES) throw error;
      console.log(`Lighthouse failed and runs again: ${String(error)}`);
    }
}

/**
 * Prints the scores, and under each the audits that lowered it.
 * @returns whether every gate's score reached the bound
 */
function report(name: string, { categories: judged, audits }: Result): boolean {
  let passed = true;
  for (const { id, title, score, auditRefs } of Object.values(judged)) {
    if (GATES.includes(id)) passed &&= score !== null && score >= BOUND;
    console.log(`${name}: ${title} ${score === null ? 'not judged' : Math.round(score * 100)}`);
    for (const { id: audit, weight } of auditRefs) {
      const { score: part, title: what = audit, displayValue = '' } = audits[audit] ?? {};
      if (weight > 0 && part !== null && part !== undefined && part < (id === 'performance' ? 0.9 : 1))
        console.log(`  ${Math.round(part * 100)} ${what} ${displayValue}`);
    }
  }
  return passed;
}

const site = await startServer({ '/': serveSite('dist') });
try {
  const phone = report('phone', await run(`${site.origin}/`, undefined));
  const desktop = report('desktop', await run(`${site.origin}/`, desktopConfig));
  if (!phone || !desktop) {
    console.error(`A score of ${GATES.join(' or ')} is under ${BOUND * 100}.`);
    process.exitCode = 1;
  }
} finally {
  await site.close();
}
