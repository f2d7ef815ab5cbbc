/** Opens a model folder's graphs on one device: with our own kernels, onnxruntime sessions, or both. */
import { type Device, type Dtype, EngineError, type EngineErrorCode } from '../../../protocol/engine.ts';
import type { Gemma3Config, VisionConfig } from '../../../protocol/gemma3-config.ts';
import type { SessionName } from '../../../protocol/manifest.ts';
import type { Backend } from '../backend-interface/backend.ts';
import type { EncoderSession } from '../backend-interface/encoder-session.ts';
import type { Gpu } from '../backends/gpu/device.ts';
import { isOutOfMemory } from '../backends/ort/cpu/session.ts';
import { createEncoderSession } from '../backends/ort/encoder-session.ts';
import type { Graph } from '../backends/ort/graph-io.ts';
import type { Ort } from '../backends/ort/ort.ts';
import type { CacheSize } from '../backends/wasm/memory-plan.ts';
import { openOnCpu } from './cpu-model.ts';
import { openOnGpu } from './gpu-model.ts';
import type { ModelFolder } from './model-folder.ts';

/** onnxruntime sessions by their names in the manifest. */
export type Sessions = Partial<Record<SessionName, Graph>>;

/** A decoder on our own kernels. */
export interface Kernels {
  backend: Backend;
  /** Weights that the backend uses but does not own. They are disposed of after it. */
  weights?: { dispose(): void };
}

/** An open decoder. */
export interface Opened {
  sessions: Sessions;
  /** Null if onnxruntime runs the decoder. */
  kernels: Kernels | null;
}

/**
 * Chooses the weights' data type: the first of q4, q4f16, fp32, fp16 that the folder has and the device can run.
 * @param folder the model folder
 * @param device where the model is to run
 * @param shaderF16 whether the GPU computes in float16
 * @returns the data type
 * @throws EngineError `model-unsupported` if there is none
 */
export function chooseDtype(folder: ModelFolder, device: Device, shaderF16: boolean): Dtype {
  const order: Dtype[] = ['q4', 'q4f16', 'fp32', 'fp16'];
  const found = order.find(
    (dtype) => folder.manifest.sessions[dtype] && (device === 'wasm' || shaderF16 || !dtype.endsWith('f16')),
  );
  if (!found) throw new EngineError('model-unsupported', 'no dtype of this model runs on this device');
  return found;
}

const basename = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

const codeOf = (cause: unknown): EngineErrorCode => {
  if (isOutOfMemory(cause)) return 'out-of-memory';
  // These are the names of errors of reading a Blob.
  const unreadable = cause instanceof DOMException && ['NotReadableError', 'NotFoundError'].includes(cause.name);
  return unreadable ? 'model-damaged' : 'model-unsupported';
};

const sessionError = (name: string, cause: unknown): EngineError =>
  cause instanceof EngineError ? cause : new EngineError(codeOf(cause), `${name}: ${String(cause)}`);

/** How to open a decoder. */
export interface SessionsOptions {
  dtype: Dtype;
  config: Gemma3Config;
  /** Size of our kernels' KV cache. */
  cache: CacheSize;
  /** Prompt tokens that our kernels process at once on a GPU. */
  chunkSize: number;
  /** Whether our kernels may be used. */
  ownKernels: boolean;
}

interface GraphFiles {
  graphs: Map<SessionName, Uint8Array>;
  /** Weight files by the names that the graphs refer to them by. */
  files: Map<string, Blob>;
}

/** @throws EngineError `model-missing`, `model-damaged`, `network`, `aborted` */
async function readGraphs(
  folder: ModelFolder,
  dtype: Dtype,
  wanted: (name: SessionName) => boolean,
  signal?: AbortSignal,
): Promise<GraphFiles> {
  const sessions = folder.manifest.sessions[dtype];
  if (!sessions) throw new EngineError('model-missing', `the model has no ${dtype}`);
  const graphs = new Map<SessionName, Uint8Array>();
  const files = new Map<string, Blob>();
  for (const name of (Object.keys(sessions) as SessionName[]).filter(wanted)) {
    const paths = sessions[name];
    if (!paths) continue;
    if (signal?.aborted) throw new EngineError('aborted');
    graphs.set(name, new Uint8Array(await (await folder.blob(paths.graph)).arrayBuffer()));
    for (const path of paths.data) if (!files.has(basename(path))) files.set(basename(path), await folder.blob(path));
  }
  return { graphs, files };
}

