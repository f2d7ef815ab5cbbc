/**
 * Tiny random Gemma 3 whose answers `npm run make-self-test` wrote down as the CPU gives them: how far from them is what an
 * adapter computes?
 */
import { EngineError } from '../../../../protocol/engine.ts';
import { parseGemma3Config } from '../../../../protocol/gemma3-config.ts';
import { Decoder } from '../../cache/decoder.ts';
import { OrtBackend } from '../../backends/ort/ort-backend.ts';
import type { Backend } from '../../backend-interface/backend.ts';
import type { Gpu } from '../../backends/gpu/device.ts';
import type { Ort } from '../../backends/ort/ort.ts';
import { createEncoderSession } from '../../backends/ort/encoder-session.ts';
import { VisionEncoder } from '../../vision/encoder.ts';
import { createGpuSessions, type GpuSessions, type GpuSessionsOptions } from '../gpu-model.ts';
import decoder from './decoder/known-answer.json';
import decoderUrl from './decoder/model_q4.onnx?url';
import decoderDataUrl from './decoder/model_q4.onnx_data?url';
import encoder from './encoder/known-answer.json';
import encoderUrl from './encoder/vision_encoder_q4.onnx?url';
import encoderDataUrl from './encoder/vision_encoder_q4.onnx_data?url';

const bytes = async (url: string): Promise<Uint8Array<ArrayBuffer>> => {
  const response = await fetch(new URL(url, import.meta.url));
  if (!response.ok) throw new EngineError('network', `${url}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
};

/** Largest difference, as a share of the largest value that is right. */
function relativeError(values: Float32Array, right: readonly number[]): number {
  let worst = 0;
  let largest = 0;
  for (const [at, want] of right.entries()) {
    const difference = Math.abs((values[at] ?? NaN) - want);
    worst = Number.isNaN(difference) ? Infinity : Math.max(worst, difference);
    largest = Math.max(largest, Math.abs(want));
  }
  return worst / largest;
}

async function withDecoder(
  options: Pick<GpuSessionsOptions, 'ort' | 'device' | 'config' | 'kernels'>,
  measure: (opened: GpuSessions) => Promise<number>,
): Promise<number> {
  const [graph, data] = await Promise.all([bytes(decoderUrl), bytes(decoderDataUrl)]);
  const opened = await createGpuSessions({
    ...options,
    graphs: new Map([['model', graph]]),
    files: new Map([['model_q4.onnx_data', new Blob([data])]]),
    onCreated: () => undefined,
  });
  try {
    return await measure(opened);
  } finally {
    for (const session of Object.values(opened.sessions)) await session.release();
    opened.kernels?.weights.dispose();
  }
}

const capacity = decoder.ids.length + 1;
const chunkSize = decoder.ids.length;

/** How far prompt and next token are off, at most. */
async function backendError(backend: Backend): Promise<number> {
  const { ids, next } = decoder;
  const [afterPrompt = [], afterNext = []] = decoder.logits;
  const own = new Decoder(backend, { capacity, chunkSize });
  try {
    const prompt = await (await own.prefill({ ids, pictures: [] })).lastRows();
    const token = await (await own.step(next)).lastRows();
    return Math.max(relativeError(prompt, afterPrompt), relativeError(token, afterNext));
  } finally {
    own.dispose();
  }
}

/** Our own kernels read tokens. */
export function kernelsError(ort: Ort, { device }: Gpu): Promise<number> {
  const config = parseGemma3Config(decoder.config);
  const kernels = { capacity, chunkSize, slack: 0, besideSessions: false };
  return withDecoder({ ort, device, config, kernels }, ({ kernels: own }) => {
    if (!own) throw new Error('our kernels do not understand their own proof');
    return backendError(own.backend);
  });
}

/** onnxruntime reads tokens. It is what found that its attention is wrong with subgroups of 4. */
export function decoderError(ort: Ort, { device }: Gpu): Promise<number> {
  const config = parseGemma3Config(decoder.config);
  const options = { ort, device, config, kernels: null };
  return withDecoder(options, ({ sessions: { model } }) => {
    if (!model) throw new Error('there is no session');
    return backendError(new OrtBackend(ort, { decoder: model }, config, { capacity, staticCache: true, device }));
  });
}

/** onnxruntime looks at pictures. */
export async function encoderError(ort: Ort, { device }: Gpu): Promise<number> {
  const { vision } = parseGemma3Config(encoder.config);
  if (!vision) throw new Error('the known answer is without pictures');
  const [graph, data] = await Promise.all([bytes(encoderUrl), bytes(encoderDataUrl)]);
  const files = { graph, data: new Map([['vision_encoder_q4.onnx_data', new Blob([data])]]) };
  const looking = new VisionEncoder(ort, () => createEncoderSession(ort, files, device), vision);
  const { pattern } = encoder;
  const pixels = Float32Array.from(
    { length: vision.channels * vision.imageSize ** 2 },
    (_, i) => pattern[i % pattern.length] ?? 0,
  );
  try {
    return relativeError(await looking.encode('known', pixels), encoder.features);
  } finally {
    await looking.dispose();
  }
}
