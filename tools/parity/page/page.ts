/** @file The parity tool's page passes a job to the worker, and the worker's messages back to the tool. */
import type { ParityFromWorker, ParityJob } from '../../../protocol/parity.ts';

declare global {
  interface Window {
    runParity: (job: ParityJob) => Promise<ParityFromWorker>;
  }
}

window.runParity = (job) =>
  new Promise((resolve) => {
    const worker = new Worker(new URL('../../../workers/inference/parity-worker.ts', import.meta.url), {
      type: 'module',
    });
    worker.onerror = (event) => {
      resolve({ error: event.message || 'the worker could not start' });
    };
    worker.onmessage = (event: MessageEvent<ParityFromWorker>) => {
      if ('progress' in event.data) {
        console.log(event.data.progress);
        return;
      }
      worker.terminate();
      resolve(event.data);
    };
    worker.postMessage(job);
  });
