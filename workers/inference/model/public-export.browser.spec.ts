/** An export in the form of the public ones, which says nothing of its cache: our step and a static cache, after a trial. */
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { parseGemma3Config } from '../../../protocol/gemma3-config.ts';
import { Decoder } from '../decoder/decoder.ts';
import { DecodeStep } from '../decoder/step/decode-step.ts';
import { type Gpu, requestGpu } from '../gpu/device.ts';
import { loadOrt, type Ort } from '../runtime/ort.ts';
import { createGpuSessions, type GpuSessions } from './gpu-sessions.ts';
import { OnnxGraph } from './onnx-graph.ts';
import known from './proof/known-answer.json';
import graphUrl from './proof/model_q4.onnx?url';
import dataUrl from './proof/model_q4.onnx_data?url';
import { asPublicExport } from './testing/public-form.ts';
import { agrees } from './trial.ts';

const config = parseGemma3Config(known.config);
const CAPACITY = 120;
const DATA_FILE = 'model_q4.onnx_data';
const read = async (url: string) => new Uint8Array(await (await fetch(url)).arrayBuffer());

let ort: Ort;
let gpu: Gpu;
let opened: GpuSessions;
/** The graph as it is, all positions' logits. */
let plain: GpuSessions;
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
  opened = await createGpuSessions({ ...options, stepCapacity: CAPACITY });
  plain = await createGpuSessions({ ...options, stepCapacity: null, asTheyAre: true });
  if (!opened.step) throw new Error('the graph is not understood');
  await opened.step.compiling;
  own = decoderOf(opened, true);
  own.stepWith(opened.step.compiling);
  theirs = decoderOf(plain, false);
}, 60_000);

afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(async () => {
  own.dispose();
  theirs.dispose();
  for (const { sessions, step } of [opened, plain]) {
    await sessions.model?.release();
    step?.weights.dispose();
  }
  gpu.device.destroy();
});

function decoderOf({ sessions }: GpuSessions, staticCache: boolean): Decoder {
  if (!sessions.model) throw new Error('no decoder');
  const options = { capacity: CAPACITY, staticCache, chunkSize: 50, device: gpu.device };
  return new Decoder(ort, { decoder: sessions.model }, config, options);
}
const ids = Array.from({ length: 90 }, (_, i) => 10 + ((i * i * 7) % 300));
const after = async (decoder: Decoder, length: number) => {
  decoder.clear();
  const rows = [await decoder.prefill({ ids: ids.slice(0, length), pictures: [] })];
  for (const id of [12, 250]) rows.push(await decoder.step(id));
  return rows;
};

it('is understood, and its step and last logits are those of the graph as it is', { timeout: 60_000 }, async () => {
  const run = vi.spyOn(DecodeStep.prototype, 'run');
  for (const length of [1, 20, 33, 90]) {
    const wanted = await after(theirs, length);
    for (const [i, logits] of (await after(own, length)).entries()) {
      // Without the change there would be one row for each position of the last chunk.
      expect(logits.onGpu?.first).toBe(0);
      const [a, b] = [await logits.lastRows(), await wanted[i]?.lastRows()];
      expect(Math.max(...a.map((value, at) => Math.abs(value - (b?.[at] ?? NaN))))).toBeLessThan(5e-5);
    }
  }
  expect(run).toHaveBeenCalledTimes(8);
});

it('is left to onnxruntime where our step gives something else', { timeout: 60_000 }, async () => {
  expect(await agrees(own, theirs)).toBe(true);
  const { run } = DecodeStep.prototype;
  // The step before this one's: right in form, wrong in content.
  vi.spyOn(DecodeStep.prototype, 'run').mockImplementation(function (this: DecodeStep, id, position) {
    return run.call(this, id, Math.max(0, position - 1));
  });
  expect(await agrees(own, theirs)).toBe(false);
});
