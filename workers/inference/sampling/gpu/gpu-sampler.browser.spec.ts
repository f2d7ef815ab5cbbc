/** The GPU's sampler chooses what the CPU's does: the same ids from the same logits, settings and seed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sampling } from '../../../../protocol/engine.ts';
import type { GpuLogits } from '../../decoder/logits.ts';
import { seededRandom } from '../random.ts';
import { Sampler } from '../sampler.ts';
import { compileSampler, GpuSamplers } from './gpu-sampler.ts';

const GEMMA: Sampling = { temperature: 1, top_k: 64, top_p: 0.95, min_p: 0, repetition_penalty: 1, seed: 7 };
const CASES: readonly (Partial<Sampling> & { name: string })[] = [
  { name: 'Gemma’s own settings' },
  { name: 'greedy', temperature: 0 },
  { name: 'cold', temperature: 0.3 },
  { name: 'hot', temperature: 3, top_k: 500, top_p: 1 },
  { name: 'top_k alone', top_k: 5, top_p: 1 },
  { name: 'top_k of one', top_k: 1 },
  { name: 'top_p that cuts many', top_k: 500, top_p: 0.5 },
  { name: 'min_p', min_p: 0.1 },
  { name: 'repetition penalty', repetition_penalty: 1.3 },
  { name: 'greedy with a repetition penalty', temperature: 0, repetition_penalty: 2 },
];
/** What stands before the logits in their buffer: the sampler looks at one position's among several. */
const BEFORE = 2;

let device: GPUDevice;
beforeAll(async () => {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error('this browser offers no GPU');
  device = await adapter.requestDevice();
});
afterAll(() => {
  device.destroy();
});

/** Sums of three uniform numbers; `coarse` ones tie. */
function makeLogits(random: () => number, vocabSize: number, coarse: boolean): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: vocabSize }, () => {
    const value = 10 * (random() + random() + random() - 1.5);
    return coarse ? Math.round(value * 4) / 4 : value;
  });
}

function upload(logits: Float32Array<ArrayBuffer>): GpuLogits {
  const size = (BEFORE + logits.length) * 4;
  const buffer = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(buffer, BEFORE * 4, logits);
  return { device, buffer, first: BEFORE, type: 'float32' };
}

describe.each([
  { vocabSize: 100, tokens: 20 },
  { vocabSize: 4096, tokens: 20 },
  { vocabSize: 262_208, tokens: 4 },
])('a vocabulary of $vocabSize', ({ vocabSize, tokens }) => {
  let samplers: GpuSamplers;
  beforeAll(async () => {
    samplers = new GpuSamplers(device, await compileSampler(device), vocabSize);
  });
  afterAll(() => {
    samplers.dispose();
  });

  it.each(CASES)('$name', async ({ name: _, ...changed }) => {
    const sampling = { ...GEMMA, ...changed };
    if (sampling.temperature > 0 && sampling.top_k >= vocabSize) {
      expect(samplers.can(sampling)).toBe(false);
      return;
    }
    expect(samplers.can(sampling)).toBe(true);
    const random = seededRandom(vocabSize);
    const onCpu = new Sampler(sampling);
    const onGpu = samplers.begin(sampling);
    const history = Array.from({ length: 50 }, (_, i) => (i * 7919) % vocabSize);
    const wanted: number[] = [];
    const chosen: (number | null)[] = [];
    for (let i = 0; i < tokens; i++) {
      // Where thousands tie, the GPU says that it cannot choose; that is another test.
      const logits = makeLogits(random, vocabSize, i % 3 === 0 && vocabSize <= 4096);
      const there = upload(logits);
      const id = onCpu.next(logits, history);
      chosen.push(await onGpu.next(there, history).id);
      there.buffer.destroy();
      wanted.push(id);
      history.push(id);
    }
    expect(chosen).toEqual(wanted);
  });

  it.each([1, 0])('logits that are no numbers are told, at temperature %d', async (temperature) => {
    const logits = new Float32Array(vocabSize);
    logits[vocabSize >> 1] = NaN;
    const there = upload(logits);
    const { id } = samplers.begin({ ...GEMMA, temperature }).next(there, []);
    await expect(id).rejects.toThrow('not finite');
    there.buffer.destroy();
  });
});

it('says when more scores tie than it can sort', async () => {
  const samplers = new GpuSamplers(device, await compileSampler(device), 4096);
  const there = upload(new Float32Array(4096).fill(1));
  expect(await samplers.begin(GEMMA).next(there, []).id).toBeNull();
  there.buffer.destroy();
  samplers.dispose();
});
