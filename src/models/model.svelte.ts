/** The model in use: which one, its state, and waiting for it to be ready. */
import {
  type ContextUse,
  EngineError,
  type Finish,
  type GenerateOptions,
  type LoadedModel,
  type LoadProgress,
  type Message,
} from '../../protocol/engine.ts';
import { storedModel, StoreError, type StoreProgress, type Waiting } from '../../protocol/store.ts';
import type { MessageKey } from '../i18n/i18n.svelte.ts';
import { removeStored, writeStored, readStored } from '../settings/storage.ts';
import { nameOf } from './catalogue.ts';
import { EngineClient } from './engine-client.ts';
import { EngineLock } from './engine-lock.ts';
import { StoreClient } from './store-client.ts';

/** Progress of loading a model. */
export interface LoadingProgress {
  stage: LoadProgress['stage'] | StoreProgress['phase'];
  done: number;
  total: number;
  /** Why loading waits. */
  waiting?: Waiting['reason'];
}

export type ModelState =
  | { is: 'loading'; progress: LoadingProgress | null }
  | { is: 'ready'; model: LoadedModel }
  | { is: 'failed'; error: EngineError | StoreError }
  /** Another tab has the one large model that is allowed over all tabs. */
  | { is: 'elsewhere' };

/** A stored model; the built-in one is `null`. */
export interface Choice {
  key: string;
  id: string;
}

export const asEngineError = (cause: unknown): EngineError =>
  cause instanceof EngineError ? cause : new EngineError('internal', String(cause));

type LockLike = Pick<EngineLock, keyof EngineLock>;
interface Services {
  engine: EngineClient;
  store: StoreClient;
  lock: LockLike;
}

const CHOICE = 'model';

function recallChoice(): Choice | null {
  try {
    const stored = JSON.parse(readStored(CHOICE) ?? 'null') as Partial<Choice> | null;
    return stored && typeof stored.key === 'string' && typeof stored.id === 'string'
      ? { key: stored.key, id: stored.id }
      : null;
  } catch {
    return null;
  }
}

/** Rejects when the signal is aborted. */
const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const stop = () => reject(new EngineError('aborted'));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });

export class ModelStore {
  state = $state.raw<ModelState>({ is: 'loading', progress: null });
  choice = $state.raw<Choice | null>(recallChoice());
  /** Why the chosen model is not in use, and its name. */
  notice = $state.raw<{ key: MessageKey; name: string } | null>(null);
  private loading: AbortController | null = null;
  private waiters: (() => void)[] = [];
  /** Aborts answers of the model in use when another is chosen. */
  private inUse = new AbortController();
  /** Resolves when the engine's present call ends; the engine does one thing at a time. */
  private busy: Promise<void> | null = null;

  readonly engine: EngineClient;
  private readonly store: StoreClient;
  private readonly lock: LockLike;

  constructor(
    private readonly builtIn: string,
    { engine = new EngineClient(), store = new StoreClient(), lock = new EngineLock() }: Partial<Services> = {},
  ) {
    this.engine = engine;
    this.store = store;
    this.lock = lock;
    engine.onGone = (error) => {
      this.lock.release();
      this.state = { is: 'failed', error };
    };
    lock.onRequested = () => void this.handOver();
  }

  /** Name of the model in use; null for the built-in one. */
  get name(): string | null {
    return this.choice && nameOf(this.choice.id);
  }

  /** Key of the stored model that is being loaded. */
  get opening(): string | null {
    return this.state.is === 'loading' ? (this.choice?.key ?? null) : null;
  }

  /** Switches to another model and stops running answers. The choice is remembered for the next visit. */
  async use(choice: Choice | null): Promise<void> {
    if (choice) writeStored(CHOICE, JSON.stringify(choice));
    else removeStored(CHOICE);
    this.notice = null;
    await this.change(choice);
  }

  /** Loads the model unless it is loaded or loading. Never rejects: a failure is in `state`. */
  async load(): Promise<void> {
    if (this.loading || this.state.is === 'ready' || this.state.is === 'elsewhere') return;
    await this.open();
  }

  /** Requests the lock of the large model from the other tab, and loads the model here. */
  async useHere(): Promise<void> {
    if (this.state.is === 'elsewhere') await this.open(true);
  }

  /** Aborts everything and frees the model's memory. */
  close(): void {
    this.loading?.abort();
    this.loading = null;
    this.inUse.abort();
    this.engine.close();
    this.lock.release();
  }

