/**
 * A model's graphs on the CPU. Where our own step understands the decoder, it reads all tokens, over weights in 4 bits in a
 * memory of its own: of our own exports no session is made for that then. Others' are made one, which the step is tried
 * against.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { EngineError } from '../../../../protocol/engine.ts';
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import type { SessionName } from '../../../../protocol/manifest.ts';
import { CpuStep } from '../../decoder/cpu-step/cpu-step.ts';
import { APPENDED, type Graph } from '../../decoder/graph-io.ts';
import { readStepModel } from '../../decoder/step/step-model.ts';
import { memoryGib } from '../../runtime/memory.ts';
import type { Ort } from '../../runtime/ort.ts';
import { ELEMENT, OnnxGraph, type OnnxValue } from '../onnx-graph.ts';
import { changeForCpu, createCpuDecoder, createCpuSession } from './cpu-session.ts';
import { expansionBudget } from './expand.ts';
import { lazyBlob } from './lazy-bytes.ts';

const TYPES: ReadonlyMap<number, Tensor.Type> = new Map([
  [ELEMENT.float32, 'float32'],
  [ELEMENT.float16, 'float16'],
  [ELEMENT.int32, 'int32'],
  [ELEMENT.int64, 'int64'],
]);

/** A graph that is known and never run. */
class UnrunGraph implements Graph {
  readonly inputMetadata: readonly InferenceSession.ValueMetadata[];
  readonly outputMetadata: readonly InferenceSession.ValueMetadata[];

  constructor(graph: OnnxGraph) {
    const metadata = ({ name, dataType, dims }: OnnxValue): InferenceSession.ValueMetadata => ({
      ...{ name, isTensor: true, shape: [...dims] },
      type: TYPES.get(dataType) ?? 'bool',
    });
    this.inputMetadata = graph.inputs.map(metadata);
    this.outputMetadata = graph.outputs.map(metadata);
  }

  get outputNames(): readonly string[] {
    return this.outputMetadata.map(({ name }) => name);
  }
  run(): Promise<InferenceSession.ReturnType> {
    return Promise.reject(new EngineError('internal', 'onnxruntime was not made ready for this graph'));
  }
  release(): Promise<void> {
    return Promise.resolve();
  }
}

const isDecoder = (name: SessionName): boolean => name === 'model' || name === 'decoder_model_merged';
const OF_TEXT: readonly SessionName[] = ['model', 'decoder_model_merged', 'embed_tokens'];

/**
 * Threads of our own step, as far as the page may share memory between them: half the cores, of which some are two of one,
 * and two where there are two, since threads that are kept waiting hold up nobody (wasm/pool.ts).
 */
const stepThreads = (): number => {
  const cores = navigator.hardwareConcurrency;
  return self.crossOriginIsolated ? Math.min(4, cores, Math.max(2, Math.ceil(cores / 2))) : 1;
};

export interface CpuModelOptions {
  ort: Ort;
  config: Gemma3Config;
  graphs: ReadonlyMap<SessionName, Uint8Array>;
  /** Data files by the names graphs call them. */
  files: ReadonlyMap<string, Blob>;
  /** Tokens that the cache has room for. */
  capacity: number;
  /** The export is one of ours, which needs no trial. */
  ours: boolean;
  onCreated: () => void;
  signal?: AbortSignal | undefined;
}

export interface CpuModel {
  sessions: Partial<Record<SessionName, Graph>>;
  /** Null where onnxruntime does it all. */
  step: CpuStep | null;
}

/** The step, and the decoder's graph as it is changed for it. */
async function makeStep(options: CpuModelOptions): Promise<{ step: CpuStep; decoder: OnnxGraph } | null> {
  const { graphs, config, files, capacity, signal } = options;
  const opened = [...graphs]
    .filter(([name]) => OF_TEXT.includes(name))
    .map(([name, bytes]) => [name, new OnnxGraph(bytes)] as const);
  const decoder = opened.find(([name]) => isDecoder(name))?.[1];
  const model =
    decoder &&
    readStepModel(
      decoder,
      opened.map(([, graph]) => graph),
      config,
    );
  if (!decoder || !model) return null;
  changeForCpu(decoder);
  // The decoder keeps a cache for it where the graph's is one of floats that can be had row by row.
  const cached = decoder.inputs.filter(({ name }) => name.startsWith('past_key_values.'));
  if (!decoder.input(APPENDED.rows) || cached.some(({ dataType }) => dataType !== ELEMENT.float32)) return null;
  const step = await CpuStep.create({ model, config, files, capacity, threads: stepThreads(), signal });
  return step && { step, decoder };
}

/** @throws EngineError; whatever the runtime does */
export async function openOnCpu(options: CpuModelOptions): Promise<CpuModel> {
  const { ort, graphs, files: blobs, ours, onCreated, signal } = options;
  const sessions: Partial<Record<SessionName, Graph>> = {};
  const made = await makeStep(options);
  let step = made?.step ?? null;
  const lazyFiles = () => new Map([...blobs].map(([path, blob]) => [path, lazyBlob(blob)]));
  try {
    for (const [name, graph] of graphs) {
      if (signal?.aborted) throw new EngineError('aborted');
      if (made && ours && OF_TEXT.includes(name)) {
        if (isDecoder(name)) sessions[name] = new UnrunGraph(made.decoder);
      } else if (isDecoder(name)) {
        // For a trial, nothing need be fast.
        const budget = step ? 0 : expansionBudget(memoryGib());
        const session = await createCpuDecoder(ort, graph, lazyFiles(), budget);
        sessions[name] = session;
        // The runtime may have refused the changed graph.
        if (step && !session.inputNames.includes(APPENDED.rows)) {
          step.dispose();
          step = null;
        }
      } else sessions[name] = await createCpuSession(ort, graph, lazyFiles());
      onCreated();
    }
    return { sessions, step };
  } catch (cause) {
    step?.dispose();
    for (const session of Object.values(sessions)) await session.release();
    throw cause;
  }
}
