/**
 * A known answer that an adapter has to give before it is trusted: a tiny random Gemma 3 (4-bit, sliding and full
 * attention) reads 48 tokens at once and then one more, by our own kernels, and its logits are compared with the CPU's,
 * which `npm run make-proof` wrote down. It is what found that onnxruntime's attention is wrong with subgroups of 4.
 */
import { EngineError } from '../../../protocol/engine.ts';
import { parseGemma3Config } from '../../../protocol/gemma3-config.ts';
import { Decoder } from '../decoder/decoder.ts';
import { GraphReader } from '../decoder/graph-reader.ts';
import type { TokenReader } from '../decoder/token-reader.ts';
import { kernelText } from '../decoder/gpu-kernels/kernels.ts';
import type { Gpu } from '../gpu/device.ts';
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

/** Largest difference between logits and those that are right. */
function distance(logits: Float32Array, right: readonly number[]): number {
  let worst = 0;
  for (const [at, want] of right.entries()) {
    const difference = Math.abs((logits[at] ?? NaN) - want);
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
const WHOLLY = 'proven';
const WITHOUT_KERNELS = 'proven without our kernels';
const place = (what: string) => new URL(`/proven?${encodeURIComponent(what)}`, self.origin);

/** What may be used on an adapter. */
export interface Proven {
  /** Our own kernels; where they alone are wrong, onnxruntime reads all tokens. */
  ownKernels: boolean;
}

/** Storage may be refused (private windows): the proof is then made again. */
const recall = (what: string): Promise<Proven | null> =>
  memory().then(
    async (cache) => {
      const found = await (await cache.match(place(what)))?.text();
      return found === undefined ? null : { ownKernels: found === WHOLLY };
    },
    () => null,
  );
const remember = (what: string, { ownKernels }: Proven): Promise<void> =>
  memory().then(
    (cache) => cache.put(place(what), new Response(ownKernels ? WHOLLY : WITHOUT_KERNELS)),
    () => undefined,
  );

/**
 * Proves an adapter, once for each browser, onnxruntime and set of features.
 * @throws EngineError `adapter-wrong`, with how wrong.
 */
export async function proveAdapter(ort: Ort, gpu: Gpu): Promise<Proven> {
  const what = subject(ort, gpu);
  const before = await recall(what);
  if (before) return before;
  const proven = await prove(ort, gpu);
  await remember(what, proven);
  return proven;
}

async function prove(ort: Ort, gpu: Gpu): Promise<Proven> {
  const { ids, next, logits: right } = known as unknown as KnownAnswer;
  const [graph, data] = await Promise.all([bytes(graphUrl), bytes(dataUrl)]);
  const config = parseGemma3Config(known.config);
  const capacity = ids.length + 1;
  const chunkSize = ids.length;
  /** How far prompt and next token are off, at most. */
  const read = async (reader: TokenReader): Promise<number> => {
    const decoder = new Decoder(reader, { capacity, chunkSize });
    const prompt = await (await decoder.prefill({ ids, pictures: [] })).lastRows();
    const token = await (await decoder.step(next)).lastRows();
    decoder.dispose();
    return Math.max(distance(prompt, right[0]), distance(token, right[1]));
  };
  let worst: number;
  let ownKernels = false;
  try {
    const { sessions, kernels } = await createGpuSessions({
      ...{ ort, device: gpu.device, config, kernels: { capacity, chunkSize, slack: 0, besideSessions: true } },
      graphs: new Map([['model', graph]]),
      files: new Map([['model_q4.onnx_data', new Blob([data])]]),
      onCreated: () => undefined,
    });
    const { model: session } = sessions;
    if (!session || !kernels) throw new Error('our kernels do not understand their own proof');
    worst = await read(
      new GraphReader(ort, { decoder: session }, config, { capacity, staticCache: true, device: gpu.device }),
    );
    ownKernels = (await read(kernels.reader)) <= TOLERANCE;
    await session.release();
    kernels.weights.dispose();
  } catch (cause) {
    throw new EngineError('adapter-wrong', `${gpu.adapter}: ${String(cause)}`);
  }
  if (!(worst <= TOLERANCE))
    throw new EngineError('adapter-wrong', `${gpu.adapter}: logits are off by ${worst.toFixed(3)}`);
  return { ownKernels };
}
