/** helper.ts in Node, whose workers are others than a browser's. */
import { Worker as NodeWorker } from 'node:worker_threads';

const BODY = `
  const { parentPort } = require('node:worker_threads');
  parentPort.on('message', ({ module, memory, pool, thread }) => {
    new WebAssembly.Instance(module, { env: { memory } }).exports.help(pool, thread);
    parentPort.postMessage('done');
  });
`;

export class NodeHelper {
  /** Those that were told to stop and did. */
  static stopped = 0;
  private readonly worker = new NodeWorker(BODY, { eval: true });

  constructor() {
    this.worker.on('message', () => {
      NodeHelper.stopped++;
    });
  }

  postMessage(message: unknown): void {
    this.worker.postMessage(message);
  }

  terminate(): void {
    // Later: what it says as it ends is to be heard.
    setTimeout(() => void this.worker.terminate(), 1000).unref();
  }
}