const ENCODER: SessionName = 'vision_encoder';

/**
 * Whether a model folder has a vision encoder.
 * @param folder the model folder
 * @param dtype the weights' data type
 * @returns true if there is a session of that name
 */
export const hasEncoder = (folder: ModelFolder, dtype: Dtype): boolean =>
  folder.manifest.sessions[dtype]?.[ENCODER] !== undefined;

/**
 * Opens a model's vision encoder.
 * @param ort the runtime
 * @param folder the model folder
 * @param dtype the weights' data type
 * @param config size of the pictures
 * @param gpu where to run it; null for the CPU
 * @returns the encoder's session
 * @throws EngineError `model-missing`, `model-damaged`, `model-unsupported`, `out-of-memory`, `network`
 */
export async function openEncoder(
  ort: Ort,
  folder: ModelFolder,
  dtype: Dtype,
  config: VisionConfig,
  gpu: Gpu | null,
): Promise<EncoderSession> {
  const { graphs, files } = await readGraphs(folder, dtype, (name) => name === ENCODER);
  const graph = graphs.get(ENCODER);
  if (!graph) throw new EngineError('model-missing', `the model has no ${ENCODER}`);
  return createEncoderSession(ort, { graph, data: files }, config, gpu?.device ?? null).catch((cause: unknown) => {
    throw sessionError(ENCODER, cause);
  });
}

/**
 * Opens a model's decoder.
 * @param ort the runtime
 * @param folder the model folder
 * @param options how to open it
 * @param gpu where to run it; null for the CPU
 * @param onCreated is told how many graphs are ready
 * @param signal ends opening between two steps
 * @returns sessions, kernels or both
 * @throws EngineError `model-missing`, `model-damaged`, `model-unsupported`, `out-of-memory`, `no-webgpu`, `network`, `aborted`
 */
export async function createSessions(
  ort: Ort,
  folder: ModelFolder,
  { dtype, config, cache, chunkSize, ownKernels }: SessionsOptions,
  gpu: Gpu | null,
  onCreated: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<Opened> {
  const { graphs, files } = await readGraphs(folder, dtype, (name) => name !== ENCODER, signal);
  let done = 0;
  onCreated(done, graphs.size);
  const count = () => {
    onCreated(++done, graphs.size);
  };
  const ours = folder.manifest.cache === 'static';
  if (!gpu) {
    const { sessions, backend } = await openOnCpu({
      ...{ ort, config, graphs, files, cache, ours, signal },
      onCreated: count,
    }).catch((cause: unknown) => {
      throw sessionError('CPU', cause);
    });
    return { sessions, kernels: backend && { backend } };
  }
  const { device } = gpu;
  const create = (unchanged: boolean) =>
    openOnGpu({
      ...{ ort, device, config, graphs, files, signal, unchanged },
      kernels: ownKernels && !unchanged ? { ...cache, chunkSize, besideSessions: !ours } : null,
      onCreated: count,
    }).catch((cause: unknown) => {
      throw sessionError('WebGPU', cause);
    });
  try {
    return await create(false);
  } catch (cause) {
    if (!(cause instanceof EngineError) || cause.code !== 'model-unsupported') throw cause;
    // The browser may refuse a kernel, or the runtime a graph that was changed; exports by others may be of unknown forms.
    console.warn('Falling back to the unchanged graphs in onnxruntime, which is slower:', cause);
    done = 0;
    return create(true);
  }
}

/**
 * Releases sessions.
 * @param sessions the sessions
 */
export async function releaseSessions(sessions: Sessions): Promise<void> {
  for (const session of Object.values(sessions)) await session.release();
}
