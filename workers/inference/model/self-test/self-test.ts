/**
 * What an adapter has to compute right before it is trusted with it, once for each browser: our own kernels before they
 * read tokens, onnxruntime's before it reads them or looks at a picture. Each is proven when it is first needed.
 */
import { EngineError } from '../../../../protocol/engine.ts';
import { kernelText } from '../../backends/webgpu/kernels.ts';
import type { Gpu } from '../../backends/gpu/device.ts';
import type { Ort } from '../../backends/ort/ort.ts';
import { decoderError, encoderError, kernelsError } from './known-answers.ts';

const SELF_TESTS = { kernels: kernelsError, decoder: decoderError, encoder: encoderError };
export type Part = keyof typeof SELF_TESTS;

/** Of the largest value; kernels in fp32 agree to 1e-5. */
const TOLERANCE = 1e-3;

/** FNV-1a of our kernels. */
const kernelsHash = [...kernelText].reduce((hash, c) => Math.imul(hash ^ c.charCodeAt(0), 16777619) >>> 0, 2166136261);

/** What was proven: a change in any of these asks for a new proof. */
const testKey = (part: Part, ort: Ort, gpu: Gpu): string =>
  [part, ort.env.versions.web, kernelsHash, navigator.userAgent, gpu.adapter, ...[...gpu.device.features].sort()].join(
    ' | ',
  );

const verdictCache = () => caches.open('fournil-self-tests');
const verdictUrl = (what: string) => new URL(`/self-test?${encodeURIComponent(what)}`, self.origin);
const PASSED = 'right';
const FAILED = 'wrong';
/** Storage may be refused (private windows): what was found holds while the worker lives. */
const verdicts = new Map<string, boolean>();

/** Whether an adapter computes a part right; null where that was not tried yet. */
export async function recordedVerdict(part: Part, ort: Ort, gpu: Gpu): Promise<boolean | null> {
  const what = testKey(part, ort, gpu);
  const known = verdicts.get(what);
  if (known !== undefined) return known;
  const kept = await verdictCache().then(
    async (cache) => (await cache.match(verdictUrl(what)))?.text(),
    () => undefined,
  );
  return kept === undefined ? null : kept === PASSED;
}

async function recordVerdict(part: Part, ort: Ort, gpu: Gpu, right: boolean): Promise<void> {
  const what = testKey(part, ort, gpu);
  verdicts.set(what, right);
  await verdictCache().then(
    (cache) => cache.put(verdictUrl(what), new Response(right ? PASSED : FAILED)),
    () => undefined,
  );
}

/** Whether an adapter computes a part right: tried once, and remembered. @throws EngineError `network` */
export async function passesSelfTest(part: Part, ort: Ort, gpu: Gpu): Promise<boolean> {
  const before = await recordedVerdict(part, ort, gpu);
  if (before !== null) return before;
  let right = false;
  try {
    const off = await SELF_TESTS[part](ort, gpu);
    right = off <= TOLERANCE;
    if (!right) console.warn(`${gpu.adapter}: ${part} off by ${off.toFixed(3)}`);
  } catch (cause) {
    if (cause instanceof EngineError && cause.code === 'network') throw cause;
    // The browser may refuse a kernel. What went wrong may be of the moment: it is not remembered.
    console.warn(`${gpu.adapter}: ${part} failed its self-test:`, cause);
    return false;
  }
  await recordVerdict(part, ort, gpu, right);
  return right;
}

/** @throws EngineError `adapter-wrong`, `network` */
export async function requireSelfTest(part: Part, ort: Ort, gpu: Gpu): Promise<void> {
  if (!(await passesSelfTest(part, ort, gpu))) throw new EngineError('adapter-wrong', `${gpu.adapter}: ${part}`);
}
