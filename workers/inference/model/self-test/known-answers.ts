/**
 * Tiny random Gemma 3 models with the outputs that `npm run make-self-test` computed on the CPU, and how far the outputs of
 * an adapter are from them.
 */
import { EngineError } from '../../../../protocol/engine.ts';
import { parseGemma3Config } from '../../../../protocol/gemma3-config.ts';
import type { Backend } from '../../backend-interface/backend.ts';
import type { Gpu } from '../../backends/gpu/device.ts';
import { createEncoderSession } from '../../backends/ort/encoder-session.ts';
import { OrtBackend } from '../../backends/ort/ort-backend.ts';
import type { Ort } from '../../backends/ort/ort.ts';
import { Decoder } from '../../cache/decoder.ts';
import { type GpuModel, type GpuModelOptions, openOnGpu } from '../gpu-model.ts';
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

/** Largest difference, relative to the largest expected value. */
function relativeError(values: Float32Array, expected: readonly number[]): number {
  let worst = 0;
  let largest = 0;
  for (const [at, want] of expected.entries()) {
    const difference = Math.abs((values[at] ?? NaN) - want);
    worst = Number.isNaN(difference) ? Infinity : Math.max(worst, difference);
    largest = Math.max(largest, Math.abs(want));
  }
  return worst / largest;
}

async function withDecoder(
  options: Pick<GpuModelOptions, 'ort' | 'device' | 'config' | 'kernels'>,
  measure: (opened: GpuModel) => Promise<number>,
): Promise<number> {
  const [graph, data] = await Promise.all([bytes(decoderUrl), bytes(decoderDataUrl)]);
  const opened = await openOnGpu({
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

/** The larger of the errors after the prompt and after one more token. Disposes of the backend. */
async function backendError(backend: Backend): Promise<number> {
  const { ids, next } = decoder;
  const [afterPrompt = [], afterNext = []] = decoder.logits;
  const checked = new Decoder(backend, { capacity, chunkSize });
  try {
    const prompt = await (await checked.prefill({ ids, pictures: [] })).lastRows();
    const token = await (await checked.step(next)).lastRows();
    return Math.max(relativeError(prompt, afterPrompt), relativeError(token, afterNext));
  } finally {
    checked.dispose();
  }
}

/**
 * Error of our own kernels on an adapter.
 * @param ort the runtime
 * @param gpu the adapter's device
 * @returns largest difference of the logits, relative to the largest logit
 * @throws EngineError `network`; errors of the browser
 */
export function kernelsError(ort: Ort, { device }: Gpu): Promise<number> {
  const config = parseGemma3Config(decoder.config);
  const kernels = { capacity, chunkSize, slack: 0, besideSessions: false };
  return withDecoder({ ort, device, config, kernels }, ({ kernels: own }) => {
    if (!own) throw new Error('our kernels do not support their own self-test');
    return backendError(own.backend);
  });
}

/**
 * Error of onnxruntime's decoder kernels on an adapter. It showed that their attention is wrong with subgroups of 4.
 * @param ort the runtime
 * @param gpu the adapter's device
 * @returns largest difference of the logits, relative to the largest logit
 * @throws EngineError `network`; errors of the runtime
 */
export function decoderError(ort: Ort, { device }: Gpu): Promise<number> {
  const config = parseGemma3Config(decoder.config);
  const options = { ort, device, config, kernels: null };
  return withDecoder(options, ({ sessions: { model } }) => {
    if (!model) throw new Error('there is no session');
    return backendError(new OrtBackend(ort, { decoder: model }, config, { capacity, staticCache: true, device }));
  });
}

/**
 * Error of onnxruntime's vision encoder on an adapter.
 * @param ort the runtime
 * @param gpu the adapter's device
 * @returns largest difference of the features, relative to the largest feature
 * @throws EngineError `network`; errors of the runtime
 */
export async function encoderError(ort: Ort, { device }: Gpu): Promise<number> {
  const { vision } = parseGemma3Config(encoder.config);
  if (!vision) throw new Error('the known answer is without pictures');
  const [graph, data] = await Promise.all([bytes(encoderUrl), bytes(encoderDataUrl)]);
  const files = { graph, data: new Map([['vision_encoder_q4.onnx_data', new Blob([data])]]) };
  const session = await createEncoderSession(ort, files, vision, device);
  const { pattern } = encoder;
  const pixels = Float32Array.from(
    { length: vision.channels * vision.imageSize ** 2 },
    (_, i) => pattern[i % pattern.length] ?? 0,
  );
  try {
    return relativeError(await session.run(pixels), encoder.features);
  } finally {
    await session.release();
  }
}
