/** An export in the form of the public ones, which our kernels run after an equivalence check. */
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { parseGemma3Config } from '../../../protocol/gemma3-config.ts';
import { Decoder } from '../cache/decoder.ts';
import { OrtBackend } from '../backends/ort/ort-backend.ts';
import { WebGpuBackend } from '../backends/webgpu/webgpu-backend.ts';
import { type Gpu, requestGpu } from '../backends/gpu/device.ts';
import { loadOrt, type Ort } from '../backends/ort/ort.ts';
import { openOnGpu, type GpuModel } from './gpu-model.ts';
import { OnnxGraph } from '../onnx/graph.ts';
import known from './self-test/decoder/known-answer.json';
import graphUrl from './self-test/decoder/model_q4.onnx?url';
import dataUrl from './self-test/decoder/model_q4.onnx_data?url';
import { asPublicExport } from '../onnx/testing/public-form.ts';
import { checkEquivalence } from './equivalence-check.ts';

const config = parseGemma3Config(known.config);
const CAPACITY = 120;
const CHUNK = 50;
const decoderOptions = { capacity: CAPACITY, chunkSize: CHUNK };
const DATA_FILE = 'model_q4.onnx_data';
const read = async (url: string) => new Uint8Array(await (await fetch(url)).arrayBuffer());

let ort: Ort;
let gpu: Gpu;
let opened: GpuModel;
/** The graph as it is, all positions' logits. */
let plain: GpuModel;
let own: Decoder;
let theirs: Decoder;

beforeAll(async () => {
  ort = await loadOrt('webgpu');
  gpu = await requestGpu();
  const data = await read(dataUrl);
  const graph = new OnnxGraph(await read(graphUrl));
  asPublicExport(graph, data);
  const options = {
    ...{ ort, device: gpu.device, config },
    graphs: new Map([['model', graph.encode()] as const]),
    files: new Map([[DATA_FILE, new Blob([data])]]),
    onCreated: () => undefined,
  };
  opened = await openOnGpu({
    ...options,
    kernels: { capacity: CAPACITY, chunkSize: CHUNK, slack: 0, besideSessions: false },
  });
  plain = await openOnGpu({ ...options, kernels: null, unchanged: true });
  if (!opened.kernels || !plain.sessions.model) throw new Error('the graph is not understood');
  own = new Decoder(opened.kernels.backend, decoderOptions);
  const graph_ = { decoder: plain.sessions.model };
  const growing = { capacity: CAPACITY, staticCache: false, device: gpu.device };
  theirs = new Decoder(new OrtBackend(ort, graph_, config, growing), decoderOptions);
}, 60_000);

afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(async () => {
  own.dispose();
  theirs.dispose();
  await plain.sessions.model?.release();
  opened.kernels?.weights.dispose();
  gpu.device.destroy();
});

const ids = Array.from({ length: 90 }, (_, i) => 10 + ((i * i * 7) % 300));
const after = async (decoder: Decoder, length: number) => {
  decoder.clear();
  const rows = [await (await decoder.prefill({ ids: ids.slice(0, length), pictures: [] })).lastRows()];
  for (const id of [12, 250]) rows.push(await (await decoder.step(id)).lastRows());
  return rows;
};

it('runs on our kernels, without a session of its own', { timeout: 60_000 }, async () => {
  expect(opened.sessions).toEqual({});
  for (const length of [1, 20, 33, 90]) {
    const wanted = await after(theirs, length);
    for (const [i, row] of (await after(own, length)).entries())
      expect(Math.max(...row.map((value, at) => Math.abs(value - (wanted[i]?.[at] ?? NaN))))).toBeLessThan(5e-5);
  }
});

it('fails the equivalence check where our kernels give something else', { timeout: 60_000 }, async () => {
  expect(await checkEquivalence(own, theirs)).toBe(true);
  const { forward } = WebGpuBackend.prototype;
  // The id after the right one: right in form, wrong in content.
  vi.spyOn(WebGpuBackend.prototype, 'forward').mockImplementation(function (this: WebGpuBackend, tokens, keep) {
    const ids = 'usage' in tokens.ids ? tokens.ids : tokens.ids.map((id) => id + 1);
    return forward.call(this, { ...tokens, ids }, keep);
  });
  expect(await checkEquivalence(own, theirs)).toBe(false);
});
