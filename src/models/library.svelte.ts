/**
 * The models that this device stores or downloads, in whichever tab. A download of this tab continues after a reload;
 * one of an earlier visit waits to be resumed.
 */
import { SvelteMap } from 'svelte/reactivity';
import {
  type ImportReport,
  type BundleFile,
  type ModelPlan,
  type ModelSource,
  type PickedFile,
  STORE_CHANNEL,
  type StoredModel,
  StoreError,
  type StoreBroadcast,
  type StoreProgress,
} from '../../protocol/store.ts';
import { sourceIdOf } from './catalogue.ts';
import {
  rememberDownloads,
  type KnownModel,
  rememberModels,
  recallDownloads,
  recallKnownModels,
} from './known-models.ts';
import { observe, rateOf, type Sample, secondsLeft } from './progress-rate.ts';
import { StoreClient } from './store-client.ts';

/** A model that is being downloaded, imported or copied. */
export interface ModelJob {
  progress: StoreProgress;
  /** It runs in another tab. */
  elsewhere: boolean;
  /** Bytes per second, and seconds left; null while unknown. */
  rate: number | null;
  left: number | null;
  samples: Sample[];
}

/** The part of `navigator.storage` that is used here. */
export type StorageLike = Pick<StorageManager, 'estimate' | 'persist' | 'persisted'>;

/** A store call of this tab that downloads, imports or copies a model. */
interface OwnCall {
  controller: AbortController;
  ended: Promise<void>;
  fetching: boolean;
}

/** Key of failures that concern no single model. */
export const ALL_MODELS = '';

/** A tab that has not answered by then is closed. */
const ANSWER_MS = 3000;

const startOf = ({ key, id, present: done, size: total }: ModelPlan): StoreProgress => {
  return { key, id, phase: 'fetching', done, total, received: 0 };
};

export const asStoreError = (cause: unknown): StoreError =>
  cause instanceof StoreError ? cause : new StoreError('internal', String(cause));

export class Library {
  models = $state.raw<StoredModel[]>([]);
  /** By model key. */
  readonly jobs = new SvelteMap<string, ModelJob>();
  /** Sources (by source id) that are being planned before the download. */
  readonly starting = new SvelteMap<string, AbortController>();
  /** Failures, by model key or, before that is known, by source id. */
  readonly failures = new SvelteMap<string, StoreError>();
  /** Models that the browser has evicted since the last visit. */
  evicted = $state.raw<KnownModel[]>([]);
  /** Bytes that this origin uses, and its quota, if the browser tells. */
  usage = $state.raw<number | undefined>();
  quota = $state.raw<number | undefined>();
  persisted = $state(false);
  /**
   * Key of the model that this tab is loading. Repairs during its check are shown with the model's state, not as a
   * job.
   */
  opening: () => string | null = () => null;

  private readonly ownCalls = new SvelteMap<string, OwnCall>();
  private readonly channel = new BroadcastChannel(STORE_CHANNEL);
  private opened: Promise<void> | null = null;

  constructor(
    private readonly store = new StoreClient(),
    private readonly storage: StorageLike | undefined = navigator.storage,
  ) {
    this.channel.onmessage = ({ data }: MessageEvent<StoreBroadcast>) => this.onBroadcast(data);
  }

  /** Bytes that may still be stored. */
  get free(): number | undefined {
    return this.quota === undefined ? undefined : Math.max(0, this.quota - (this.usage ?? 0));
  }

  /** Progress of all downloads, 0 to 1; null if none runs. */
  get fraction(): number | null {
    const running = [...this.jobs.values()].filter(({ progress }) => progress.phase !== 'checking');
    if (running.length === 0) return null;
    const sum = (of: 'done' | 'total') => running.reduce((all, { progress }) => all + progress[of], 0);
    return sum('done') / Math.max(1, sum('total'));
  }

  /** The stored model of a source, or an imported one with the repository's id. A complete model is preferred. */
  storedFrom(source: ModelSource): StoredModel | undefined {
    const sourceId = sourceIdOf(source);
    const repo = source.kind === 'hub' ? source.repo : null;
    const found = this.models.filter((model) => sourceIdOf(model.source) === sourceId || model.id === repo);
    return found.find(({ complete }) => complete) ?? found.at(-1);
  }

