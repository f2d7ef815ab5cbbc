/**
 * What runs a model folder's graphs on one device: our own kernels, or onnxruntime sessions.
 */
import { type Device, type Dtype, EngineError, type EngineErrorCode } from '../../../protocol/engine.ts';
import type { Gemma3Config } from '../../../protocol/gemma3-config.ts';
import type { SessionName } from '../../../protocol/manifest.ts';
import type { CacheSize } from '../backends/wasm/memory-plan.ts';
import type { Graph } from '../backends/ort/graph-io.ts';
import type { Gpu } from '../backends/gpu/device.ts';
import type { Backend } from '../backend-interface/backend.ts';
import type { Ort } from '../backends/ort/ort.ts';
import { createEncoderSession } from '../backends/ort/encoder-session.ts';
import { openOnCpu } from './cpu-model.ts';
import { isOutOfMemory } from '../backends/ort/cpu/session.ts';
import { createGpuSessions } from './gpu-model.ts';
import type { ModelFolder } from './model-folder.ts';

export type Sessions = Partial<Record<SessionName, Graph>>;

/** Our own kernels for a decoder. */
export interface Kernels {
  backend: Backend;
  /** What they read, where it is not the backend's own. */
  weights?: { dispose(): void };
}

export interface Opened {
  sessions: Sessions;
  /** Null where onnxruntime reads all tokens. */
  kernels: Kernels | null;
}

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

const codeOf = (cause: unknown): EngineErrorCode => {
  if (isOutOfMemory(cause)) return 'out-of-memory';
  // What a Blob's bytes cannot be read with.
  const unreadable = cause instanceof DOMException && ['NotReadableError', 'NotFoundError'].includes(cause.name);
  return unreadable ? 'model-damaged' : 'model-unsupported';
};

const sessionError = (name: string, cause: unknown): EngineError =>
  cause instanceof EngineError ? cause : new EngineError(codeOf(cause), `${name}: ${String(cause)}`);

export interface SessionsOptions {
  dtype: Dtype;
  config: Gemma3Config;
  /** Of our own kernels. */
  cache: CacheSize;
  /** Prompt tokens that they read at once on a GPU. */
  chunkSize: number;
  /** Whether they may be used on it. */
  ownKernels: boolean;
}

interface GraphFiles {
  graphs: Map<SessionName, Uint8Array>;
  /** Data files by the names graphs call them. */
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
export const hasEncoder = (folder: ModelFolder, dtype: Dtype): boolean =>
  folder.manifest.sessions[dtype]?.[ENCODER] !== undefined;

/** @throws EngineError as createSessions */
export async function openEncoder(ort: Ort, folder: ModelFolder, dtype: Dtype, gpu: Gpu | null): Promise<Graph> {
  const { graphs, files } = await readGraphs(folder, dtype, (name) => name === ENCODER);
  const graph = graphs.get(ENCODER);
  if (!graph) throw new EngineError('model-missing', `the model has no ${ENCODER}`);
  return createEncoderSession(ort, { graph, data: files }, gpu?.device ?? null).catch((cause: unknown) => {
    throw sessionError(ENCODER, cause);
  });
}

/**
 * For the decoder.
 * @throws EngineError `model-missing`, `model-damaged`, `model-unsupported`, `out-of-memory`, `network`, `aborted`
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
  const create = (asTheyAre: boolean) =>
    createGpuSessions({
      ...{ ort, device, config, graphs, files, signal, asTheyAre },
      kernels: ownKernels && !asTheyAre ? { ...cache, chunkSize, besideSessions: !ours } : null,
      onCreated: count,
    }).catch((cause: unknown) => {
      throw sessionError('WebGPU', cause);
    });
  try {
    return await create(false);
  } catch (cause) {
    if (!(cause instanceof EngineError) || cause.code !== 'model-unsupported') throw cause;
    // The browser may refuse a kernel, or the runtime a changed graph; others export in ways not seen here.
    console.warn('onnxruntime reads the graphs as they are, slower:', cause);
    done = 0;
    return create(true);
  }
}

export async function releaseSessions(sessions: Sessions): Promise<void> {
  for (const session of Object.values(sessions)) await session.release();
}
