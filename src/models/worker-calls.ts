/**
 * Calls to a worker: each has an id, any number of notes (such as progress), and one result or error. If the worker
 * crashes all pending calls are rejected, and the next call starts another worker.
 */

/** The part of `Worker` that is used here. */
export type WorkerLike = Pick<Worker, 'postMessage' | 'onmessage' | 'onmessageerror' | 'onerror' | 'terminate'>;

interface Failure<Code> {
  code: Code;
  detail: string;
}

interface Settings<Event, Code> {
  start: () => WorkerLike;
  toError: (code: Code | 'aborted' | 'internal', detail: string) => Error;
  /** Receives messages that belong to no call. */
  onEvent?: (event: Event) => void;
  onBroken?: (detail: string) => void;
}

interface Pending<Note> {
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
  onNote: ((note: Note) => void) | undefined;
}

type WorkerMessage<Note, Event, Code> =
  ({ id: number } & Note) | { id: number; result: unknown } | { id: number; error: Failure<Code> } | Event;

export class WorkerCalls<Call, Note extends object, Code extends string, Event extends object = never> {
  private worker: WorkerLike | null = null;
  private readonly pending = new Map<number, Pending<Note>>();
  private lastId = 0;

  constructor(private readonly settings: Settings<Event, Code>) {}

  /** Aborting asks the worker to stop; the worker decides how the call ends. */
  call(call: Call, onNote?: (note: Note) => void, signal?: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { toError } = this.settings;
      if (signal?.aborted) {
        reject(toError('aborted', ''));
        return;
      }
      const id = ++this.lastId;
      const worker = this.ensureWorker();
      const abort = () => {
        worker.postMessage({ id, abort: true });
      };
      const settled =
        <T>(settle: (value: T) => void) =>
        (value: T) => {
          this.pending.delete(id);
          signal?.removeEventListener('abort', abort);
          settle(value);
        };
      const pending = { resolve: settled(resolve), reject: settled(reject), onNote };
      this.pending.set(id, pending);
      signal?.addEventListener('abort', abort);
      try {
        worker.postMessage({ id, call });
      } catch (cause) {
        // The call contains something that cannot be cloned.
        pending.reject(toError('internal', String(cause)));
      }
    });
  }

  /** Terminates the worker and rejects pending calls as aborted. */
  close(): void {
    this.end('aborted', '');
  }

  private ensureWorker(): WorkerLike {
    if (this.worker) return this.worker;
    const worker = this.settings.start();
    worker.onmessage = ({ data }: MessageEvent<WorkerMessage<Note, Event, Code>>) => {
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

  private receive(message: WorkerMessage<Note, Event, Code>): void {
    if (!('id' in message)) {
      this.settings.onEvent?.(message as Event);
      return;
    }
    const pending = this.pending.get(message.id);
    if (!pending) return;
    if ('error' in message) {
      const { code, detail } = message.error as Failure<Code>;
      pending.reject(this.settings.toError(code, detail));
    } else if ('result' in message) pending.resolve(message.result);
    else pending.onNote?.(message as Note);
  }

  private fail(detail: string): void {
    this.end('internal', detail);
    this.settings.onBroken?.(detail);
  }

  private end(code: 'aborted' | 'internal', detail: string): void {
    this.worker?.terminate();
    this.worker = null;
    for (const { reject } of [...this.pending.values()]) reject(this.settings.toError(code, detail));
  }
}
