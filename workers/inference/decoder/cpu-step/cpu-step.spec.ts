/** Our own step gives onnxruntime's logits, whatever it follows, and leaves the same cache behind. */
import { beforeAll, describe, expect, it } from 'vitest';
import { parseGemma3Config } from '../../../../protocol/gemma3-config.ts';
import { createCpuDecoder } from '../../model/cpu/cpu-session.ts';
import { DATA_FILE, known, ort, proofModel } from '../../model/cpu/testing/proof-model.ts';
import { OnnxGraph } from '../../model/onnx-graph.ts';
import { Decoder } from '../decoder.ts';
import { readStepModel } from '../step/step-model.ts';
import { CpuStep } from './cpu-step.ts';

/** Sums are added in another order. */
const CLOSE = 2e-5;
const CAPACITY = 100;

const config = parseGemma3Config(known.config);
let own: Decoder;
let theirs: Decoder;

beforeAll(async () => {
  const { graph, data } = await proofModel();
  const model = readStepModel(new OnnxGraph(graph), [], config);
  if (!model) throw new Error('the step does not understand the graph');
  const files = new Map([[DATA_FILE, new Blob([data as Uint8Array<ArrayBuffer>])]]);
  const step = await CpuStep.create({ model, config, files, capacity: CAPACITY, threads: 1 });
  if (!step) throw new Error('no memory');
  const session = await createCpuDecoder(ort, graph, new Map([[DATA_FILE, data]]), Infinity);
  const options = { capacity: CAPACITY, staticCache: true, chunkSize: 20, parkingBytes: 2 ** 24 };
  own = new Decoder(ort, { decoder: session }, config, { ...options, cpuStep: step });
  theirs = new Decoder(ort, { decoder: session }, config, options);
});

const difference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (b[i] ?? NaN))), 0);
const ids = (count: number, seed = 7) => Array.from({ length: count }, (_, i) => 10 + ((i * i * seed) % 300));
const both = async (act: (decoder: Decoder) => Promise<{ lastRows(): Promise<Float32Array> }>) => {
  const a = await (await act(own)).lastRows();
  return difference(a, await (await act(theirs)).lastRows());
};
const restart = async (length: number) => {
  for (const decoder of [own, theirs]) {
    decoder.clear();
    await decoder.prefill({ ids: ids(length), pictures: [] });
  }
};

describe('a generated token', () => {
  it.each([1, 15, 16, 17, 31, 32, 33, 90])('after a prompt of %d tokens', async (length) => {
    await restart(length);
    for (const id of [12, 250, 33]) expect(await both((decoder) => decoder.step(id))).toBeLessThan(CLOSE);
  });
});
