/** Calls to the worker in which the measured engine runs, one at a time. */
import type {
  BenchAbout,
  BenchCallName,
  BenchCalls,
  BenchJob,
  BenchReply,
  BenchRequest,
} from '../../protocol/bench.ts';

export class EngineWorker {
  private readonly worker = new Worker(new URL('../../workers/bench/bench-worker.ts', import.meta.url), {
    type: 'module',
    name: 'bench',
  });

  call<T extends BenchCallName>(name: T, ask: BenchCalls[T]['ask']): Promise<BenchCalls[T]['answer']> {
    const request: BenchRequest<T> = { name, ask };
    return new Promise((resolve, reject) => {
      this.worker.onerror = (event) => {
        reject(new Error(event.message || 'the worker could not start'));
      };
      this.worker.onmessage = ({ data }: MessageEvent<BenchReply>) => {
        if ('error' in data) reject(new Error(data.error));
        else resolve(data.answer as BenchCalls[T]['answer']);
      };
      this.worker.postMessage(request);
    });
  }

  open({ entry, model }: BenchJob): Promise<BenchAbout> {
    return this.call('open', { entry, model });
  }

  /** Closes the engine, which frees its GPU memory. */
  async close(): Promise<void> {
    await this.call('close', null);
    this.end();
  }

  end(): void {
    this.worker.terminate();
  }
}

/** Runs `work` with a worker that is terminated afterwards. */
export async function withWorker<T>(work: (worker: EngineWorker) => Promise<T>): Promise<T> {
  const worker = new EngineWorker();
  try {
    return await work(worker);
  } finally {
    worker.end();
  }
}
