/**
 * What an adapter has to compute right before it is trusted with it, once for each browser: our own kernels before they
 * read tokens, onnxruntime's before it reads them or looks at a picture. Each is proven when it is first needed.
 */
import { EngineError } from '../../../../protocol/engine.ts';
import { kernelText } from '../../backends/webgpu/kernels.ts';
import type { Gpu } from '../../backends/webgpu/device.ts';
import type { Ort } from '../../backends/ort/ort.ts';
import { decoderIsOff, encoderIsOff, kernelsAreOff } from './known-answers.ts';

const PROOFS = { kernels: kernelsAreOff, decoder: decoderIsOff, encoder: encoderIsOff };
export type Part = keyof typeof PROOFS;

/** Of the largest value; kernels in fp32 agree to 1e-5. */
const TOLERANCE = 1e-3;

/** FNV-1a of our kernels. */
const kernelsHash = [...kernelText].reduce((hash, c) => Math.imul(hash ^ c.charCodeAt(0), 16777619) >>> 0, 2166136261);

/** What was proven: a change in any of these asks for a new proof. */
const subject = (part: Part, ort: Ort, gpu: Gpu): string =>
  [part, ort.env.versions.web, kernelsHash, navigator.userAgent, gpu.adapter, ...[...gpu.device.features].sort()].join(
    ' | ',
  );

const memory = () => caches.open('fournil-proven-adapters');
const place = (what: string) => new URL(`/proven?${encodeURIComponent(what)}`, self.origin);
const RIGHT = 'right';
const WRONG = 'wrong';
/** Storage may be refused (private windows): what was found holds while the worker lives. */
const found = new Map<string, boolean>();

/** Whether an adapter computes a part right; null where that was not tried yet. */
export async function recall(part: Part, ort: Ort, gpu: Gpu): Promise<boolean | null> {
  const what = subject(part, ort, gpu);
  const known = found.get(what);
  if (known !== undefined) return known;
  const kept = await memory().then(
    async (cache) => (await cache.match(place(what)))?.text(),
    () => undefined,
  );
  return kept === undefined ? null : kept === RIGHT;
}

async function remember(part: Part, ort: Ort, gpu: Gpu, right: boolean): Promise<void> {
  const what = subject(part, ort, gpu);
  found.set(what, right);
  await memory().then(
    (cache) => cache.put(place(what), new Response(right ? RIGHT : WRONG)),
    () => undefined,
  );
}

/** Whether an adapter computes a part right: tried once, and remembered. @throws EngineError `network` */
export async function isRight(part: Part, ort: Ort, gpu: Gpu): Promise<boolean> {
  const before = await recall(part, ort, gpu);
  if (before !== null) return before;
  let right = false;
  try {
    const off = await PROOFS[part](ort, gpu);
    right = off <= TOLERANCE;
    if (!right) console.warn(`${gpu.adapter}: ${part} off by ${off.toFixed(3)}`);
  } catch (cause) {
    if (cause instanceof EngineError && cause.code === 'network') throw cause;
    // The browser may refuse a kernel. What went wrong may be of the moment: it is not remembered.
    console.warn(`${gpu.adapter}: ${part} not proven:`, cause);
    return false;
  }
  await remember(part, ort, gpu, right);
  return right;
}

/** @throws EngineError `adapter-wrong`, `network` */
export async function requireRight(part: Part, ort: Ort, gpu: Gpu): Promise<void> {
  if (!(await isRight(part, ort, gpu))) throw new EngineError('adapter-wrong', `${gpu.adapter}: ${part}`);
}
