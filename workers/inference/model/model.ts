/**
 * A model, open and ready: its configuration, sessions, decoder and vision encoder, on the device that was chosen.
 */
import {
  CACHE_SLACK,
  DEFAULT_CONTEXT,
  type Device,
  type Dtype,
  EngineError,
  type LoadedModel,
  type LoadOptions,
  type LoadProgress,
} from '../../../protocol/engine.ts';
import { type Gemma3Config, parseGemma3Config } from '../../../protocol/gemma3-config.ts';
import { Decoder } from '../cache/decoder.ts';
import { OrtBackend } from '../backends/ort/ort-backend.ts';
import type { Backend } from '../backend-interface/backend.ts';
import { type Gpu, requestGpu } from '../backends/gpu/device.ts';
import { GIB, memoryGib } from '../backends/device-memory.ts';
import { loadOrt } from '../backends/ort/ort.ts';
import { GpuSamplers, SamplerPipelines, type TokenSamplers } from '../backends/webgpu/sampler.ts';
import { VisionEncoder } from '../vision/encoder.ts';
import { type ModelFolder, openModelFolder } from './model-folder.ts';
import { passesSelfTest, recordedVerdict, requireSelfTest } from './self-test/self-test.ts';
import { checkEquivalence } from './equivalence-check.ts';
import {
  chooseDtype,
  createSessions,
  hasEncoder,
  type Kernels,
  openEncoder,
  releaseSessions,
  type Sessions,
} from './model-sessions.ts';

/**
 * Largest default context, in tokens, where our own kernels keep the cache: it takes memory only as a text grows, and
 * sliding layers are bounded by their window. Where onnxruntime keeps the cache, DEFAULT_CONTEXT is reserved at once.
 */
const LONGEST_DEFAULT_CONTEXT = 32768;
/** Prompt tokens read in one run: large enough to fill a GPU, small enough to stop soon. */
const CHUNK = 256;
/** By our kernels on the CPU, which are no faster with more. */
const CPU_CHUNK = 64;

/**
 * What the caches of conversations that were left may take: a sixteenth of the computer's memory, or a quarter of the
 * largest buffer the GPU offers, which is all a browser tells of its memory; never more than 1 GiB.
 */
const prefixCacheBytes = (gpu: Gpu | null): number =>
  Math.min(GIB, gpu ? gpu.device.limits.maxBufferSize / 4 : (memoryGib() / 16) * GIB);

/**
 * Tokens of context where our kernels keep the cache: as many as half of the GPU's largest buffer, or a sixteenth of the
 * computer's memory, holds keys and values of in full layers.
 */
function growingContext({ text }: Gemma3Config, gpu: Gpu | null): number {
  const bytes = gpu ? gpu.device.limits.maxBufferSize / 2 : (memoryGib() / 16) * GIB;
  const full = text.layerTypes.filter((type) => type === 'full_attention').length;
  const token = full * 2 * text.kvHeads * text.headDim * Float32Array.BYTES_PER_ELEMENT;
  const room = Math.floor(bytes / token);
  return Math.max(DEFAULT_CONTEXT, Math.min(LONGEST_DEFAULT_CONTEXT, room));
}

/** Tokens of which a full layer's keys are in one binding. */
function bindable({ text }: Gemma3Config, gpu: Gpu | null): number {
  const row = text.kvHeads * text.headDim * Float32Array.BYTES_PER_ELEMENT;
  return gpu ? Math.floor(gpu.device.limits.maxStorageBufferBindingSize / row) : Infinity;
}

function samplerFactory(device: GPUDevice): NonNullable<Model['createSampler']> {
  const pipelines = new SamplerPipelines(device);
  return (vocabSize) => new GpuSamplers(device, pipelines, vocabSize);
}

export interface Model {
  folder: ModelFolder;
  config: Gemma3Config;
  dtype: Dtype;
  device: Device;
  fallback?: NonNullable<LoadedModel['fallback']>;
  adapter: string;
  decoder: Decoder;
  encoder: VisionEncoder | null;
  /** Makes the GPU's sampler for logits of this size; null where the model is not on a GPU. */
  createSampler: ((vocabSize: number) => TokenSamplers) | null;
  /** Resolves, with the reason, if the GPU goes away. */
  lost: Promise<string>;
  dispose(): Promise<void>;
}

const parseConfig = (json: unknown): Gemma3Config => {
  try {
    return parseGemma3Config(json);
  } catch (cause) {
    throw new EngineError('model-unsupported', cause instanceof Error ? cause.message : String(cause));
  }
};

interface Source {
  folder: ModelFolder;
  config: Gemma3Config;
}

/**
 * On the GPU, or where that cannot be used, and was not asked for, on the CPU.
 * @param base URL of the model folder.
 * @throws EngineError; whatever was opened is closed again.
 */
