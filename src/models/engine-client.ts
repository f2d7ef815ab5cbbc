/** The engine as the page sees it: calls go to the inference worker, and what comes back is theirs. */
import {
  type Engine,
  EngineError,
  type EngineState,
  type Finish,
  type GenerateOptions,
  type LoadedModel,
  type LoadOptions,
  type LoadProgress,
  type Message,
} from '../../protocol/engine.ts';
import type { Call, FromWorker, Results, ToWorker } from '../../protocol/messages.ts';

interface Pending {
  resolve: (result: Results[keyof Results]) => void;
  reject: (error: EngineError) => void;
  onProgress?: ((progress: LoadProgress) => void) | undefined;
  onDelta?: ((text: string) => void) | undefined;
}

/** What of a Worker is used here. */
export type WorkerLike = Pick<Worker, 'postMessage' | 'onmessage' | 'onmessageerror' | 'onerror' | 'terminate'>;

const startWorker = (): WorkerLike =>
  new Worker(new URL('../../workers/inference/worker.ts', import.meta.url), { type: 'module', name: 'inference' });

export class EngineClient implements Engine {
  /** Called when the model goes away without anybody having asked: the GPU was lost, or the worker broke. */
  onGone: (why: EngineError) => void = () => undefined;
  private worker: WorkerLike | null = null;
  private readonly pending = new Map<number, Pending>();
  private lastId = 0;

  constructor(private readonly start: () => WorkerLike = startWorker) {}

  load(
    model: string,
    {
      onProgress,
      signal,
      ...options
    }: LoadOptions & { onProgress?: (progress: LoadProgress) => void; signal?: AbortSignal },
  ): Promise<LoadedModel> {
    return this.call({ type: 'load', model, options }, { onProgress }, signal) as Promise<LoadedModel>;
  }

  generate(
    messages: Message[],
    { onDelta, signal, ...options }: GenerateOptions & { onDelta: (text: string) => void; signal?: AbortSignal },
  ): Promise<Finish> {
    return this.call({ type: 'generate', messages, options }, { onDelta }, signal) as Promise<Finish>;
  }

  async unload(): Promise<void> {
    await this.call({ type: 'unload' }, {});
  }

  status(): Promise<EngineState> {
    return this.call({ type: 'status' }, {}) as Promise<EngineState>;
  }

  private call(call: Call, listeners: Pick<Pending, 'onProgress' | 'onDelta'>, signal?: AbortSignal) {
    return new Promise<Results[keyof Results]>((resolve, reject) => {
      if (signal?.aborted) {
        reject(new EngineError('aborted'));
        return;
      }
      const id = ++this.lastId;
      const worker = this.open();
      const send = (message: ToWorker) => {
        worker.postMessage(message);
      };
      const abort = () => {
        send({ id, abort: true });
      };
      const settled = () => {
        this.pending.delete(id);
        signal?.removeEventListener('abort', abort);
      };
      const pending: Pending = {
        ...listeners,
        resolve(result) {
          settled();
          resolve(result);
        },
        reject(error) {
          settled();
          reject(error);
        },
      };
      this.pending.set(id, pending);
      signal?.addEventListener('abort', abort);
      try {
        send({ id, call });
      } catch (cause) {
        // What cannot be cloned cannot be sent.
        pending.reject(new EngineError('internal', String(cause)));
      }
    });
  }

  private open(): WorkerLike {
    if (this.worker) return this.worker;
    const worker = this.start();
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      this.receive(data);
    };
    worker.onerror = (event) => {
      this.fail((event as ErrorEvent).message || 'the worker could not start');
    };
    worker.onmessageerror = () => {
      this.fail('a message from the worker could not be read');
    };
    this.worker = worker;
    return worker;
  }

  private receive(message: FromWorker): void {
    if ('event' in message) {
      this.onGone(new EngineError(message.event, message.detail));
      return;
    }
    const pending = this.pending.get(message.id);
    if (!pending) return;
    if ('progress' in message) pending.onProgress?.(message.progress);
    else if ('delta' in message) pending.onDelta?.(message.delta);
    else if ('error' in message) pending.reject(new EngineError(message.error.code, message.error.detail));
    else pending.resolve(message.result);
  }

  /** A worker that broke answers nobody any more: all who wait are told, and the next call starts a new one. */
  private fail(detail: string): void {
    this.worker?.terminate();
    this.worker = null;
    const error = new EngineError('internal', detail);
    for (const pending of [...this.pending.values()]) pending.reject(error);
    this.onGone(error);
  }
}
