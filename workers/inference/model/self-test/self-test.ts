/**
 * Self-tests of an adapter: what it has to compute correctly before it is used, once for each browser. Our own kernels are
 * tested before they run a decoder, and onnxruntime's before they run a decoder or encode a picture, each when first needed.
 * Failures are recorded and reported, and the engine falls back to onnxruntime or the CPU.
 */
import { EngineError } from '../../../../protocol/engine.ts';
import { kernelText } from '../../backends/webgpu/kernels.ts';
import type { Gpu } from '../../backends/gpu/device.ts';
import type { Ort } from '../../backends/ort/ort.ts';
import { decoderError, encoderError, kernelsError } from './known-answers.ts';

const SELF_TESTS = { kernels: kernelsError, decoder: decoderError, encoder: encoderError };
/** A part of the engine with a self-test of its own. */
export type Part = keyof typeof SELF_TESTS;

/** Largest error relative to the largest value; kernels in float32 reach 1e-5. */
const TOLERANCE = 1e-3;

/** FNV-1a hash of our kernels. */
const kernelsHash = [...kernelText].reduce((hash, c) => Math.imul(hash ^ c.charCodeAt(0), 16777619) >>> 0, 2166136261);

/** Key of a verdict: a change of any of these needs a new test. */
const testKey = (part: Part, ort: Ort, gpu: Gpu): string =>
  [part, ort.env.versions.web, kernelsHash, navigator.userAgent, gpu.adapter, ...[...gpu.device.features].sort()].join(
    ' | ',
  );

const verdictCache = () => caches.open('fournil-self-tests');
const verdictUrl = (key: string) => new URL(`/self-test?${encodeURIComponent(key)}`, self.origin);
const PASSED = 'passed';
const FAILED = 'failed';
/** Verdicts of this worker's lifetime, since storage may be refused (private windows). */
const verdicts = new Map<string, boolean>();

/**
 * The verdict of an earlier self-test.
 * @param part what is tested
 * @param ort the runtime
 * @param gpu the adapter's device
 * @returns whether the adapter passed; null if it was not tested yet
 */
export async function recordedVerdict(part: Part, ort: Ort, gpu: Gpu): Promise<boolean | null> {
  const key = testKey(part, ort, gpu);
  const recent = verdicts.get(key);
  if (recent !== undefined) return recent;
  const stored = await verdictCache().then(
    async (cache) => (await cache.match(verdictUrl(key)))?.text(),
    () => undefined,
  );
  return stored === undefined ? null : stored === PASSED;
}

async function recordVerdict(part: Part, ort: Ort, gpu: Gpu, passed: boolean): Promise<void> {
  const key = testKey(part, ort, gpu);
  verdicts.set(key, passed);
  await verdictCache().then(
    (cache) => cache.put(verdictUrl(key), new Response(passed ? PASSED : FAILED)),
    () => undefined,
  );
}

/**
 * Runs a self-test, unless its verdict is recorded.
 * @param part what is tested
 * @param ort the runtime
 * @param gpu the adapter's device
 * @returns whether the adapter passed
 * @throws EngineError `network` if the test's model cannot be loaded
 */
export async function passesSelfTest(part: Part, ort: Ort, gpu: Gpu): Promise<boolean> {
  const recorded = await recordedVerdict(part, ort, gpu);
  if (recorded !== null) return recorded;
  let passed = false;
  try {
    const error = await SELF_TESTS[part](ort, gpu);
    passed = error <= TOLERANCE;
    if (!passed) console.warn(`${gpu.adapter}: ${part} failed its self-test with an error of ${error.toFixed(3)}`);
  } catch (cause) {
    if (cause instanceof EngineError && cause.code === 'network') throw cause;
    // The browser may refuse a kernel. The failure may be temporary, so it is not recorded.
    console.warn(`${gpu.adapter}: ${part} could not run its self-test:`, cause);
    return false;
  }
  await recordVerdict(part, ort, gpu, passed);
  return passed;
}

/**
 * Runs a self-test as `passesSelfTest`, and throws if the adapter fails it.
 * @param part what is tested
 * @param ort the runtime
 * @param gpu the adapter's device
 * @throws EngineError `adapter-wrong`, `network`
 */
export async function requireSelfTest(part: Part, ort: Ort, gpu: Gpu): Promise<void> {
  if (!(await passesSelfTest(part, ort, gpu))) throw new EngineError('adapter-wrong', `${gpu.adapter}: ${part}`);
}
