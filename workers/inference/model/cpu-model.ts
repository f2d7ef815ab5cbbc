/**
 * Opens a decoder's graphs on the CPU. A decoder that our WebAssembly kernels support runs on them, over 4-bit weights in a
 * memory of their own, and if the export is one of ours onnxruntime creates no session. For exports by others a session is
 * created, too, which the kernels are checked against.
 */
import { EngineError } from '../../../protocol/engine.ts';
import type { Gemma3Config } from '../../../protocol/gemma3-config.ts';
import type { SessionName } from '../../../protocol/manifest.ts';
import { memoryGib } from '../backends/device-memory.ts';
import { expansionBudget } from '../backends/ort/cpu/expand.ts';
import { lazyBlob } from '../backends/ort/cpu/lazy-bytes.ts';
import { createCpuDecoder, createCpuSession } from '../backends/ort/cpu/session.ts';
import type { Graph } from '../backends/ort/graph-io.ts';
import type { Ort } from '../backends/ort/ort.ts';
import type { CacheSize } from '../backends/wasm/memory-plan.ts';
import { WasmBackend } from '../backends/wasm/wasm-backend.ts';
import { WasmDecoder } from '../backends/wasm/wasm-decoder.ts';
import { OnnxGraph } from '../onnx/graph.ts';
import { matchDecoder } from '../onnx/match-decoder.ts';

const isDecoder = (name: SessionName): boolean => name === 'model' || name === 'decoder_model_merged';

/**
 * Threads of our kernels if the page may share memory between them: half the logical cores, since two of them may be one
 * physical core, but both of two, since a thread that has to wait delays nobody (backends/wasm/kernels/pool.ts).
 */
const threadCount = (): number => {
  const cores = navigator.hardwareConcurrency;
  return self.crossOriginIsolated ? Math.min(4, cores, Math.max(2, Math.ceil(cores / 2))) : 1;
};

/** A model as it is stored, and how to open it. */
export interface CpuModelOptions {
  ort: Ort;
  config: Gemma3Config;
  graphs: ReadonlyMap<SessionName, Uint8Array>;
  /** Weight files by the names that the graphs refer to them by. */
  files: ReadonlyMap<string, Blob>;
  /** Size of our kernels' KV cache. */
  cache: CacheSize;
  /** True if our exporter wrote the model, so that the kernels need no equivalence check. */
  ours: boolean;
  /** Called when a graph is ready, by a session or by our kernels. */
  onCreated: () => void;
  signal?: AbortSignal | undefined;
}

/** An open model. */
export interface CpuModel {
  sessions: Partial<Record<SessionName, Graph>>;
  /** Our kernels, or null if onnxruntime runs the decoder. */
  backend: WasmBackend | null;
}

async function createBackend(options: CpuModelOptions): Promise<WasmBackend | null> {
  const { graphs, config, files, cache, signal } = options;
  const opened = new Map([...graphs].map(([name, bytes]) => [name, new OnnxGraph(bytes)]));
  const decoder = opened.get('model') ?? opened.get('decoder_model_merged');
  const model = decoder ? await matchDecoder(decoder, [...opened.values()], config, files) : null;
  if (!model) return null;
  const kernels = await WasmDecoder.create({ model, config, files, cache, threads: threadCount(), signal });
  return kernels && new WasmBackend(kernels, config, model.bidirectionalImages);
}

/**
 * Opens a decoder's graphs on the CPU.
 * @param options the model and how to open it
 * @returns sessions, kernels or both
 * @throws EngineError `model-missing`, `model-damaged`, `aborted`; errors of the runtime
 */
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
          ? // A session that only serves the equivalence check need not be fast.
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
