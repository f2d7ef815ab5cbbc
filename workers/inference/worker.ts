/** The inference worker's entry: receives calls, and posts the engine's results (protocol/messages.ts). */
import { EngineError } from '../../protocol/engine.ts';
import type { Call, FromWorker, Results, ToWorker } from '../../protocol/messages.ts';
import { inspectGpu } from './backends/gpu/device.ts';
import { InferenceEngine } from './engine.ts';
import { openModel } from './model/model.ts';

const post = (message: FromWorker) => {
  self.postMessage(message);
};

const engine = new InferenceEngine({ openModel, inspectGpu }, (detail) => {
  post({ event: 'device-lost', detail });
});
const running = new Map<number, AbortController>();

async function carryOut(id: number, call: Call, signal: AbortSignal): Promise<Results[keyof Results]> {
  switch (call.type) {
    case 'load':
      return engine.load(call.model, { ...call.options, signal, onProgress: (progress) => post({ id, progress }) });
    case 'generate':
      return engine.generate(call.messages, { ...call.options, signal, onDelta: (delta) => post({ id, delta }) });
    case 'count':
      return engine.count(call.messages, call.options);
    case 'settled':
      await engine.settled();
      return null;
    case 'unload':
      await engine.unload();
      return null;
    case 'status':
      return engine.status();
    case 'inspect':
      return engine.inspect();
  }
}

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if ('abort' in data) {
    running.get(data.id)?.abort();
    return;
  }
  const { id, call } = data;
  const controller = new AbortController();
  running.set(id, controller);
  carryOut(id, call, controller.signal)
    .then(
      (result) => post({ id, result }),
      (cause: unknown) => {
        const error = cause instanceof EngineError ? cause : new EngineError('internal', String(cause));
        post({ id, error: { code: error.code, detail: error.detail } });
      },
    )
    .finally(() => running.delete(id));
};
