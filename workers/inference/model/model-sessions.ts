/**
 * A model folder's graphs as onnxruntime sessions on one device, one after the other (the runtime makes one at a time).
 */
import type { InferenceSession } from 'onnxruntime-web';
import { type Device, type Dtype, EngineError } from '../../../protocol/engine.ts';
import type { SessionName } from '../../../protocol/manifest.ts';
import type { Gpu } from '../gpu/device.ts';
import { memoryGib } from '../runtime/memory.ts';
import type { Ort } from '../runtime/ort.ts';
import { createCpuDecoder, createCpuSession, isOutOfMemory } from './cpu/cpu-session.ts';
import { expansionBudget } from './cpu/expand.ts';
import { lazyBlob } from './cpu/lazy-bytes.ts';
import type { ModelFolder } from './model-folder.ts';

export type Sessions = Partial<Record<SessionName, InferenceSession>>;

/** The first of these that the folder has and the device can run. */
export function chooseDtype(folder: ModelFolder, device: Device, shaderF16: boolean): Dtype {
  const order: Dtype[] = ['q4', 'q4f16', 'fp32', 'fp16'];
  const found = order.find(
    (dtype) => folder.manifest.sessions[dtype] && (device === 'wasm' || shaderF16 || !dtype.endsWith('f16')),
  );
  if (!found) throw new EngineError('model-unsupported', 'no dtype of this model runs on this device');
  return found;
}

const basename = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

const sessionError = (name: string, cause: unknown): EngineError =>
  new EngineError(isOutOfMemory(cause) ? 'out-of-memory' : 'model-unsupported', `${name}: ${String(cause)}`);

/** @throws EngineError `model-missing`, `model-damaged`, `model-unsupported`, `out-of-memory` */
export async function createSessions(
  ort: Ort,
  folder: ModelFolder,
  dtype: Dtype,
  gpu: Gpu | null,
  onCreated: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<Sessions> {
  const wanted = folder.manifest.sessions[dtype];
  if (!wanted) throw new EngineError('model-missing', `the model has no ${dtype}`);
  const names = Object.keys(wanted) as SessionName[];
  const blobs = new Map<string, Blob>();
  const blob = async (path: string): Promise<Blob> => {
    const known = blobs.get(path) ?? (await folder.blob(path));
    blobs.set(path, known);
    return known;
  };
  const sessions: Sessions = {};
  try {
    for (const [done, name] of names.entries()) {
      if (signal?.aborted) throw new EngineError('aborted');
      onCreated(done, names.length);
      const files = wanted[name];
      if (!files) continue;
      const graph = new Uint8Array(await (await blob(files.graph)).arrayBuffer());
      const data = new Map<string, Blob>();
      for (const path of files.data) data.set(basename(path), await blob(path));
      try {
        sessions[name] = gpu ? await onGpu(ort, name, graph, data, gpu) : await onCpu(ort, name, graph, data);
      } catch (cause) {
        throw sessionError(name, cause);
      }
    }
    onCreated(names.length, names.length);
    return sessions;
  } catch (cause) {
    await releaseSessions(sessions);
    throw cause;
  }
}

function onGpu(
  ort: Ort,
  name: SessionName,
  graph: Uint8Array,
  data: ReadonlyMap<string, Blob>,
  { device }: Gpu,
): Promise<InferenceSession> {
  return ort.InferenceSession.create(graph, {
    executionProviders: [{ name: 'webgpu', device }],
    // The jspi build reads a Blob piece by piece.
    externalData: [...data].map(([path, blob]) => ({ path, data: blob })),
    graphOptimizationLevel: 'all',
    // Picture features are remembered here; everything else goes on to another run or in part to us.
    preferredOutputLocation: name === 'vision_encoder' ? 'cpu' : 'gpu-buffer',
  });
}

function onCpu(
  ort: Ort,
  name: SessionName,
  graph: Uint8Array,
  data: ReadonlyMap<string, Blob>,
): Promise<InferenceSession> {
  const files = new Map([...data].map(([path, blob]) => [path, lazyBlob(blob)]));
  if (name !== 'model' && name !== 'decoder_model_merged') return createCpuSession(ort, graph, files);
  return createCpuDecoder(ort, graph, files, expansionBudget(memoryGib()));
}

export async function releaseSessions(sessions: Sessions): Promise<void> {
  for (const session of Object.values(sessions)) await session.release();
}
