/** For tests: a worker whose messages the test sends. */
import type { FromWorker, ToWorker } from '../../../protocol/messages.ts';
import type { WorkerLike } from '../worker-calls.ts';

export class ScriptedWorker<To extends { id: number } = ToWorker, From = FromWorker> implements WorkerLike {
  onmessage: WorkerLike['onmessage'] = null;
  onmessageerror: WorkerLike['onmessageerror'] = null;
  onerror: WorkerLike['onerror'] = null;
  heard: To[] = [];
  terminated = false;

  postMessage(message: To) {
    // As with a real worker, a message that cannot be cloned throws here.
    this.heard.push(structuredClone(message));
  }
  terminate() {
    this.terminated = true;
  }
  say(message: From) {
    this.onmessage?.call(this as unknown as Worker, { data: message } as MessageEvent);
  }
  /** Answers the latest call. */
  reply(message: object) {
    this.say({ id: this.heard.at(-1)?.id, ...message } as From);
  }
  crash(message: string) {
    this.onerror?.call(this as unknown as Worker, { message } as ErrorEvent);
  }
}
