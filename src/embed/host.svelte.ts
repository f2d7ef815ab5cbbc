/**
 * The embedding page (the host) and its requests. Only messages of the parent window are accepted. Requests wait until
 * the person allows the host's origin; revoking the permission ends them at once.
 */
import type {
  EmbedErrorCode,
  EmbedModel,
  EmbedPermission,
  EmbedProgress,
  EmbedResults,
  EmbedStatus,
  FromFrame,
} from '../../protocol/embed.ts';
import { EngineError, type LoadedModel } from '../../protocol/engine.ts';
import { StoreError } from '../../protocol/store.ts';
import { i18n } from '../i18n/i18n.svelte.ts';
import type { ModelStore } from '../models/model.svelte.ts';
import { allowAlways, canRemember, isAllowed, onRevoked, revoke } from './allowed-hosts.ts';
import { HostJob } from './job.svelte.ts';
import { type HostRequest, isOurs, readRequest } from './read-request.ts';

/** Maximum number of unfinished requests. */
export const MAX_JOBS = 32;
/** Interval at which the host gets loading progress, ms. */
const PROGRESS_INTERVAL_MS = 100;
/** The origin of sandboxed and local pages, as browsers report it. */
const NO_ORIGIN = 'null';

type HostErrorCode = 'not-allowed' | 'no-origin' | 'too-many' | 'elsewhere';

class HostError extends Error {
  constructor(readonly code: HostErrorCode) {
    super(code);
  }
}

type Message = FromFrame extends infer Each ? (Each extends unknown ? Omit<Each, 'fournil'> : never) : never;
type Models = Pick<ModelStore, 'state' | 'load' | 'generate' | 'count' | 'close'>;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The adapter's description is left out, since it would help to fingerprint the person. */
const describe = ({ id, dtype, device, vision, contextLength }: LoadedModel): EmbedModel => {
  return { id, dtype, device, vision, contextLength };
};

function failureOf(cause: unknown): { code: EmbedErrorCode; message: string } {
  if (cause instanceof HostError) return { code: cause.code, message: i18n.t(`embed.error.${cause.code}`) };
  if (cause instanceof StoreError) return { code: `store-${cause.code}`, message: i18n.t(`store.error.${cause.code}`) };
  const code = cause instanceof EngineError ? cause.code : 'internal';
  return { code, message: i18n.t(`error.${code}`) };
}

export class Host<M extends Models = ModelStore> {
  /** Null until the first message. */
  origin = $state<string | null>(null);
  permission = $state<EmbedPermission>('unasked');
  /** Null unless the host is allowed. */
  models = $state.raw<M | null>(null);
  /** Unfinished requests, oldest first. */
  jobs = $state.raw<readonly HostJob[]>([]);
  /** Whether a permanent permission can be stored. */
  readonly remembers = canRemember();
  private awaitingDecision: (() => void)[] = [];

  constructor(
    private readonly parent: Pick<Window, 'postMessage'>,
    private readonly openModels: () => M,
  ) {}

  get allowed(): boolean {
    return this.permission === 'once' || this.permission === 'always';
  }

  listen(): void {
    addEventListener('message', (event) => this.hear(event));
    onRevoked(
      () => (this.permission === 'always' ? this.origin : null),
      () => this.refuse(),
    );
    // Any origin may read this message; it only says that the frame is ready.
    this.parent.postMessage({ fournil: 1, event: 'ready' } satisfies FromFrame, '*');
  }

  hear({ source, origin, data }: Pick<MessageEvent, 'source' | 'origin' | 'data'>): void {
    if (source !== this.parent || !isOurs(data)) return;
    if (origin === NO_ORIGIN) {
      this.origin = origin;
      this.post({ id: null, error: failureOf(new HostError('no-origin')) });
      return;
    }
    if (this.origin === null) this.setOrigin(origin);
    if (this.origin !== origin) return;
    const read = readRequest(data);
    if ('wrong' in read) {
      const message = i18n.t(`embed.error.${read.wrong}`, { what: read.what });
      this.post({ id: read.id, error: { code: read.wrong, message } });
    } else if (read.asked.type === 'status') this.post({ id: read.id, result: this.status });
    else if (read.asked.type === 'stop') this.post({ id: read.id, result: this.stopOne(read.asked.request) });
    else void this.run(new HostJob(read.id, read.asked), read.asked);
  }

  allow(permission: 'once' | 'always'): void {
    if (this.origin === null) return;
    if (permission === 'always') allowAlways(this.origin);
    this.decide(permission);
  }

