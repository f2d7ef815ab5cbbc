/** @file Starts a Chromium with a profile that lasts, so that it can be killed and started again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BrowserContext, chromium, type Page } from '@playwright/test';
import { chromiumArgs, cpuArgs, requireChromium } from './chromium.ts';

export interface RunningBrowser {
  context: BrowserContext;
  /** Port of the DevTools protocol, which the browser chose among the free ones. */
  port: number;
  newPage(): Promise<Page>;
  /** Sends SIGKILL to all its processes, as a power cut would; resolves when they are gone. */
  kill(): Promise<void>;
  /** Quits the browser, so that its storage is written. */
  close(): Promise<void>;
}

/** Makes an empty folder for a browser's profile. */
export const makeProfile = (): Promise<string> => mkdtemp(join(tmpdir(), 'fournil-profile-'));

export const removeProfile = (profile: string): Promise<void> =>
  rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });

/** Asks again until there is an answer. @throws Error that names `what` after `ms` */
async function until<T>(what: string, ask: () => Promise<T | undefined>, ms = 60_000): Promise<T> {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(20)) {
    const answer = await ask();
    if (answer !== undefined) return answer;
  }
  throw new Error(`${what} within ${ms} ms`);
}

export interface BrowserOptions {
  /** A folder that `makeProfile` made. */
  profile: string;
  /** Flags beyond those of tools/browser/chromium.ts. */
  args?: string[];
  /** Whether WebGPU is offered, here by a slow software GPU. Default: true. */
  gpu?: boolean;
}

/** @throws Error where no browser is found, or it does not start. */
export async function startBrowser({ profile, args = [], gpu = true }: BrowserOptions): Promise<RunningBrowser> {
  const portFile = join(profile, 'DevToolsActivePort');
  // A browser that was killed leaves this file behind.
  await rm(portFile, { force: true });
  const flags = ['--headless=new', '--remote-debugging-port=0', `--user-data-dir=${profile}`, ...args];
  // Detached, so that the browser and its children are a process group of their own.
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
    // The wait has an end: where nobody reaps orphans, dead processes stay in the group.
    for (const end = Date.now() + 3000; signalGroup(0) && Date.now() < end;) await sleep(20);
  };
  try {
    const port = await until('the browser did not start', async () => {
      if (child.exitCode !== null) throw new Error(`the browser ended with ${child.exitCode}`);
      return (await readFile(portFile, 'utf8').catch(() => '')).split('\n')[0] || undefined;
    });
    const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
    const context = browser.contexts()[0] ?? (await browser.newContext());
    return {
      context,
      port: Number(port),
      newPage: () => context.newPage(),
      kill: async () => {
        // This closes the connection only. Playwright may have a call under way, which must not find the browser gone.
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
