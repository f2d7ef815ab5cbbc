/** What is proven of an adapter, and what is used of it where a part is wrong. */
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { DecodeStep } from '../decoder/step/decode-step.ts';
import { type Gpu, requestGpu } from '../gpu/device.ts';
import { loadOrt, type Ort } from '../runtime/ort.ts';
import { proveAdapter } from './proof.ts';

let ort: Ort;
let gpu: Gpu;
const forget = () => caches.delete('fournil-proven-adapters');

beforeAll(async () => {
  ort = await loadOrt('webgpu');
  gpu = await requestGpu();
  await forget();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await forget();
});
afterAll(() => {
  gpu.device.destroy();
});

it('is proven once: prompts by onnxruntime, generated tokens by our own step', { timeout: 60_000 }, async () => {
  const run = vi.spyOn(DecodeStep.prototype, 'run');
  expect(await proveAdapter(ort, gpu)).toEqual({ ownStep: true });
  expect(run).toHaveBeenCalledTimes(1);
  expect(await proveAdapter(ort, gpu)).toEqual({ ownStep: true });
  expect(run).toHaveBeenCalledTimes(1);
});

it('does without our own step where that alone is wrong, and remembers it', { timeout: 60_000 }, async () => {
  const wrong = gpu.device.createBuffer({ size: 4 * 2 ** 18, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const run = vi.spyOn(DecodeStep.prototype, 'run').mockReturnValue(wrong);
  expect(await proveAdapter(ort, gpu)).toEqual({ ownStep: false });
  expect(await proveAdapter(ort, gpu)).toEqual({ ownStep: false });
  expect(run).toHaveBeenCalledTimes(1);
  wrong.destroy();
});
