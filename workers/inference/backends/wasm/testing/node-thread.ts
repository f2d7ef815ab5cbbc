/** worker-thread.ts in Node, whose workers are others than a browser's. */
import { Worker as NodeWorker } from 'node:worker_threads';

const BODY = `
  const { parentPort } = require('node:worker_threads');
  parentPort.on('message', ({ module, memory, pool, thread }) => {
    new WebAssembly.Instance(module, { env: { memory } }).exports.runThread(pool, thread);
  });
`;

export class NodeThread {
  private readonly worker = new NodeWorker(BODY, { eval: true });

  postMessage(message: unknown): void {
    this.worker.postMessage(message);
  }

  /** By itself, when it is told to stop: then it is known to have heard. */
  terminate(): void {
    this.worker.unref();
  }
}