export async function openModel(
  base: string,
  options: LoadOptions,
  onProgress: (progress: LoadProgress) => void = () => undefined,
  signal?: AbortSignal,
): Promise<Model> {
  let read = 0;
  let total = 0;
  let opening = true;
  const folder = await openModelFolder(
    base,
    (bytes) => {
      read += bytes;
      // The vision encoder's come later, perhaps.
      if (opening) onProgress({ stage: 'files', done: read, total: Math.max(total, read) });
    },
    signal,
  );
  total = folder.manifest.files.reduce((sum, file) => sum + file.size, 0);
  const source = { folder, config: parseConfig(await folder.json('config.json')) };
  // Proving a new adapter takes a moment, during which no bytes come.
  onProgress({ stage: 'session', done: 0, total: 1 });
  const openIt = (gpu: Gpu | null) => openOn(gpu, source, options, onProgress, signal);
  try {
    if (options.device === 'wasm') return await openIt(null);
    try {
      return await openIt(await requestGpu());
    } catch (cause) {
      const code = cause instanceof EngineError ? cause.code : null;
      if (options.device === 'webgpu' || (code !== 'no-webgpu' && code !== 'adapter-wrong')) throw cause;
      return { ...(await openIt(null)), fallback: code };
    }
  } finally {
    opening = false;
  }
}

/** @throws EngineError `adapter-wrong` where the GPU computes something wrong that the model needs */
async function openOn(
  gpu: Gpu | null,
  { folder, config }: Source,
  options: LoadOptions,
  onProgress: (progress: LoadProgress) => void,
  signal?: AbortSignal,
): Promise<Model> {
  const device: Device = gpu ? 'webgpu' : 'wasm';
  let sessions: Sessions = {};
  let kernels: Kernels | null = null;
  let encoder: VisionEncoder | null = null;
  const close = async () => {
    await encoder?.dispose();
    await releaseSessions(sessions);
    kernels?.weights?.dispose();
    gpu?.device.destroy();
  };
  try {
    const ort = await loadOrt(device);
    const dtype = options.dtype ?? chooseDtype(folder, device, gpu?.shaderF16 ?? false);
    const { vision } = config;
    if (vision && hasEncoder(folder, dtype))
      encoder = new VisionEncoder(
        () => openEncoder(ort, folder, dtype, vision, gpu),
        gpu ? () => requireSelfTest('encoder', ort, gpu) : undefined,
      );
    if (gpu && encoder && (await recordedVerdict('encoder', ort, gpu)) === false)
      throw new EngineError('adapter-wrong', `${gpu.adapter}: encoder`);
    const offered = Math.min(folder.manifest.contextLength, config.text.maxPositionEmbeddings, bindable(config, gpu));
    const context = (unlessAsked: number) => Math.min(options.contextLength ?? unlessAsked, offered);
    const ownKernels = !gpu || (await passesSelfTest('kernels', ort, gpu));
    const cache = { capacity: context(growingContext(config, gpu)), slack: CACHE_SLACK };
    const growing = folder.manifest.cache === 'dynamic';
    ({ sessions, kernels } = await createSessions(
      ort,
      folder,
      { dtype, config, cache, chunkSize: CHUNK, ownKernels },
      gpu,
      (done, steps) => onProgress({ stage: 'session', done, total: steps }),
      signal,
    ));
    if (gpu && (!kernels || growing)) await requireSelfTest('decoder', ort, gpu);
    const decoderOf = (backend: Backend, capacity: number) =>
      new Decoder(backend, {
        capacity,
        chunkSize: gpu || !kernels ? CHUNK : CPU_CHUNK,
        prefixCacheBytes: prefixCacheBytes(gpu),
      });
    const ofGraph = () => {
      const { model: whole, decoder_model_merged: merged, embed_tokens: embedTokens } = sessions;
      const session = merged ?? whole;
      if (!session) throw new EngineError('model-unsupported', 'the model folder has no decoder');
      const graphs = { decoder: session, ...(embedTokens ? { embedTokens } : {}) };
      const onGpu = gpu ? { device: gpu.device } : {};
      const capacity = context(DEFAULT_CONTEXT);
      return decoderOf(new OrtBackend(ort, graphs, config, { capacity, staticCache: !growing, ...onGpu }), capacity);
    };
    let decoder = kernels ? decoderOf(kernels.backend, cache.capacity) : ofGraph();
    if (kernels && growing) {
      const trusted = ofGraph();
      const own = await checkEquivalence(decoder, trusted);
      (own ? trusted : decoder).dispose();
      if (own) {
        await releaseSessions(sessions);
        sessions = {};
      } else decoder = trusted;
    }
    // Later there would be runs of the decoder's between, and the runtime does one thing at a time.
    if (Object.keys(sessions).length > 0) await encoder?.open();
    return {
      folder,
      config,
      dtype,
      device,
      adapter: gpu?.adapter ?? '',
      decoder,
      encoder,
      createSampler: gpu && samplerFactory(gpu.device),
      lost: gpu ? gpu.device.lost.then((info) => info.message) : new Promise(() => undefined),
      async dispose() {
        decoder.dispose();
        await close();
      },
    };
  } catch (cause) {
    await close();
    throw cause;
  }
}
