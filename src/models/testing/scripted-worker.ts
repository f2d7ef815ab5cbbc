/** For tests: a worker whose side of the conversation the test speaks. */
import type { FromWorker, ToWorker } from '../../../protocol/messages.ts';
import type { WorkerLike } from '../engine-client.ts';

export class ScriptedWorker implements WorkerLike {
  onmessage: WorkerLike['onmessage'] = null;
  onmessageerror: WorkerLike['onmessageerror'] = null;
  onerror: WorkerLike['onerror'] = null;
  heard: ToWorker[] = [];
  terminated = false;

  postMessage(message: ToWorker) {
    // As a real one: what cannot be cloned throws here.
    this.heard.push(structuredClone(message));
  }
  terminate() {
    this.terminated = true;
  }
  say(message: FromWorker) {
    this.onmessage?.call(this as unknown as Worker, { data: message } as MessageEvent);
  }
  /** Answers the latest call. */
  reply(message: { result: unknown } | { delta: string } | { error: { code: string; detail: string } }) {
    this.say({ id: this.heard.at(-1)?.id, ...message } as FromWorker);
  }
  crash(message: string) {
    this.onerror?.call(this as unknown as Worker, { message } as ErrorEvent);
  }
}