  /** Refuses the host, and revokes a permission that it had. */
  refuse(): void {
    if (this.origin !== null) revoke(this.origin);
    const { jobs, models } = this;
    this.models = null;
    this.decide('refused');
    for (const job of jobs) job.stop(new HostError('not-allowed'));
    models?.close();
  }

  /** Shows the permission request again after a refusal. */
  askAgain(): void {
    if (this.permission === 'refused') this.decide('asked');
  }

  /** Stops all requests. */
  stop(): void {
    for (const job of this.jobs) job.stop();
  }

  private setOrigin(origin: string): void {
    this.origin = origin;
    if (isAllowed(origin)) this.decide('always');
  }

  private decide(permission: EmbedPermission): void {
    this.permission = permission;
    if (this.allowed) this.models ??= this.openModels();
    this.post({ event: 'permission', permission });
    if (permission === 'asked') return;
    for (const heard of this.awaitingDecision) heard();
    this.awaitingDecision = [];
  }

  private get status(): EmbedStatus {
    const { permission, models } = this;
    if (!models) return { permission, engine: 'empty', model: null };
    const { state } = models;
    if (state.is !== 'ready') return { permission, engine: state.is, model: null };
    const engine = this.jobs.some(({ stage }) => stage === 'writing') ? 'generating' : 'ready';
    return { permission, engine, model: describe(state.model) };
  }

  private stopOne(id: HostJob['id']): EmbedResults['stop'] {
    const job = this.jobs.find((each) => each.id === id);
    job?.stop();
    return { stopped: job !== undefined };
  }

  /** Runs a request. The host gets exactly one result or error. */
  private async run(job: HostJob, asked: HostRequest): Promise<void> {
    if (this.jobs.some(({ id }) => id === job.id)) {
      this.post({
        id: job.id,
        error: { code: 'bad-message', message: i18n.t('embed.error.bad-message', { what: 'id' }) },
      });
      return;
    }
    if (this.jobs.length >= MAX_JOBS) {
      this.post({ id: job.id, error: failureOf(new HostError('too-many')) });
      return;
    }
    this.jobs = [...this.jobs, job];
    let end: Message;
    try {
      end = { id: job.id, result: await this.perform(job, asked) };
    } catch (cause) {
      end = { id: job.id, error: failureOf(cause) };
    }
    const { reason } = job.signal as { reason: unknown };
    if (reason instanceof HostError) end = { id: job.id, error: failureOf(reason) };
    this.jobs = this.jobs.filter((other) => other !== job);
    this.post(end);
  }

  private async perform(job: HostJob, asked: HostRequest): Promise<EmbedResults[keyof EmbedResults]> {
    const { id, signal } = job;
    await this.whenAllowed(signal);
    const { models } = this;
    if (!models) throw new HostError('not-allowed');
    const model = await this.whenLoaded(models, signal, (progress) => this.post({ id, progress }));
    if (asked.type === 'count') {
      const count = await models.count(asked.messages, asked.options);
      if (!count) throw new EngineError('busy');
      return count;
    }
    if (asked.type !== 'generate') return describe(model);
    const onDelta = (delta: string) => {
      job.stage = 'writing';
      if (!(signal.reason instanceof HostError)) this.post({ id, delta });
    };
    return models.generate(asked.messages, { ...asked.options, signal, onDelta });
  }

  /** Waits for the person's decision. @throws HostError if the person refuses */
  private async whenAllowed(signal: AbortSignal): Promise<void> {
    if (this.permission === 'unasked') this.decide('asked');
    if (this.permission === 'asked')
      await new Promise<void>((resolve) => {
        this.awaitingDecision.push(resolve);
        signal.addEventListener('abort', () => resolve());
      });
    if (signal.aborted) throw new EngineError('aborted');
    if (!this.allowed) throw new HostError('not-allowed');
  }

  /** Waits for the model. The next request tries again after a failure. @throws EngineError, StoreError, HostError */
  private async whenLoaded(
    models: M,
    signal: AbortSignal,
    onProgress: (progress: EmbedProgress) => void,
  ): Promise<LoadedModel> {
    void models.load();
    for (;;) {
      const { state } = models;
      if (signal.aborted) throw new EngineError('aborted');
      if (state.is === 'ready') return state.model;
      if (state.is === 'failed') throw state.error;
      if (state.is === 'elsewhere') throw new HostError('elsewhere');
      if (state.progress) onProgress(state.progress);
      await sleep(PROGRESS_INTERVAL_MS);
    }
  }

  private post(message: Message): void {
    if (this.origin === null) return;
    // A page without an origin cannot be addressed; it only gets the error that says so.
    this.parent.postMessage({ fournil: 1, ...message }, this.origin === NO_ORIGIN ? '*' : this.origin);
  }
}
