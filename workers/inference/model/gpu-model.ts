/**
 * Opens a decoder's graphs on WebGPU. A decoder that our own kernels support runs on them, with weights that are uploaded
 * while the kernels compile, and onnxruntime creates no session. Where sessions are needed beside the kernels, the weights
 * are taken out of the graphs and fed to each run instead, so that they are in memory once.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { EngineError } from '../../../protocol/engine.ts';
import type { Gemma3Config } from '../../../protocol/gemma3-config.ts';
import type { SessionName } from '../../../protocol/manifest.ts';
import { GpuWeights, isUploadable } from '../backends/gpu/weights.ts';
import type { Graph } from '../backends/ort/graph-io.ts';
import { createSession, type Ort } from '../backends/ort/ort.ts';
import { WebGpuBackend } from '../backends/webgpu/webgpu-backend.ts';
import { ELEMENT, OnnxGraph, type OnnxTensor, type StoredTensor } from '../onnx/graph.ts';
import { keepLastLogits } from '../onnx/last-logits.ts';
import { type DecoderWeights, matchDecoder, weightsOf } from '../onnx/match-decoder.ts';

const TENSOR_TYPES: ReadonlyMap<number, 'float32' | 'uint8'> = new Map([
  [ELEMENT.float32, 'float32'],
  [ELEMENT.uint8, 'uint8'],
]);

const DECODERS: readonly SessionName[] = ['model', 'decoder_model_merged'];

/** A session whose weights are inputs, which its callers need not know. */
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

const isStored = (tensor: OnnxTensor): tensor is StoredTensor => tensor.data !== null;

/** Turns a graph's large weights into inputs. @returns the tensors to feed to these inputs */
function moveWeightsToInputs(ort: Ort, graph: OnnxGraph, weights: GpuWeights): Record<string, Tensor> {
  const inputs: Record<string, Tensor> = {};
  for (const tensor of graph.initialisers) {
    const dataType = TENSOR_TYPES.get(tensor.dataType);
    if (!dataType || !isStored(tensor) || !isUploadable(tensor)) continue;
    inputs[tensor.name] = ort.Tensor.fromGpuBuffer(weights.buffer(tensor), { dataType, dims: tensor.dims });
    graph.makeInput(tensor);
  }
  return inputs;
}

/** The decoder's weights if our kernels support it and can have all of its weights in buffers. */
async function matchForKernels(
  graphs: readonly OnnxGraph[],
  decoder: OnnxGraph,
  config: Gemma3Config,
  files: ReadonlyMap<string, Blob>,
): Promise<DecoderWeights | null> {
  const weights = await matchDecoder(decoder, graphs, config, files);
  const residesOnGpu = (tensor: StoredTensor) => tensor.data instanceof Uint8Array || isUploadable(tensor);
  return weights && weightsOf(weights).every(residesOnGpu) ? weights : null;
}

const ignore = () => undefined;

/** A model as it is stored, and how to open it. */
export interface GpuModelOptions {
  ort: Ort;
  device: GPUDevice;
  config: Gemma3Config;
  /** Sizes for our own kernels, as in WebGpuBackendOptions; null to use onnxruntime only. */
  kernels: {
    capacity: number;
    chunkSize: number;
    slack: number;
    /** True to create sessions of the decoder, too, over the same weights. */
    besideSessions: boolean;
  } | null;
  /** True to give the runtime the graphs unchanged, which rules out our kernels. */
  unchanged?: boolean;
  graphs: ReadonlyMap<SessionName, Uint8Array>;
  /** Weight files by the names that the graphs refer to them by. */
  files: ReadonlyMap<string, Blob>;
  /** Called when a graph is ready, by a session or by our kernels. */
  onCreated: (name: SessionName) => void;
  signal?: AbortSignal | undefined;
}

/** An open model. */
export interface GpuModel {
  /** Sessions of onnxruntime; none where our kernels run the decoder alone. */
  sessions: Partial<Record<SessionName, Graph>>;
  /** Our kernels, or null if onnxruntime runs the decoder. The backend must be disposed of before the weights. */
  kernels: { backend: WebGpuBackend; weights: GpuWeights } | null;
}

/**
 * Opens a decoder's graphs on a GPU.
 * @param options the model and how to open it
 * @returns sessions, kernels or both
 * @throws EngineError `no-webgpu` (a weight is larger than the device can bind), `out-of-memory`, `model-missing`, `aborted`;
 *   errors of the runtime or the browser
 */
export async function openOnGpu(options: GpuModelOptions): Promise<GpuModel> {
  const { ort, device, config, unchanged, graphs, files, onCreated, signal } = options;
  const opened = new Map(unchanged ? [] : [...graphs].map(([name, bytes]) => [name, new OnnxGraph(bytes)]));
  const decoder = DECODERS.map((name) => opened.get(name)).find((graph) => graph !== undefined);
  const model = decoder && options.kernels ? await matchForKernels([...opened.values()], decoder, config, files) : null;
  const largest = Math.max(0, ...(model ? weightsOf(model) : []).map(({ data }) => data.length ?? 0));
  const limit = device.limits.maxStorageBufferBindingSize;
  if (largest > limit)
    throw new EngineError('no-webgpu', `a weight takes ${largest} bytes, and this GPU binds ${limit}`);
  const withSessions = !model || (options.kernels?.besideSessions ?? true);
  if (decoder && withSessions) keepLastLogits(decoder);
  const sessions: Partial<Record<SessionName, Graph>> = {};

  const weights = new GpuWeights(device);
  device.pushErrorScope('out-of-memory');
  const inputs = new Map(
    model && withSessions
      ? [...opened].map(([name, graph]) => [name, moveWeightsToInputs(ort, graph, weights)] as const)
      : [],
  );
  // Only buffers that exist by now are uploaded below.
  if (model) for (const tensor of weightsOf(model)) weights.buffer(tensor);
  const compiling =
    model && options.kernels
      ? WebGpuBackend.compile({
          device,
          model,
          config,
          weights: (tensor) => weights.buffer(tensor),
          ...options.kernels,
        })
      : null;
  compiling?.catch(ignore);
  const allocating = device.popErrorScope();
  // Weights are uploaded while kernels compile and sessions are created.
  const uploading = weights.upload(files, signal);
  uploading.catch(ignore);
  try {
    for (const [name, bytes] of graphs) {
      if (signal?.aborted) throw new EngineError('aborted');
      if (withSessions) {
        const given = inputs.get(name);
        const session = await createSession(ort, opened.get(name)?.encode() ?? bytes, {
          executionProviders: [{ name: 'webgpu', device }],
          // The jspi build reads a Blob piece by piece.
          externalData: given ? [] : [...files].map(([path, data]) => ({ path, data })),
          graphOptimizationLevel: 'all',
          // Outputs are the next run's inputs, or read in part.
          preferredOutputLocation: 'gpu-buffer',
        });
        sessions[name] = given ? new WeightedGraph(session, given) : session;
      }
      onCreated(name);
    }
    const outOfMemory = await allocating;
    if (outOfMemory) throw new EngineError('out-of-memory', outOfMemory.message);
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