  /** Called when the page opens. The store worker starts only if there were models or downloads at the last visit. */
  start(): void {
    if (recallKnownModels().length > 0 || recallDownloads().length > 0) void this.open();
  }

  /** Called when the panel opens: reads the stored models and the quota. */
  open(): Promise<void> {
    this.opened ??= this.restore();
    return this.opened;
  }

  plan(source: ModelSource, signal?: AbortSignal): Promise<ModelPlan> {
    return this.store.call('plan', { source }, signal ? { signal } : {});
  }

  async fetch(source: ModelSource): Promise<void> {
    const sourceId = sourceIdOf(source);
    if (sourceId === null || this.starting.has(sourceId)) return;
    const controller = new AbortController();
    this.starting.set(sourceId, controller);
    this.failures.delete(sourceId);
    try {
      const plan = await this.plan(source, controller.signal);
      this.starting.delete(sourceId);
      if (!this.models.some(({ key }) => key === plan.key))
        this.models = [...this.models, { ...plan, complete: false, lastUsed: null }];
      await this.run(startOf(plan), controller, (options) =>
        this.store.call('fetch', { source: plan.source }, options),
      );
      // If nothing was stored, the failure is found only by the source id.
      const failure = this.failures.get(plan.key);
      if (failure) this.failures.set(sourceId, failure);
    } catch (cause) {
      this.starting.delete(sourceId);
      this.fail(sourceId, cause);
    }
  }

  async resume(model: ModelPlan): Promise<void> {
    const { key } = model;
    this.failures.delete(sourceIdOf(model.source) ?? key);
    await this.run(startOf(model), new AbortController(), (options) => this.store.call('resume', { key }, options));
  }

  /** Pauses a download. Downloaded parts are kept. */
  pause(key: string): void {
    const own = this.ownCalls.get(key);
    if (own) own.controller.abort();
    else {
      this.broadcast({ type: 'pause', key });
      // If the other tab was closed, no broadcast will say that the job ended.
      this.jobs.delete(key);
    }
  }

  /** Cancels a download and deletes its parts. */
  async cancel(key: string): Promise<void> {
    const own = this.ownCalls.get(key);
    this.pause(key);
    await (own ? own.ended : this.endedElsewhere(key));
    await this.remove(key);
  }

  async remove(key: string | null): Promise<void> {
    this.failures.clear();
    const failed = await this.store.call('remove', { key }).catch((cause: unknown) => ({ cause }));
    await this.refresh();
    if (failed) this.fail(key ?? ALL_MODELS, failed.cause);
  }

  /** @throws StoreError */
  async import(files: PickedFile[]): Promise<ImportReport> {
    const controller = new AbortController();
    let key: string | null = null;
    const onProgress = (progress: StoreProgress) => {
      key = progress.key;
      this.ownCalls.set(key, { controller, ended, fetching: false });
      this.updateJob(progress, progress.waiting?.reason === 'other-tab');
    };
    const report = this.store.call('import', { files }, { onProgress, signal: controller.signal });
    const ended = report.then(
      () => undefined,
      () => undefined,
    );
    try {
      return await report;
    } finally {
      await this.refresh();
      if (key !== null) this.endJob(key);
    }
  }

  /** Writes the offline bundle. @returns whether it succeeded */
  export({ key, id, size }: StoredModel, directory: FileSystemDirectoryHandle): Promise<boolean> {
    const start: StoreProgress = { key, id, phase: 'copying', done: 0, total: size, received: 0 };
    return this.run(start, new AbortController(), (options) => this.store.call('export', { key, directory }, options));
  }

  /** @throws StoreError */
  offlineBundle(key: string): Promise<BundleFile[]> {
    return this.store.call('bundle', { key });
  }

  /** Asks the browser for persistent storage; `persisted` is its answer. */
  async persist(): Promise<void> {
    this.persisted = (await this.storage?.persist?.()) ?? false;
  }

  /** Dismisses the notice of evicted models. */
  forgetEvicted(): void {
    this.evicted = [];
  }

