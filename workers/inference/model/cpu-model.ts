/**
 * A decoder's graphs on the CPU. Where our own step understands the decoder, it reads all tokens, over weights in 4 bits in a
 * memory of its own: of our own exports no session is made for that then. Others' are made one, which the step is tried
 * against.
 */
import { EngineError } from '../../../protocol/engine.ts';
import type { Gemma3Config } from '../../../protocol/gemma3-config.ts';
import type { SessionName } from '../../../protocol/manifest.ts';
import { WasmBackend } from '../backends/wasm/wasm-backend.ts';
import { WasmDecoder } from '../backends/wasm/wasm-decoder.ts';
import type { CacheSize } from '../backends/wasm/memory-plan.ts';
import type { Graph } from '../backends/ort/graph-io.ts';
import { matchDecoder } from '../onnx/match-decoder.ts';
import { memoryGib } from '../backends/device-memory.ts';
import type { Ort } from '../backends/ort/ort.ts';
import { OnnxGraph } from '../onnx/graph.ts';
import { createCpuDecoder, createCpuSession } from '../backends/ort/cpu/session.ts';
import { expansionBudget } from '../backends/ort/cpu/expand.ts';
import { lazyBlob } from '../backends/ort/cpu/lazy-bytes.ts';

const isDecoder = (name: SessionName): boolean => name === 'model' || name === 'decoder_model_merged';

/**
 * Threads of our own step, as far as the page may share memory between them: half the cores, of which some are two of one,
 * and two where there are two, since threads that are kept waiting hold up nobody (wasm/pool.ts).
 */
const threadCount = (): number => {
  const cores = navigator.hardwareConcurrency;
  return self.crossOriginIsolated ? Math.min(4, cores, Math.max(2, Math.ceil(cores / 2))) : 1;
};

export interface CpuModelOptions {
  ort: Ort;
  config: Gemma3Config;
  graphs: ReadonlyMap<SessionName, Uint8Array>;
  /** Data files by the names graphs call them. */
  files: ReadonlyMap<string, Blob>;
  /** Of our own step. */
  cache: CacheSize;
  /** The export is one of ours, which needs no trial. */
  ours: boolean;
  onCreated: () => void;
  signal?: AbortSignal | undefined;
}

export interface CpuModel {
  sessions: Partial<Record<SessionName, Graph>>;
  /** Null where onnxruntime reads all tokens. */
  backend: WasmBackend | null;
}

async function createBackend(options: CpuModelOptions): Promise<WasmBackend | null> {
  const { ort, graphs, config, files, cache, signal } = options;
  const opened = new Map([...graphs].map(([name, bytes]) => [name, new OnnxGraph(bytes)]));
  const decoder = opened.get('model') ?? opened.get('decoder_model_merged');
  const model = decoder ? matchDecoder(decoder, [...opened.values()], config) : null;
  if (!model) return null;
  const step = await WasmDecoder.create({ model, config, files, cache, threads: threadCount(), signal });
  return step && new WasmBackend(ort, step, config, model.bidirectionalImages);
}

/** @throws EngineError; whatever the runtime does */
export async function openOnCpu(options: CpuModelOptions): Promise<CpuModel> {
  const { ort, graphs, files: blobs, ours, onCreated, signal } = options;
  const sessions: Partial<Record<SessionName, Graph>> = {};
  const backend = await createBackend(options);
  const lazyFiles = () => new Map([...blobs].map(([path, blob]) => [path, lazyBlob(blob)]));
  try {
    for (const [name, graph] of graphs) {
      if (signal?.aborted) throw new EngineError('aborted');
      if (!backend || !ours)
        sessions[name] = isDecoder(name)
          ? // For a trial, nothing need be fast.
            await createCpuDecoder(ort, graph, lazyFiles(), backend ? 0 : expansionBudget(memoryGib()))
          : await createCpuSession(ort, graph, lazyFiles());
      onCreated();
    }
    return { sessions, backend };
  } catch (cause) {
    backend?.dispose();
    for (const session of Object.values(sessions)) await session.release();
    throw cause;
  }
}
