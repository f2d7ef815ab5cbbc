/** A GPU that cannot bind a model's largest weight is told from one that can, before anything is computed wrongly. */
import { expect, it } from 'vitest';
import { parseGemma3Config } from '../../../protocol/gemma3-config.ts';
import { requestGpu } from '../backends/gpu/device.ts';
import { loadOrt } from '../backends/ort/ort.ts';
import { openOnGpu } from './gpu-model.ts';
import known from './self-test/decoder/known-answer.json';
import graphUrl from './self-test/decoder/model_q4.onnx?url';
import dataUrl from './self-test/decoder/model_q4.onnx_data?url';

it('is left to the CPU', async () => {
  const read = async (url: string) => new Uint8Array(await (await fetch(url)).arrayBuffer());
  const gpu = await requestGpu();
  const limits = { maxStorageBufferBindingSize: 16_000 };
  const device = new Proxy(gpu.device, {
    get: (target, name) => {
      const value: unknown = name === 'limits' ? limits : Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const opening = openOnGpu({
    ort: await loadOrt('webgpu'),
    device,
    config: parseGemma3Config(known.config),
    kernels: { capacity: 100, chunkSize: 20, slack: 0, besideSessions: false },
    graphs: new Map([['model', await read(graphUrl)]]),
    files: new Map([['model_q4.onnx_data', new Blob([await read(dataUrl)])]]),
    onCreated: () => undefined,
  });
  await expect(opening).rejects.toMatchObject({ code: 'no-webgpu' });
  gpu.device.destroy();
});
