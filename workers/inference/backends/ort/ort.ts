/**
 * Loads the onnxruntime-web build that runs the model. There are three: `jspi` is the small one with WebGPU, `webgpu` the same
 * for browsers without JavaScript Promise Integration, and `wasm` the CPU one, the only one with all CPU kernels that a 4-bit
 * model needs.
 */
import type * as OrtModule from 'onnxruntime-web';
import type { InferenceSession } from 'onnxruntime-web';
import type { Device } from '../../../../protocol/engine.ts';

/** The module of any build. */
export type Ort = typeof OrtModule;

const hasJspi = (): boolean => 'Suspending' in WebAssembly;

async function importBuild(device: Device): Promise<Ort> {
  if (device === 'wasm') return import('onnxruntime-web/wasm');
  return hasJspi() ? import('onnxruntime-web/jspi') : import('onnxruntime-web/webgpu');
}

const loaded = new Map<Device, Promise<Ort>>();

/**
 * Loads the runtime for a device, when it is first needed.
 * @param device where the model runs
 * @returns the runtime
 * @throws errors of loading a module
 */
export function loadOrt(device: Device): Promise<Ort> {
  const existing = loaded.get(device);
  if (existing) return existing;
  const loading = importBuild(device).then((ort) => {
    // With more than one thread, creating sessions in the WebGPU builds hangs on cross-origin-isolated pages. On the CPU we
    // take half of the cores: if others compute too, more threads wait for each other and are slower than one.
    ort.env.wasm.numThreads =
      device === 'wasm' && self.crossOriginIsolated ? Math.min(4, Math.ceil(navigator.hardwareConcurrency / 2)) : 1;
    ort.env.logLevel = 'error';
    return ort;
  });
  loaded.set(device, loading);
  loading.catch(() => loaded.delete(device));
  return loading;
}

/** Settles when the last session that was asked for is created. */
let creating: Promise<unknown> = Promise.resolve();

/**
 * Creates a session, after those that were asked for before: the runtime creates one at a time.
 * @param ort the runtime
 * @param graph an ONNX model
 * @param options as of the runtime
 * @returns the session
 * @throws errors of the runtime
 */
export function createSession(
  ort: Ort,
  graph: Uint8Array,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  const created = creating.then(() => ort.InferenceSession.create(graph, options));
  creating = created.catch(() => undefined);
  return created;
}
