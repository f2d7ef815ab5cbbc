/**
 * @file A worker in place of the model store's. It follows a script, keeps its list in the page's storage, and fetches
 * nothing.
 */
import type { BrowserContext, Page } from '@playwright/test';
import type { ImportReport, ModelPlan, StoreErrorCode, StoredModel, Waiting } from '../../protocol/store.ts';
import { isolationHeaders } from '../../protocol/isolation.ts';

export interface StoreScript {
  /** Models that are stored at first. */
  models?: StoredModel[];
  /** The plans of sources, by repository or URL. */
  plans?: Record<string, ModelPlan>;
  /** Share of a download after which it stalls, 0 to 1; 1 lets it end. */
  until?: number;
  waiting?: Waiting;
  /** How each kind of call fails. */
  failures?: Record<string, { code: StoreErrorCode; detail: string }>;
  report?: Omit<ImportReport, 'model'>;
}

export const plan = (repo: string, over: Partial<ModelPlan> = {}): ModelPlan => ({
  key: `${repo.replace('/', '~')}_q4_0123456789ab`,
  id: repo,
  revision: '0123456789abcdef',
  licence: 'gemma',
  dtype: 'q4',
  vision: false,
  contextLength: 32_768,
  size: 859_106_816,
  present: 0,
  source: { kind: 'hub', repo, revision: '0123456789abcdef', dtype: 'q4' },
  ...over,
});

export const stored = (repo: string, over: Partial<StoredModel> = {}): StoredModel => {
  const base = plan(repo, over);
  return { ...base, present: base.size, complete: true, lastUsed: null, ...over };
};

/** The worker's code. It is sent as text, so it can use nothing but its argument. */
function perform({ models = [], plans = {}, until = 1, waiting, failures = {}, report }: StoreScript) {
  interface Call {
    type: string;
    key?: string | null;
    source?: { kind: string; repo?: string; url?: string };
  }
  const channel = new BroadcastChannel('fournil-store');
  const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const aborted = new Set<number>();
  const file = async () =>
    (await navigator.storage.getDirectory()).getFileHandle('scripted-models.json', { create: true });
  /** Runs a job while no other tab's worker runs one. */
  const alone = <T>(job: () => Promise<T>) => navigator.locks.request('scripted-store', job) as Promise<T>;
  const readFile = async (): Promise<StoredModel[]> => {
    const text = await (await (await file()).getFile()).text();
    return text ? (JSON.parse(text) as StoredModel[]) : models;
  };
  const read = () => alone(readFile);
  const change = (to: (list: StoredModel[]) => StoredModel[]) =>
    alone(async () => {
      const list = to(await readFile());
      const writable = await (await file()).createWritable();
      await writable.write(JSON.stringify(list));
      await writable.close();
    });
  const put = (model: StoredModel) => change((list) => [...list.filter(({ key }) => key !== model.key), model]);
  const planOf = (source: Call['source']) => {
    const found = plans[source?.repo ?? source?.url ?? ''];
    if (!found) throw { code: 'not-found', detail: JSON.stringify(source) };
    return found;
  };
  const known = async (key: string | null | undefined) => {
    const found = (await read()).find((model) => model.key === key);
    if (!found) throw { code: 'missing', detail: String(key) };
    return found;
  };

  /** Reports progress from the bytes that are present to where it stops, in ten steps. */
  async function move(id: number, model: StoredModel, phase: string) {
    const start = phase === 'fetching' ? model.present : 0;
    const progress = { key: model.key, id: model.id, phase, total: model.size, received: 0, done: start };
    const sendProgress = (more: object = {}) => {
      self.postMessage({ id, progress: { ...progress, ...more } });
      channel.postMessage({ type: 'progress', progress: { ...progress, ...more } });
    };
    for (let step = 1; step <= 10; step++) {
      await sleep(60);
      progress.done = Math.round(start + ((model.size * until - start) * step) / 10);
      progress.received = progress.done - start;
      if (phase === 'fetching') await put({ ...model, present: progress.done, complete: progress.done === model.size });
      sendProgress();
      if (aborted.has(id)) throw { code: 'aborted', detail: '' };
    }
    while (until < 1) {
      sendProgress(waiting ? { waiting } : {});
      await sleep(100);
      if (aborted.has(id)) throw { code: 'aborted', detail: '' };
    }
  }

  async function carryOut(id: number, call: Call): Promise<unknown> {
    const failure = failures[call.type];
    if (failure) throw failure;
    switch (call.type) {
      case 'plan':
        return planOf(call.source);
      case 'list':
        return read();
      case 'fetch':
      case 'resume': {
        const all = await read();
        const wanted = call.source ? planOf(call.source).key : call.key;
        const model = all.find(({ key }) => key === wanted) ?? {
          ...planOf(call.source),
          complete: false,
          lastUsed: null,
        };
        await put(model);
        await move(id, model, 'fetching');
        return known(model.key);
      }
      case 'check': {
        const model = await known(call.key);
        await move(id, model, 'checking');
        return model;
      }
      case 'export':
        await move(id, await known(call.key), 'copying');
        return null;
      case 'bundle':
        return [
          { path: 'onnx/model_q4.onnx', blob: new Blob(['graph']) },
          { path: 'manifest.json', blob: new Blob(['{}']) },
        ];
      case 'import': {
        const model = Object.values(plans)[0];
        if (!model) throw { code: 'not-a-model', detail: 'no config.json' };
        const complete = report?.missing.length === 0 && report.wrong.length === 0;
        await put({ ...model, present: complete ? model.size : 1e6, complete, lastUsed: null });
        return { ...report, model: await known(model.key) };
      }
      case 'remove':
        await change((list) => list.filter(({ key }) => call.key !== null && key !== call.key));
        return null;
    }
    throw { code: 'internal', detail: call.type };
  }

  self.onmessage = async ({ data }: MessageEvent<{ id: number; abort?: true; call: Call }>) => {
    const { id, call } = data;
    if (data.abort) {
      aborted.add(id);
      return;
    }
    try {
      self.postMessage({ id, result: await carryOut(id, call) });
    } catch (error) {
      self.postMessage({ id, error: error instanceof Error ? { code: 'internal', detail: String(error) } : error });
    }
    channel.postMessage({ type: 'changed' });
  };
}

/** Lets each store worker that the page starts follow this script. */
export async function scriptStore(page: Page | BrowserContext, script: StoreScript): Promise<void> {
  await page.route('**/assets/store-worker-*.js', (route) =>
    route.fulfill({
      contentType: 'text/javascript',
      headers: { 'Cache-Control': 'no-store', ...isolationHeaders },
      body: `(${perform.toString()})(${JSON.stringify(script)})`,
    }),
  );
}
