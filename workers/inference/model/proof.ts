/**
 * A known answer that an adapter has to give before it is trusted: a tiny random Gemma 3 (4-bit, sliding and full
 * attention) reads 48 tokens at once and then one more, by our own kernels, and its logits are compared with the CPU's,
 * which `npm run make-proof` wrote down. It is what found that onnxruntime's attention is wrong with subgroups of 4.
 */
import { EngineError } from '../../../protocol/engine.ts';
import { parseGemma3Config } from '../../../protocol/gemma3-config.ts';
import { Decoder } from '../decoder/decoder.ts';
import type { Graph } from '../decoder/graph-io.ts';
import { kernelText } from '../decoder/step/kernels.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Ort } from '../runtime/ort.ts';
import { createGpuSessions, type StepParts } from './gpu-sessions.ts';
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
const WITHOUT_STEP = 'proven without the decode step';
const place = (what: string) => new URL(`/proven?${encodeURIComponent(what)}`, self.origin);

/** What may be used on an adapter. */
export interface Proven {
  /** Our own decode step; where it alone is wrong, onnxruntime reads generated tokens, too. */
  ownStep: boolean;
}

/** Storage may be refused (private windows): the proof is then made again. */
const recall = (what: string): Promise<Proven | null> =>
  memory().then(
    async (cache) => {
      const found = await (await cache.match(place(what)))?.text();
      return found === undefined ? null : { ownStep: found === WHOLLY };
    },
    () => null,
  );
const remember = (what: string, { ownStep }: Proven): Promise<void> =>
  memory().then(
    (cache) => cache.put(place(what), new Response(ownStep ? WHOLLY : WITHOUT_STEP)),
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
  /** How far prompt and next token are off. */
  const read = async (session: Graph, step?: StepParts): Promise<[number, number]> => {
    const options = { capacity, staticCache: true, chunkSize: ids.length, device: gpu.device };
    const decoder = new Decoder(ort, { decoder: session }, config, options);
    if (step) decoder.stepWith(step.compiling);
    const prompt = await (await decoder.prefill({ ids, pictures: [] })).lastRows();
    const token = await (await decoder.step(next)).lastRows();
    decoder.dispose();
    return [distance(prompt, right[0]), distance(token, right[1])];
  };
  let off: [number, number];
  let ownStep = true;
  try {
    const { sessions, step } = await createGpuSessions({
      ...{ ort, device: gpu.device, config, stepCapacity: capacity },
      graphs: new Map([['model', graph]]),
      files: new Map([['model_q4.onnx_data', new Blob([data])]]),
      onCreated: () => undefined,
    });
    const session = sessions.model;
    if (!session || !step) throw new Error('the decode step does not understand its own proof');
    off = await read(session, step);
    if (!(off[1] <= TOLERANCE)) {
      ownStep = false;
      off = await read(session);
    }
    await session.release();
    step.weights.dispose();
  } catch (cause) {
    throw new EngineError('adapter-wrong', `${gpu.adapter}: ${String(cause)}`);
  }
  const worst = Math.max(...off);
  if (!(worst <= TOLERANCE))
    throw new EngineError('adapter-wrong', `${gpu.adapter}: logits are off by ${worst.toFixed(3)}`);
  return { ownStep };
}
