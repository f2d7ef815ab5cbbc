/** Weights whose bytes the browser cannot read, as on a failing disk: told as such, and not tried again in another form. */
import { expect, it, vi } from 'vitest';
import { parseGemma3Config } from '../../../protocol/gemma3-config.ts';
import { type Manifest } from '../../../protocol/manifest.ts';
import { requestGpu } from '../backends/gpu/device.ts';
import { loadOrt } from '../backends/ort/ort.ts';
import { createSessions } from './model-sessions.ts';
import known from './self-test/decoder/known-answer.json';
import graphUrl from './self-test/decoder/model_q4.onnx?url';
import dataUrl from './self-test/decoder/model_q4.onnx_data?url';

const GRAPH = 'onnx/model_q4.onnx';
const DATA = 'onnx/model_q4.onnx_data';
const blobOf = async (url: string) => (await fetch(url)).blob();

it.each(['webgpu', 'wasm'] as const)('are told as damaged, on %s', { timeout: 60_000 }, async (on) => {
  const data = await blobOf(dataUrl);
  const fails = () => Promise.reject(new DOMException('The requested file could not be read', 'NotReadableError'));
  const read = vi.fn(fails);
  Object.assign(data, { arrayBuffer: read, slice: () => data, stream: () => new ReadableStream({ start: read }) });
  const files = { [GRAPH]: await blobOf(graphUrl), [DATA]: data };
  const sessions = { q4: { model: { graph: GRAPH, data: [DATA] } } };
  const folder = {
    manifest: { sessions, cache: 'static' } as unknown as Manifest,
    json: () => Promise.resolve(undefined),
    text: () => Promise.resolve(undefined),
    blob: (path: string) => Promise.resolve(files[path as keyof typeof files]),
    derivedFiles: null,
  };
  const gpu = on === 'webgpu' ? await requestGpu() : null;
  const opening = createSessions(
    await loadOrt(on),
    folder,
    {
      dtype: 'q4',
      config: parseGemma3Config(known.config),
      cache: { capacity: 100, slack: 0 },
      chunkSize: 20,
      ownKernels: true,
    },
    gpu,
    () => undefined,
  );
  await expect(opening).rejects.toMatchObject({ code: 'model-damaged' });
  expect(read).toHaveBeenCalledOnce();
  gpu?.device.destroy();
});