  private async restore(): Promise<void> {
    const known = recallKnownModels();
    const fetching = recallDownloads();
    this.persisted = (await this.storage?.persisted?.()) ?? false;
    if (!(await this.refresh())) return;
    this.evicted = known.filter(({ key }) => !this.models.some((model) => model.key === key));
    for (const model of this.models) if (fetching.includes(model.key) && !model.complete) void this.resume(model);
  }

  /** Reads models and quota again. @returns whether the store answered */
  private async refresh(): Promise<boolean> {
    const estimate = await this.storage?.estimate?.().catch(() => undefined);
    this.usage = estimate?.usage;
    this.quota = estimate?.quota;
    try {
      this.models = await this.store.call('list', {});
      this.failures.delete(ALL_MODELS);
    } catch (cause) {
      this.fail(ALL_MODELS, cause);
      return false;
    }
    rememberModels(this.models.map(({ key, id, present: size }) => ({ key, id, size })));
    return true;
  }

  /** Runs a store call and shows it as the model's job. @returns whether it succeeded */
  private async run(
    start: StoreProgress,
    controller: AbortController,
    call: (options: { onProgress: (progress: StoreProgress) => void; signal: AbortSignal }) => Promise<unknown>,
  ): Promise<boolean> {
    const { key } = start;
    if (this.ownCalls.has(key)) return false;
    this.failures.delete(key);
    this.updateJob(start, false);
    const onProgress = (progress: StoreProgress) => this.updateJob(progress, progress.waiting?.reason === 'other-tab');
    const outcome = call({ onProgress, signal: controller.signal }).then(
      () => true,
      (cause: unknown) => this.fail(key, cause),
    );
    const ended = outcome.then(() => undefined);
    this.ownCalls.set(key, { controller, ended, fetching: start.phase === 'fetching' });
    this.noteFetching();
    const well = await outcome;
    await this.refresh();
    this.endJob(key);
    return well;
  }

  private noteFetching(): void {
    rememberDownloads([...this.ownCalls].filter(([, { fetching }]) => fetching).map(([key]) => key));
  }

  private updateJob(progress: StoreProgress, elsewhere: boolean): void {
    const { key, phase, done, total, received } = progress;
    const before = this.jobs.get(key);
    // A call that waits for another tab reports no progress of its own.
    if (elsewhere && progress.waiting?.reason === 'other-tab' && before?.progress.phase === phase)
      progress = before.progress;
    const bytes = phase === 'fetching' ? received : done;
    const samples = observe(before?.samples ?? [], { at: performance.now(), bytes });
    const rate = rateOf(samples);
    this.jobs.set(key, { progress, elsewhere, rate, left: secondsLeft(total - done, rate), samples });
  }

  /** Ends the job of a call of this tab. */
  private endJob(key: string): void {
    this.ownCalls.delete(key);
    this.noteFetching();
    this.jobs.delete(key);
  }

  private fail(name: string, cause: unknown): false {
    const error = asStoreError(cause);
    // Aborting was the person's choice, so it is no failure.
    if (error.code !== 'aborted') this.failures.set(name, error);
    return false;
  }

  private onBroadcast(news: StoreBroadcast): void {
    if (news.type === 'changed') {
      if (this.opened) void this.refresh();
      return;
    }
    const key = news.type === 'progress' ? news.progress.key : news.key;
    if (news.type === 'progress' && news.progress.key === this.opening()) return;
    // The worker reports this tab's own calls, unless they wait for another tab.
    if (this.ownCalls.has(key) && !(news.type === 'progress' && this.jobs.get(key)?.elsewhere)) return;
    if (news.type === 'progress' && news.progress.phase !== 'checking') {
      this.updateJob(news.progress, true);
      if (this.opened && !this.models.some((model) => model.key === key)) void this.refresh();
    } else if (news.type === 'ended') this.jobs.delete(key);
  }

  private endedElsewhere(key: string): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timeout);
        this.channel.removeEventListener('message', onBroadcast);
        resolve();
      };
      const onBroadcast = ({ data }: MessageEvent<StoreBroadcast>) =>
        data.type === 'ended' && data.key === key && end();
      const timeout = setTimeout(end, ANSWER_MS);
      this.channel.addEventListener('message', onBroadcast);
    });
  }

  private broadcast(news: StoreBroadcast): void {
    this.channel.postMessage(news);
  }
}
