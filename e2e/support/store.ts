/** @file Calls the model store's worker of the built site from a test, as the page calls it. */
import { readdirSync } from 'node:fs';
import type { Page } from '@playwright/test';
import type { FromStore, StoreCall, StoreProgress, StoreResults } from '../../protocol/store.ts';

const script = (): string => {
  const name = readdirSync('dist/assets').find((file) => /^store-worker-.*\.js$/.test(file));
  if (!name) throw new Error('dist/ has no store worker: run `npm run build`');
  return `assets/${name}`;
};

type Outcome<T> = { result: T } | { error: { code: string; detail: string } };

/** The part that runs in the page. */
interface TestStore {
  begin(call: StoreCall): number;
  abort(id: number): void;
  outcome(id: number): Promise<Outcome<never>>;
  progress: StoreProgress[];
}
declare global {
  interface Window {
    testStore: TestStore;
  }
}

function install(url: string): void {
  const worker = new Worker(new URL(url, document.baseURI), { type: 'module' });
  const settle = new Map<number, (outcome: Outcome<never>) => void>();
  const outcomes = new Map<number, Promise<Outcome<never>>>();
  let lastId = 0;
  const progress: StoreProgress[] = [];
  worker.onmessage = ({ data }: MessageEvent<FromStore>) => {
    if ('progress' in data) progress.push(data.progress);
    else settle.get(data.id)?.(data as Outcome<never>);
  };
  window.testStore = {
    progress,
    begin(call) {
      const id = ++lastId;
      outcomes.set(id, new Promise((resolve) => settle.set(id, resolve)));
      worker.postMessage({ id, call });
      return id;
    },
    abort: (id) => {
      worker.postMessage({ id, abort: true });
    },
    outcome: (id) => outcomes.get(id) ?? Promise.reject(new Error('no such call')),
  };
}

export class Store {
  private constructor(readonly page: Page) {}

  /** @param page any page of the site */
  static async on(page: Page): Promise<Store> {
    await page.evaluate(install, script());
    return new Store(page);
  }

  begin(call: StoreCall): Promise<number> {
    return this.page.evaluate((c) => window.testStore.begin(c), call);
  }

  abort(id: number): Promise<void> {
    return this.page.evaluate((i) => window.testStore.abort(i), id);
  }

  /** @returns the call's result or error, when it ends. */
  outcome<T extends StoreCall['type']>(id: number): Promise<Outcome<StoreResults[T]>> {
    return this.page.evaluate((i) => window.testStore.outcome(i), id);
  }

  async call<T extends StoreCall['type']>(call: Extract<StoreCall, { type: T }>): Promise<StoreResults[T]> {
    const outcome = await this.outcome<T>(await this.begin(call));
    if ('error' in outcome) throw new Error(`${outcome.error.code}: ${outcome.error.detail}`);
    return outcome.result;
  }

  /** @returns all progress that was reported so far. */
  progress(): Promise<StoreProgress[]> {
    return this.page.evaluate(() => window.testStore.progress);
  }

  /** Resolves once a running download has reached so many bytes. */
  async reached(bytes: number): Promise<void> {
    await this.page.waitForFunction((b) => (window.testStore.progress.at(-1)?.done ?? 0) >= b, bytes, { polling: 10 });
  }
}
