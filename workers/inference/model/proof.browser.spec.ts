/** What is proven of an adapter, and what is used of it where a part is wrong. */
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { KernelReader } from '../decoder/gpu-kernels/kernel-reader.ts';
import { Logits } from '../decoder/logits.ts';
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

it('is proven once, by our own kernels and by onnxruntime', { timeout: 60_000 }, async () => {
  const run = vi.spyOn(KernelReader.prototype, 'read');
  expect(await proveAdapter(ort, gpu)).toEqual({ ownKernels: true });
  expect(run).toHaveBeenCalledTimes(2);
  expect(await proveAdapter(ort, gpu)).toEqual({ ownKernels: true });
  expect(run).toHaveBeenCalledTimes(2);
});

it('does without our own kernels where they alone are wrong, and remembers it', { timeout: 60_000 }, async () => {
  const wrong = new Logits(new ort.Tensor('float32', new Float32Array(2 ** 12), [1, 1, 2 ** 12]), undefined);
  const run = vi.spyOn(KernelReader.prototype, 'read').mockResolvedValue(wrong);
  expect(await proveAdapter(ort, gpu)).toEqual({ ownKernels: false });
  expect(await proveAdapter(ort, gpu)).toEqual({ ownKernels: false });
  expect(run).toHaveBeenCalledTimes(2);
});
