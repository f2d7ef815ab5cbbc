/**
 * A model, open and ready: its configuration, sessions, decoder and vision encoder, on the device that was chosen.
 */
import {
  type Device,
  type Dtype,
  EngineError,
  type LoadedModel,
  type LoadOptions,
  type LoadProgress,
} from '../../../protocol/engine.ts';
import { type Gemma3Config, parseGemma3Config } from '../../../protocol/gemma3-config.ts';
import type { CpuStep } from '../decoder/cpu-step/cpu-step.ts';
import { Decoder } from '../decoder/decoder.ts';
import { type Gpu, requestGpu } from '../gpu/device.ts';
import { GIB, memoryGib } from '../runtime/memory.ts';
import { loadOrt } from '../runtime/ort.ts';
import { compileSampler, type SamplerPipelines } from '../sampling/gpu/gpu-sampler.ts';
import { VisionEncoder } from '../vision/encoder.ts';
import type { StepParts } from './gpu-sessions.ts';
import { type ModelFolder, openModelFolder } from './model-folder.ts';
import { proveAdapter } from './proof.ts';
import { agrees } from './trial.ts';
import { chooseDtype, createSessions, releaseSessions, type Sessions } from './model-sessions.ts';

/** Tokens of context made room for, unless asked otherwise; bounded by what the model offers. */
const DEFAULT_CONTEXT = 4096;
/** Prompt tokens read in one run: large enough to fill a GPU, small enough to stop soon. */
const CHUNK = 256;
/** By our own step, which is no faster with more. */
const CPU_CHUNK = 64;

/**
 * What the caches of conversations that were left may take: a sixteenth of the computer's memory, or a quarter of the
 * largest buffer the GPU offers, which is all a browser tells of its memory; never more than 1 GiB.
 */
const parkingBytes = (gpu: Gpu | null): number =>
  Math.min(GIB, gpu ? gpu.device.limits.maxBufferSize / 4 : (memoryGib() / 16) * GIB);

export interface Model {
  folder: ModelFolder;
  config: Gemma3Config;
  dtype: Dtype;
  device: Device;
  fallback?: NonNullable<LoadedModel['fallback']>;
  adapter: string;
  decoder: Decoder;
  encoder: VisionEncoder | null;
  /** On a GPU. */
  sampler: Promise<SamplerPipelines> | null;
  /** Resolves, with the reason, if the GPU goes away. */
  lost: Promise<string>;
  dispose(): Promise<void>;
}

interface Chosen {
  gpu: Gpu | null;
  /** Whether our own kernels are right on it. */
  ownStep: boolean;
  fallback?: NonNullable<LoadedModel['fallback']>;
}

async function chooseDevice(asked: Device | undefined): Promise<Chosen> {
  if (asked === 'wasm') return { gpu: null, ownStep: false };
  try {
    const gpu = await requestGpu();
    try {
      return { gpu, ...(await proveAdapter(await loadOrt('webgpu'), gpu)) };
    } catch (cause) {
      gpu.device.destroy();
      throw cause;
    }
  } catch (cause) {
    if (asked === 'webgpu' || !(cause instanceof EngineError)) throw cause;
    return { gpu: null, ownStep: false, fallback: cause.code === 'adapter-wrong' ? 'adapter-wrong' : 'no-webgpu' };
  }
}

const parseConfig = (json: unknown): Gemma3Config => {
  try {
    return parseGemma3Config(json);
  } catch (cause) {
    throw new EngineError('model-unsupported', cause instanceof Error ? cause.message : String(cause));
  }
};

/** A decoder if it does what a trusted one does, which is let go then; else the trusted one. */
async function tried(decoder: Decoder, trusted: Decoder): Promise<Decoder> {
  const [kept, dropped] = (await agrees(decoder, trusted)) ? [decoder, trusted] : [trusted, decoder];
  dropped.dispose();
  return kept;
}

/**
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
  const folder = await openModelFolder(
    base,
    (bytes) => {
      read += bytes;
      onProgress({ stage: 'files', done: read, total: Math.max(total, read) });
    },
    signal,
  );
  total = folder.manifest.files.reduce((sum, file) => sum + file.size, 0);
  const config = parseConfig(await folder.json('config.json'));
  // Proving a new adapter takes a moment, during which no bytes come.
  onProgress({ stage: 'session', done: 0, total: 1 });
  const { gpu, ownStep, fallback } = await chooseDevice(options.device);
  const device: Device = gpu ? 'webgpu' : 'wasm';
  // While the model is read.
  const sampler = gpu ? compileSampler(gpu.device) : null;
  sampler?.catch(() => undefined);
  let sessions: Sessions = {};
  let step: StepParts | null = null;
  let cpuStep: CpuStep | null = null;
  const close = async () => {
    await releaseSessions(sessions);
    step?.weights.dispose();
    cpuStep?.dispose();
    gpu?.device.destroy();
  };
  try {
    const ort = await loadOrt(device);
    const dtype = options.dtype ?? chooseDtype(folder, device, gpu?.shaderF16 ?? false);
    const offered = Math.min(folder.manifest.contextLength, config.text.maxPositionEmbeddings);
    const capacity = Math.min(options.contextLength ?? DEFAULT_CONTEXT, offered);
    ({ sessions, step, cpuStep } = await createSessions(
      ort,
      folder,
      { dtype, config, capacity, ownStep },
      gpu,
      (done, steps) => onProgress({ stage: 'session', done, total: steps }),
      signal,
    ));
    const session = sessions.decoder_model_merged ?? sessions.model;
    if (!session) throw new EngineError('model-unsupported', 'the model folder has no decoder');
    const graphs = { decoder: session, ...(sessions.embed_tokens ? { embedTokens: sessions.embed_tokens } : {}) };
    const make = (cache: 'static' | 'dynamic', own: CpuStep | null = null) =>
      new Decoder(ort, graphs, config, {
        capacity,
        staticCache: cache === 'static',
        chunkSize: own ? CPU_CHUNK : CHUNK,
        parkingBytes: parkingBytes(gpu),
        ...(gpu ? { device: gpu.device } : {}),
        ...(own ? { cpuStep: own } : {}),
      });
    const { cache } = folder.manifest;
    let decoder = make(step ? 'static' : cache, cpuStep);
    if (step) decoder.stepWith(step.compiling);
    if ((step ?? cpuStep) && cache === 'dynamic') decoder = await tried(decoder, make(cache));
    const encoder =
      sessions.vision_encoder && config.vision ? new VisionEncoder(ort, sessions.vision_encoder, config.vision) : null;
    return {
      folder,
      config,
      dtype,
      device,
      ...(fallback ? { fallback } : {}),
      adapter: gpu?.adapter ?? '',
      decoder,
      encoder,
      sampler,
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
