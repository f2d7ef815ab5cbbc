/**
 * Which onnxruntime-web build runs the model. Three exist (docs/architecture.md): `jspi` is the small one with WebGPU,
 * `webgpu` the same for browsers without JavaScript Promise Integration, and `wasm` the CPU one, which alone has every
 * CPU kernel a 4-bit model needs.
 */
import type * as OrtModule from 'onnxruntime-web';
import type { InferenceSession } from 'onnxruntime-web';
import type { Device } from '../../../../protocol/engine.ts';

export type Ort = typeof OrtModule;

const hasJspi = (): boolean => 'Suspending' in WebAssembly;

async function importBuild(device: Device): Promise<Ort> {
  if (device === 'wasm') return import('onnxruntime-web/wasm');
  return hasJspi() ? import('onnxruntime-web/jspi') : import('onnxruntime-web/webgpu');
}

const loaded = new Map<Device, Promise<Ort>>();

/** The runtime for a device; imported once, and only when first needed. */
export function loadOrt(device: Device): Promise<Ort> {
  const known = loaded.get(device);
  if (known) return known;
  const loading = importBuild(device).then((ort) => {
    // More than one thread hangs session creation of the WebGPU builds on cross-origin-isolated pages. On the CPU half
    // the cores it is: where others compute too, more of them wait for each other and are slower than one.
    ort.env.wasm.numThreads =
      device === 'wasm' && self.crossOriginIsolated ? Math.min(4, Math.ceil(navigator.hardwareConcurrency / 2)) : 1;
    ort.env.logLevel = 'error';
    return ort;
  });
  loaded.set(device, loading);
  loading.catch(() => loaded.delete(device));
  return loading;
}

/** Settles when the session before has been made. */
let making: Promise<unknown> = Promise.resolve();

/** Makes a session when those asked for before are made: the runtime makes one at a time. */
export function createSession(
  ort: Ort,
  graph: Uint8Array,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  const made = making.then(() => ort.InferenceSession.create(graph, options));
  making = made.catch(() => undefined);
  return made;
}
