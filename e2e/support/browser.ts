/** A browser of a test's own, with a profile that lasts: it can be killed and started again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BrowserContext, chromium, type Page } from '@playwright/test';
import { chromiumArgs, cpuArgs, requireChromium } from '../../tools/browser/chromium.ts';

export interface RunningBrowser {
  context: BrowserContext;
  newPage(): Promise<Page>;
  /** SIGKILL to all its processes, as when the power goes; resolves when they are gone. */
  kill(): Promise<void>;
  /** Ends it in good order. */
  close(): Promise<void>;
}

export const makeProfile = (): Promise<string> => mkdtemp(join(tmpdir(), 'fournil-profile-'));

export const removeProfile = (profile: string): Promise<void> =>
  rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });

/** Asks again until there is an answer. */
async function until<T>(what: string, ask: () => Promise<T | undefined>, ms = 30_000): Promise<T> {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(20)) {
    const answer = await ask();
    if (answer !== undefined) return answer;
  }
  throw new Error(`${what}: not within ${ms} ms`);
}

export interface BrowserOptions {
  /** A folder, of `makeProfile`. */
  profile: string;
  args?: string[];
  /** Left out: with the software GPU, which is slow. */
  gpu?: boolean;
}

export async function startBrowser({ profile, args = [], gpu = true }: BrowserOptions): Promise<RunningBrowser> {
  const portFile = join(profile, 'DevToolsActivePort');
  // A browser that was killed leaves its own behind.
  await rm(portFile, { force: true });
  const flags = ['--headless=new', '--remote-debugging-port=0', `--user-data-dir=${profile}`, ...args];
  // Detached: a process group of its own.
  const child = spawn(requireChromium(), [...(gpu ? chromiumArgs : cpuArgs), ...flags, 'about:blank'], {
    detached: true,
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  const signalGroup = (signal: NodeJS.Signals | 0): boolean => {
    try {
      return child.pid !== undefined && process.kill(-child.pid, signal);
    } catch {
      return false;
    }
  };
  const kill = async () => {
    signalGroup('SIGKILL');
    await exited;
    // Not for ever: where nobody reaps orphans, dead processes stay in the group.
    for (const end = Date.now() + 3000; signalGroup(0) && Date.now() < end;) await sleep(20);
  };
  try {
    const port = await until('the browser to start', async () => {
      if (child.exitCode !== null) throw new Error(`the browser ended with ${child.exitCode}`);
      return (await readFile(portFile, 'utf8').catch(() => '')).split('\n')[0] || undefined;
    });
    const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
    const context = browser.contexts()[0] ?? (await browser.newContext());
    return {
      context,
      newPage: () => context.newPage(),
      kill: async () => {
        // Only the connection: Playwright may be about something, and must not find the browser gone.
        await browser.close();
        await kill();
      },
      close: async () => {
        const session = await browser.newBrowserCDPSession();
        // The connection may end before the answer comes.
        await session.send('Browser.close').catch(() => undefined);
        await exited;
      },
    };
  } catch (error) {
    await kill();
    throw error;
  }
}
