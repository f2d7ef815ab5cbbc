/**
 * A decoder's graphs on WebGPU. One that our own kernels understand is read by them, over weights that stream to the GPU
 * while kernels compile, and onnxruntime makes no session. Where sessions are wanted beside the kernels, the weights are
 * taken out of the graphs and given to each run instead: they are held once.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { EngineError } from '../../../protocol/engine.ts';
import type { Gemma3Config } from '../../../protocol/gemma3-config.ts';
import type { SessionName } from '../../../protocol/manifest.ts';
import type { Graph } from '../backends/ort/graph-io.ts';
import { WebGpuBackend } from '../backends/webgpu/webgpu-backend.ts';
import { matchDecoder, weightsOf } from '../onnx/match-decoder.ts';
import { createSession, type Ort } from '../backends/ort/ort.ts';
import { canReside, GpuWeights } from '../backends/gpu/weights.ts';
import { keepLastLogits } from '../onnx/last-logits.ts';
import { ELEMENT, OnnxGraph, type OnnxTensor, type StoredTensor } from '../onnx/graph.ts';

const TYPES: ReadonlyMap<number, Tensor.Type> = new Map([
  [ELEMENT.float32, 'float32'],
  [ELEMENT.uint8, 'uint8'],
]);

const DECODERS: readonly SessionName[] = ['model', 'decoder_model_merged'];

/** A session whose weights are inputs like others. */
class WeightedGraph implements Graph {
  constructor(
    private readonly session: InferenceSession,
    private readonly weights: Record<string, Tensor>,
  ) {}

  get inputMetadata(): Graph['inputMetadata'] {
    return this.session.inputMetadata.filter(({ name }) => !(name in this.weights));
  }
  get outputMetadata(): Graph['outputMetadata'] {
    return this.session.outputMetadata;
  }
  get outputNames(): readonly string[] {
    return this.session.outputNames;
  }
  run(feeds: InferenceSession.FeedsType, fetches: InferenceSession.FetchesType): Promise<InferenceSession.ReturnType> {
    return this.session.run({ ...this.weights, ...feeds }, fetches);
  }
  release(): Promise<void> {
    return this.session.release();
  }
}

const canBeInput = (tensor: OnnxTensor): tensor is StoredTensor =>
  tensor.data !== null && TYPES.has(tensor.dataType) && canReside(tensor as StoredTensor);

/** Makes inputs of a graph's large weights; what they are given. */
function takeOut(ort: Ort, graph: OnnxGraph, weights: GpuWeights): Record<string, Tensor> {
  const taken: Record<string, Tensor> = {};
  for (const tensor of graph.initialisers) {
    if (!canBeInput(tensor)) continue;
    const dataType = TYPES.get(tensor.dataType) as 'float32' | 'uint8';
    taken[tensor.name] = ort.Tensor.fromGpuBuffer(weights.buffer(tensor), { dataType, dims: tensor.dims });
    graph.makeInput(tensor);
  }
  return taken;
}

const ignore = () => undefined;

export interface GpuSessionsOptions {
  ort: Ort;
  device: GPUDevice;
  config: Gemma3Config;
  /** For our own kernels (KernelReaderOptions); null where onnxruntime does it all. */
  kernels: {
    capacity: number;
    chunkSize: number;
    slack: number;
    /** Sessions of the decoder are made, too, over the same weights. */
    besideSessions: boolean;
  } | null;
  /** No graph is changed: our kernels need that. */
  asTheyAre?: boolean;
  graphs: ReadonlyMap<SessionName, Uint8Array>;
  /** Data files by the names graphs call them. */
  files: ReadonlyMap<string, Blob>;
  onCreated: (name: SessionName) => void;
  signal?: AbortSignal | undefined;
}

export interface GpuSessions {
  /** None where our kernels read all tokens. */
  sessions: Partial<Record<SessionName, Graph>>;
  /** Null where onnxruntime does it all. The weights are theirs: who has disposed of the reader disposes of them. */
  kernels: { backend: WebGpuBackend; weights: GpuWeights } | null;
}

/** @throws whatever the runtime or the browser does; EngineError `no-webgpu`, `out-of-memory`, `model-missing`, `aborted` */
export async function createGpuSessions(options: GpuSessionsOptions): Promise<GpuSessions> {
  const { ort, device, config, asTheyAre, graphs, files, onCreated, signal } = options;
  const opened = new Map(asTheyAre ? [] : [...graphs].map(([name, bytes]) => [name, new OnnxGraph(bytes)]));
  const decoder = DECODERS.map((name) => opened.get(name)).find((graph) => graph !== undefined);
  const model = decoder && options.kernels ? matchDecoder(decoder, [...opened.values()], config) : null;
  const largest = Math.max(0, ...(model ? weightsOf(model) : []).map(({ data }) => data.length ?? 0));
  const most = device.limits.maxStorageBufferBindingSize;
  if (largest > most) throw new EngineError('no-webgpu', `a weight takes ${largest} bytes, and this GPU binds ${most}`);
  const besideSessions = !model || (options.kernels?.besideSessions ?? true);
  if (decoder && besideSessions) keepLastLogits(decoder);
  const sessions: Partial<Record<SessionName, Graph>> = {};

  const weights = new GpuWeights(device);
  device.pushErrorScope('out-of-memory');
  const inputs = new Map(
    model ? [...opened].map(([name, graph]) => [name, besideSessions ? takeOut(ort, graph, weights) : {}]) : [],
  );
  // Asked for before they are uploaded.
  if (model) for (const tensor of weightsOf(model)) weights.buffer(tensor);
  const compiling =
    model && options.kernels
      ? WebGpuBackend.compile({
          ...{ ort, device, model, config, weights: (tensor: StoredTensor) => weights.buffer(tensor) },
          ...options.kernels,
        })
      : null;
  compiling?.catch(ignore);
  const room = device.popErrorScope();
  // While kernels are compiled and sessions made, which one at a time is.
  const uploading = weights.upload(files, signal);
  uploading.catch(ignore);
  try {
    for (const [name, bytes] of graphs) {
      if (signal?.aborted) throw new EngineError('aborted');
      const given = inputs.get(name);
      if (!given || besideSessions) {
        const session = await createSession(ort, opened.get(name)?.encode() ?? bytes, {
          executionProviders: [{ name: 'webgpu', device }],
          // The jspi build reads a Blob piece by piece.
          externalData: given ? [] : [...files].map(([path, data]) => ({ path, data })),
          graphOptimizationLevel: 'all',
          // Goes on to another run, or in part to us.
          preferredOutputLocation: 'gpu-buffer',
        });
        sessions[name] = given ? new WeightedGraph(session, given) : session;
      }
      onCreated(name);
    }
    const short = await room;
    if (short) throw new EngineError('out-of-memory', short.message);
    await uploading;
    const backend = await compiling;
    return { sessions, kernels: backend && { backend, weights } };
  } catch (cause) {
    await uploading.catch(ignore);
    for (const session of Object.values(sessions)) await session.release();
    await compiling?.then((backend) => {
      backend.dispose();
    }, ignore);
    weights.dispose();
    throw cause;
  }
}
