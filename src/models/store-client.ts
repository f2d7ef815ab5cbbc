/** The model store's interface on the page: forwards calls to its worker, which starts with the first call. */
import {
  type StoreCall,
  StoreError,
  type StoreErrorCode,
  type StoreProgress,
  type StoreResults,
} from '../../protocol/store.ts';
import { WorkerCalls, type WorkerLike } from './worker-calls.ts';

const startWorker = (): WorkerLike =>
  new Worker(new URL('../../workers/model-store/store-worker.ts', import.meta.url), {
    type: 'module',
    name: 'model-store',
  });

type Arguments<T extends StoreCall['type']> = Omit<Extract<StoreCall, { type: T }>, 'type'>;

export interface CallOptions {
  onProgress?: (progress: StoreProgress) => void;
  signal?: AbortSignal;
}

export class StoreClient {
  private readonly worker: WorkerCalls<StoreCall, { progress: StoreProgress }, StoreErrorCode>;

  constructor(start: () => WorkerLike = startWorker) {
    this.worker = new WorkerCalls({ start, toError: (code, detail) => new StoreError(code, detail) });
  }

  /** @throws StoreError */
  call<T extends StoreCall['type']>(
    type: T,
    values: Arguments<T>,
    { onProgress, signal }: CallOptions = {},
  ): Promise<StoreResults[T]> {
    const call = { type, ...values } as StoreCall;
    return this.worker.call(call, ({ progress }) => onProgress?.(progress), signal) as Promise<StoreResults[T]>;
  }
}
