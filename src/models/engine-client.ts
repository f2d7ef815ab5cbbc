/** The engine's interface on the page: forwards calls to the inference worker. */
import {
  type ContextUse,
  type DeviceReport,
  type Engine,
  EngineError,
  type EngineErrorCode,
  type EngineState,
  type Finish,
  type GenerateOptions,
  type LoadedModel,
  type LoadOptions,
  type LoadProgress,
  type Message,
} from '../../protocol/engine.ts';
import type { Call, Results } from '../../protocol/messages.ts';
import { WorkerCalls, type WorkerLike } from './worker-calls.ts';

type Note = { progress: LoadProgress } | { delta: string };
interface Event {
  event: 'device-lost';
  detail: string;
}

const startWorker = (): WorkerLike =>
  new Worker(new URL('../../workers/inference/worker.ts', import.meta.url), { type: 'module', name: 'inference' });

export class EngineClient implements Engine {
  /** Called when the model is lost: the GPU device was lost, or the worker crashed. */
  onGone: (why: EngineError) => void = () => undefined;
  private readonly worker: WorkerCalls<Call, Note, EngineErrorCode, Event>;

  constructor(start: () => WorkerLike = startWorker) {
    this.worker = new WorkerCalls({
      start,
      toError: (code, detail) => new EngineError(code, detail),
      onEvent: ({ event, detail }) => this.onGone(new EngineError(event, detail)),
      onBroken: (detail) => this.onGone(new EngineError('internal', detail)),
    });
  }

  load(
    model: string,
    {
      onProgress,
      signal,
      ...options
    }: LoadOptions & { onProgress?: (progress: LoadProgress) => void; signal?: AbortSignal },
  ): Promise<LoadedModel> {
    const onNote = (note: Note) => 'progress' in note && onProgress?.(note.progress);
    return this.call({ type: 'load', model, options }, onNote, signal);
  }

  generate(
    messages: Message[],
    { onDelta, signal, ...options }: GenerateOptions & { onDelta: (text: string) => void; signal?: AbortSignal },
  ): Promise<Finish> {
    const onNote = (note: Note) => 'delta' in note && onDelta(note.delta);
    return this.call({ type: 'generate', messages, options }, onNote, signal);
  }

  count(messages: Message[], options: Pick<GenerateOptions, 'continueAnswer'> = {}): Promise<ContextUse> {
    return this.call({ type: 'count', messages, options });
  }

  async settled(): Promise<void> {
    await this.call({ type: 'settled' });
  }

  async unload(): Promise<void> {
    await this.call({ type: 'unload' });
  }

  status(): Promise<EngineState> {
    return this.call({ type: 'status' });
  }

  inspect(): Promise<DeviceReport> {
    return this.call({ type: 'inspect' });
  }

  /** Terminates the worker, which frees its memory. The next call starts another. */
  close(): void {
    this.worker.close();
  }

  private call<C extends Call>(
    call: C,
    onNote?: (note: Note) => void,
    signal?: AbortSignal,
  ): Promise<Results[C['type']]> {
    return this.worker.call(call, onNote, signal) as Promise<Results[C['type']]>;
  }
}
