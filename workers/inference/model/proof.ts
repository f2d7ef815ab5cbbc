/**
 * A known answer that an adapter has to give before it is trusted: a tiny random Gemma 3 (4-bit, sliding and full
 * attention) reads 48 tokens at once and then one more, and its logits are compared with the CPU's, which
 * `npm run make-proof` wrote down. The one more is read by our own kernels. It is what found that onnxruntime's attention is wrong with subgroups of 4.
 */
import { EngineError } from '../../../protocol/engine.ts';
import { parseGemma3Config } from '../../../protocol/gemma3-config.ts';
import { Decoder } from '../decoder/decoder.ts';
import type { Gpu } from '../gpu/device.ts';
import { kernelText } from '../decoder/step/kernels.ts';
import type { Ort } from '../runtime/ort.ts';
import { createGpuSessions } from './gpu-sessions.ts';
import known from './proof/known-answer.json';
import graphUrl from './proof/model_q4.onnx?url';
import dataUrl from './proof/model_q4.onnx_data?url';

/** Logits are of the order of 1; kernels in fp32 agree to 1e-5, wrong attention is off by 0.1 and more. */
const TOLERANCE = 1e-2;

const bytes = async (url: string): Promise<Uint8Array<ArrayBuffer>> => {
  const response = await fetch(new URL(url, import.meta.url));
  if (!response.ok) throw new EngineError('network', `${url}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
};

export interface KnownAnswer {
  ids: number[];
  next: number;
  /** After `ids`, and after `next`. */
  logits: [number[], number[]];
}

/** Largest difference between what was computed and the known answer. */
export function distance(computed: readonly Float32Array[], answer: KnownAnswer): number {
  let worst = 0;
  for (const [i, want] of answer.logits.entries())
    for (const [at, value] of want.entries()) {
      const difference = Math.abs((computed[i]?.[at] ?? NaN) - value);
      worst = Number.isNaN(difference) ? Infinity : Math.max(worst, difference);
    }
  return worst;
}

/** FNV-1a of our kernels. */
const kernelsHash = [...kernelText].reduce((hash, c) => Math.imul(hash ^ c.charCodeAt(0), 16777619) >>> 0, 2166136261);

/** What was proven: a change in any of these asks for a new proof. */
const subject = (ort: Ort, gpu: Gpu): string =>
  [ort.env.versions.web, kernelsHash, navigator.userAgent, gpu.adapter, ...[...gpu.device.features].sort()].join(' | ');

const memory = () => caches.open('fournil-proven-adapters');
const place = (what: string) => new URL(`/proven?${encodeURIComponent(what)}`, self.origin);

/** Storage may be refused (private windows): the proof is then made again. */
const isProven = (what: string): Promise<boolean> =>
  memory().then(
    async (cache) => (await cache.match(place(what))) !== undefined,
    () => false,
  );
const remember = (what: string): Promise<void> =>
  memory().then(
    (cache) => cache.put(place(what), new Response('proven')),
    () => undefined,
  );

/**
 * Proves an adapter, once for each browser, onnxruntime and set of features.
 * @throws EngineError `adapter-wrong`, with how wrong.
 */
export async function proveAdapter(ort: Ort, gpu: Gpu): Promise<void> {
  const what = subject(ort, gpu);
  if (await isProven(what)) return;
  const answer = known as unknown as KnownAnswer;
  const [graph, data] = await Promise.all([bytes(graphUrl), bytes(dataUrl)]);
  const config = parseGemma3Config(known.config);
  let worst: number;
  try {
    const { sessions, step } = await createGpuSessions({
      ort,
      device: gpu.device,
      config,
      graphs: new Map([['model', graph]]),
      files: new Map([['model_q4.onnx_data', new Blob([data])]]),
      onCreated: () => undefined,
    });
    const session = sessions.model;
    if (!session || !step) throw new Error('the decode step does not understand its own proof');
    const options = {
      capacity: answer.ids.length + 1,
      staticCache: true,
      chunkSize: answer.ids.length,
      device: gpu.device,
    };
    const decoder = new Decoder(ort, { decoder: session }, config, options);
    await decoder.stepWith({ model: step.model, weights: (tensor) => step.weights.buffer(tensor) });
    const first = await (await decoder.prefill({ ids: answer.ids, pictures: [] })).lastRows();
    const second = await (await decoder.step(answer.next)).lastRows();
    worst = distance([first, second], answer);
    decoder.dispose();
    await session.release();
    step.weights.dispose();
  } catch (cause) {
    throw new EngineError('adapter-wrong', `${gpu.adapter}: ${String(cause)}`);
  }
  if (!(worst <= TOLERANCE))
    throw new EngineError('adapter-wrong', `${gpu.adapter}: logits are off by ${worst.toFixed(3)}`);
  await remember(what);
}
