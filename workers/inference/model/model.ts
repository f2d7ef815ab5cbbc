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
/** Prompt tokens in one forward pass: enough to keep a GPU busy, few enough to stop soon. */
const CHUNK = 256;
/** The same for our kernels on the CPU, which are no faster with more. */
const CPU_CHUNK = 64;

/**
 * Budget of the prefix cache in bytes: a sixteenth of the device's memory, or a quarter of the GPU's largest buffer, which is
 * all that a browser says of its memory; never more than 1 GiB.
 */
const prefixCacheBytes = (gpu: Gpu | null): number =>
  Math.min(GIB, gpu ? gpu.device.limits.maxBufferSize / 4 : (memoryGib() / 16) * GIB);

/**
 * Default context where our kernels keep the cache: the tokens whose keys and values of full-attention layers fit in half of
 * the GPU's largest buffer, or in a sixteenth of the device's memory.
 */
function growingContext({ text }: Gemma3Config, gpu: Gpu | null): number {
  const bytes = gpu ? gpu.device.limits.maxBufferSize / 2 : (memoryGib() / 16) * GIB;
  const full = text.layerTypes.filter((type) => type === 'full_attention').length;
  const token = full * 2 * text.kvHeads * text.headDim * Float32Array.BYTES_PER_ELEMENT;
  const tokens = Math.floor(bytes / token);
  return Math.max(DEFAULT_CONTEXT, Math.min(LONGEST_DEFAULT_CONTEXT, tokens));
}

/** Largest context: the keys of a full-attention layer have to fit in one binding of the GPU. */
function bindableContext({ text }: Gemma3Config, gpu: Gpu | null): number {
  const row = text.kvHeads * text.headDim * Float32Array.BYTES_PER_ELEMENT;
  return gpu ? Math.floor(gpu.device.limits.maxStorageBufferBindingSize / row) : Infinity;
}

function samplerFactory(device: GPUDevice): NonNullable<Model['createSampler']> {
  const pipelines = new SamplerPipelines(device);
  return (vocabSize) => new GpuSamplers(device, pipelines, vocabSize);
}

/** An open model. */
export interface Model {
  folder: ModelFolder;
  config: Gemma3Config;
  dtype: Dtype;
  device: Device;
  /** Why the model is on the CPU although a GPU was wanted. */
  fallback?: NonNullable<LoadedModel['fallback']>;
  /** Name of the GPU's adapter; empty on the CPU. */
  adapter: string;
  decoder: Decoder;
  /** Null if the model has no vision encoder. */
  encoder: VisionEncoder | null;
  /** Creates the GPU's sampler for logits of this size; null on the CPU. */
  createSampler: ((vocabSize: number) => TokenSamplers) | null;
  /** Resolves with the reason if the GPU device is lost, or destroyed by `dispose`. */
  lost: Promise<string>;
  /** Frees everything that the model holds. */
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
 * Opens a model on the GPU, or on the CPU if the GPU cannot be used and was not asked for.
 * @param base URL of the model folder, or `stored:KEY`
 * @param options device, dtype and context length
 * @param onProgress is told how many bytes of files are read, and how many graphs are ready
 * @param signal ends opening between two steps
 * @returns the model
 * @throws EngineError; everything that was opened is closed then
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
      // The vision encoder's files may be read later, when nobody waits for progress.
      if (opening) onProgress({ stage: 'files', done: read, total: Math.max(total, read) });
    },
    signal,
  );
  total = folder.manifest.files.reduce((sum, file) => sum + file.size, 0);
  const source = { folder, config: parseConfig(await folder.json('config.json')) };
  // The self-tests of a new adapter take a moment, during which no bytes are read.
  onProgress({ stage: 'session', done: 0, total: 1 });
  const openWith = (gpu: Gpu | null) => openOn(gpu, source, options, onProgress, signal);
  try {
    if (options.device === 'wasm') return await openWith(null);
    try {
      return await openWith(await requestGpu());
    } catch (cause) {
      const code = cause instanceof EngineError ? cause.code : null;
      if (options.device === 'webgpu' || (code !== 'no-webgpu' && code !== 'adapter-wrong')) throw cause;
      return { ...(await openWith(null)), fallback: code };
    }
  } finally {
    opening = false;
  }
}

/** @throws EngineError `adapter-wrong` if the GPU fails a self-test that the model needs */
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
    const offered = Math.min(
      folder.manifest.contextLength,
      config.text.maxPositionEmbeddings,
      bindableContext(config, gpu),
    );
    const context = (byDefault: number) => Math.min(options.contextLength ?? byDefault, offered);
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
    const ortDecoder = () => {
      const { model: whole, decoder_model_merged: merged, embed_tokens: embedTokens } = sessions;
      const session = merged ?? whole;
      if (!session) throw new EngineError('model-unsupported', 'the model folder has no decoder');
      const graphs = { decoder: session, ...(embedTokens ? { embedTokens } : {}) };
      const onGpu = gpu ? { device: gpu.device } : {};
      const capacity = context(DEFAULT_CONTEXT);
      return decoderOf(new OrtBackend(ort, graphs, config, { capacity, staticCache: !growing, ...onGpu }), capacity);
    };
    let decoder = kernels ? decoderOf(kernels.backend, cache.capacity) : ortDecoder();
    if (kernels && growing) {
      const trusted = ortDecoder();
      const equivalent = await checkEquivalence(decoder, trusted);
      (equivalent ? trusted : decoder).dispose();
      if (equivalent) {
        await releaseSessions(sessions);
        sessions = {};
      } else decoder = trusted;
    }
    // The runtime does one thing at a time, so it could not create the session later, between runs of the decoder.
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
