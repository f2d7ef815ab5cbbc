/** What is tested of an adapter, and when. */
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { OrtBackend } from '../../backends/ort/ort-backend.ts';
import { WebGpuBackend } from '../../backends/webgpu/webgpu-backend.ts';
import { Logits } from '../../backend-interface/logits.ts';
import { type Gpu, requestGpu } from '../../backends/gpu/device.ts';
import { loadOrt, type Ort } from '../../backends/ort/ort.ts';
import { OrtEncoderSession } from '../../backends/ort/encoder-session.ts';
import { passesSelfTest, recordedVerdict, requireSelfTest } from './self-test.ts';

let ort: Ort;
let device: Gpu['device'];
const deleteVerdicts = () => caches.delete('fournil-self-tests');
let adapters = 0;
/** An adapter without any verdicts. */
const newAdapter = (): Gpu => ({ device, adapter: `adapter ${adapters++}`, shaderF16: false });

beforeAll(async () => {
  ort = await loadOrt('webgpu');
  ({ device } = await requestGpu());
  await deleteVerdicts();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await deleteVerdicts();
});
afterAll(() => {
  device.destroy();
});

it.each([
  ['kernels', WebGpuBackend.prototype, 'forward', 2],
  ['decoder', OrtBackend.prototype, 'forward', 2],
  ['encoder', OrtEncoderSession.prototype, 'run', 1],
] as const)('%s: tested once', { timeout: 60_000 }, async (part, prototype, method, runs) => {
  const gpu = newAdapter();
  const run = vi.spyOn(prototype as unknown as Record<string, () => unknown>, method);
  expect(await recordedVerdict(part, ort, gpu)).toBeNull();
  expect(await passesSelfTest(part, ort, gpu)).toBe(true);
  await requireSelfTest(part, ort, gpu);
  expect(run).toHaveBeenCalledTimes(runs);
  // For later visits.
  const stored = await (await caches.open('fournil-self-tests')).matchAll();
  expect(await Promise.all(stored.map((verdict) => verdict.text()))).toEqual(['passed']);
});

it('a part that fails is recorded, and the others are not affected', { timeout: 60_000 }, async () => {
  const gpu = newAdapter();
  const wrong = new Logits({
    rows: 1,
    vocabSize: 2 ** 12,
    type: 'float32',
    storage: { data: new Float32Array(2 ** 12) },
  });
  const run = vi.spyOn(WebGpuBackend.prototype, 'forward').mockResolvedValue(wrong);
  expect(await passesSelfTest('kernels', ort, gpu)).toBe(false);
  await expect(requireSelfTest('kernels', ort, gpu)).rejects.toMatchObject({ code: 'adapter-wrong' });
  expect(run).toHaveBeenCalledTimes(2);
  expect(await recordedVerdict('decoder', ort, gpu)).toBeNull();
});

it('an error during the test counts as a failure, and is not recorded', { timeout: 60_000 }, async () => {
  const gpu = newAdapter();
  const run = vi.spyOn(OrtEncoderSession.prototype, 'run').mockRejectedValue(new Error('out of memory'));
  expect(await passesSelfTest('encoder', ort, gpu)).toBe(false);
  run.mockRestore();
  expect(await passesSelfTest('encoder', ort, gpu)).toBe(true);
});
