/** `window.engineBench`: the measurements, for the page itself, `npm run bench` and tests. */
import type { BenchJob, BenchMachine, BenchPage, GpuCounts } from '../../protocol/bench.ts';
import { withWorker } from './engine-worker.ts';
import { ordinaryIds, promptIds } from './prompts.ts';
import { ask, measureRound } from './round.ts';

interface MemoryMeasurement {
  measureUserAgentSpecificMemory?(): Promise<{ bytes: number }>;
}

/** How long the browser may take to measure the heap, ms. */
const HEAP_TIMEOUT_MS = 20_000;
const SHORT = 16;

async function machine(): Promise<BenchMachine> {
  const gpu = navigator.gpu as GPU | undefined;
  const info = (await gpu?.requestAdapter({ powerPreference: 'high-performance' }))?.info;
  return {
    browser: navigator.userAgent,
    adapter: info ? [info.vendor, info.architecture, info.device, info.description].filter(Boolean).join(' ') : null,
    cores: navigator.hardwareConcurrency,
    crossOriginIsolated: window.crossOriginIsolated,
  };
}

/**
 * Asking for the heap's size collects garbage and stops the worker, so it is asked once, when a prompt was answered.
 * WebAssembly memory never shrinks: what it took at most is in it.
 */
async function heap(job: BenchJob): Promise<number | null> {
  const measurable = performance as Performance & MemoryMeasurement;
  if (!window.crossOriginIsolated || !measurable.measureUserAgentSpecificMemory) return null;
  return withWorker(async (worker) => {
    const { vocabSize } = await worker.open(job);
    await worker.call('generate', ask(promptIds(SHORT, vocabSize), 3));
    // Browsers may wait for their next garbage collection, which can take long.
    const timeout = new Promise<null>((resolve) => setTimeout(() => resolve(null), HEAP_TIMEOUT_MS));
    return Promise.race([measurable.measureUserAgentSpecificMemory?.().then(({ bytes }) => bytes) ?? null, timeout]);
  });
}

const profile = (job: BenchJob) =>
  withWorker(async (worker) => {
    const { vocabSize } = await worker.open(job);
    const context = 128;
    const ids = promptIds(context, vocabSize);
    await worker.call('generate', ask(ids, 2));
    const { gpuTimes, countedTokens } = await worker.call('generate', ask(ids, 6, { timing: 'kernels' }));
    await worker.close();
    return gpuTimes && { context, tokens: countedTokens, entries: gpuTimes };
  });

const counts = (job: BenchJob) =>
  withWorker(async (worker) => {
    const { vocabSize } = await worker.open(job);
    const first = promptIds(16, vocabSize);
    const one = await worker.call('generate', ask(first, 6));
    const fresh = ordinaryIds(16, vocabSize, 1);
    const second = [...first, ...one.tokens, ...fresh];
    const two = await worker.call('generate', ask(second, 1, { clearCache: false }));
    await worker.close();
    const each = Object.entries(one.counts).map(([name, count]) => [name, count / one.countedTokens]);
    // The last generated token was never fed to the model, so it is not recomputed.
    return {
      perToken: Object.fromEntries(each) as GpuCounts,
      recomputedTokens: two.prefilledTokens - fresh.length - 1,
    };
  });

export const benchPage: BenchPage = { machine, round: measureRound, heap, profile, counts };

declare global {
  interface Window {
    engineBench: BenchPage;
  }
}