  /**
   * Generates an answer with the model in use, after the answers that were requested before.
   * @param options.onBegin is called when it is this answer's turn @throws EngineError
   */
  async generate(
    messages: Message[],
    {
      onBegin,
      ...options
    }: GenerateOptions & { onDelta: (text: string) => void; onBegin?: () => void; signal: AbortSignal },
  ): Promise<Finish> {
    for (;;) {
      await this.ready(options.signal);
      const signal = AbortSignal.any([options.signal, this.inUse.signal]);
      const finish = await this.runExclusive(async () => {
        // The model may have been lost during the previous answer; then it is waited for again.
        if (this.state.is !== 'ready') return null;
        onBegin?.();
        return this.engine.generate(messages, { ...options, signal });
      }, signal);
      if (finish) return finish;
    }
  }

  /** Counts the tokens of a prompt; null while no model is ready. @throws EngineError */
  async count(messages: Message[], options: Pick<GenerateOptions, 'continueAnswer'> = {}): Promise<ContextUse | null> {
    return this.state.is === 'ready' ? this.engine.count(messages, options) : null;
  }

  /**
   * Resolves once the model can answer. It may take several attempts: one that fails is shown with a way to try again,
   * and who waits here goes on waiting. @throws EngineError `aborted`
   */
  ready(signal: AbortSignal): Promise<void> {
    void this.load();
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void) => () => {
        this.waiters = this.waiters.filter((other) => other !== onReady);
        signal.removeEventListener('abort', aborted);
        outcome();
      };
      const onReady = settle(resolve);
      const aborted = settle(() => reject(new EngineError('aborted')));
      if (signal.aborted) aborted();
      else if (this.state.is === 'ready') resolve();
      else {
        this.waiters.push(onReady);
        signal.addEventListener('abort', aborted);
      }
    });
  }

  /** Resolves when the model in use has loaded completely, including its vision encoder. */
  async settled(): Promise<void> {
    if (this.state.is === 'ready') await this.engine.settled().catch(() => undefined);
  }

  private async change(choice: Choice | null): Promise<void> {
    this.inUse.abort();
    this.inUse = new AbortController();
    this.choice = choice;
    await this.open();
  }

  private async open(takeOver = false): Promise<void> {
    this.loading?.abort();
    const controller = new AbortController();
    this.loading = controller;
    this.state = { is: 'loading', progress: null };
    const onProgress = ({ done, total, ...progress }: LoadProgress | StoreProgress) => {
      const stage = 'phase' in progress ? progress.phase : progress.stage;
      const waiting = 'phase' in progress && progress.waiting ? { waiting: progress.waiting.reason } : {};
      if (this.loading === controller) this.state = { is: 'loading', progress: { stage, done, total, ...waiting } };
    };
    let next: ModelState;
    try {
      next = await this.openModel(this.choice, takeOver, { onProgress, signal: controller.signal });
    } catch (cause) {
      next = { is: 'failed', error: cause instanceof StoreError ? cause : asEngineError(cause) };
    }
    // Another model was chosen while this one loaded.
    if (this.loading !== controller) return;
    this.loading = null;
    if (this.choice && next.is === 'failed' && next.error.code === 'missing') {
      this.notice = { key: 'model.gone', name: nameOf(this.choice.id) };
      removeStored(CHOICE);
      await this.change(null);
      return;
    }
    this.state = next;
    if (next.is === 'ready') for (const onReady of this.waiters) onReady();
  }

  private async openModel(
    choice: Choice | null,
    takeOver: boolean,
    options: { onProgress: (progress: LoadProgress | StoreProgress) => void; signal: AbortSignal },
  ): Promise<ModelState> {
    const load = (model: string) => this.runExclusive(() => this.engine.load(model, options));
    if (choice === null) {
      try {
        return { is: 'ready', model: await load(this.builtIn) };
      } finally {
        // Whether loading succeeded or not, the engine no longer holds the large model.
        this.lock.release();
      }
    }
    if (!(await (takeOver ? this.lock.takeOver(options.signal) : this.lock.take()))) return { is: 'elsewhere' };
    try {
      await this.store.call('check', { key: choice.key }, options);
      return { is: 'ready', model: await load(storedModel(choice.key)) };
    } catch (cause) {
      // If it was aborted, the model that was chosen meanwhile decides about the lock.
      if (!options.signal.aborted) this.lock.release();
      throw cause;
    }
  }

  private async runExclusive<T>(job: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    while (this.busy) await (signal ? Promise.race([this.busy, aborted(signal)]) : this.busy);
    const running = job();
    const free = () => {
      this.busy = null;
    };
    this.busy = running.then(free, free);
    return running;
  }

  /** Releases the lock to another tab once the running answer has ended, and loads the built-in model. */
  private async handOver(): Promise<void> {
    if (this.state.is === 'ready') while (this.busy) await this.busy;
    if (!this.choice) return;
    this.notice = { key: 'model.movedAway', name: nameOf(this.choice.id) };
    await this.change(null);
  }
}
