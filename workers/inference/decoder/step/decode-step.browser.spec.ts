/** Our own decode step gives onnxruntime's logits, whatever it follows, and leaves the same cache behind. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gemma3Config, parseGemma3Config } from '../../../../protocol/gemma3-config.ts';
import type { SessionName } from '../../../../protocol/manifest.ts';
import { type Gpu, requestGpu } from '../../gpu/device.ts';
import { createGpuSessions, type GpuSessions } from '../../model/gpu-sessions.ts';
import known from '../../model/proof/known-answer.json';
import proofGraph from '../../model/proof/model_q4.onnx?url';
import proofData from '../../model/proof/model_q4.onnx_data?url';
import { loadOrt, type Ort } from '../../runtime/ort.ts';
import { Decoder } from '../decoder.ts';

/** Sums are added in another order. */
const CLOSE = 2e-5;
const CAPACITY = 100;

let ort: Ort;
let gpu: Gpu;
beforeAll(async () => {
  ort = await loadOrt('webgpu');
  gpu = await requestGpu();
});
afterAll(() => {
  gpu.device.destroy();
});

const bytes = async (url: string) => new Uint8Array(await (await fetch(url)).arrayBuffer());

interface Pieces {
  config: unknown;
  graphs: Partial<Record<SessionName, string>>;
  files: Record<string, string>;
}

const BUILT_IN = '/models/built-in/onnx';
const MODELS: { name: string; lengths: number[]; pieces: () => Promise<Pieces> }[] = [
  {
    name: 'the proof, of one graph, with a window of 16',
    lengths: [1, 15, 16, 31, 32, 33, 90],
    pieces: () =>
      Promise.resolve({
        config: known.config,
        graphs: { model: proofGraph },
        files: { 'model_q4.onnx_data': proofData },
      }),
  },
  {
    name: 'the built-in model, with pictures',
    lengths: [40],
    pieces: async () => ({
      config: await (await fetch('/models/built-in/config.json')).json(),
      graphs: {
        embed_tokens: `${BUILT_IN}/embed_tokens_q4.onnx`,
        decoder_model_merged: `${BUILT_IN}/decoder_model_merged_q4.onnx`,
      },
      files: {
        'embed_tokens_q4.onnx_data': `${BUILT_IN}/embed_tokens_q4.onnx_data`,
        'decoder_model_merged_q4.onnx_data': `${BUILT_IN}/decoder_model_merged_q4.onnx_data`,
      },
    }),
  },
];

const difference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (b[i] ?? NaN))), 0);

describe.each(MODELS)('$name', ({ lengths, pieces }) => {
  let config: Gemma3Config;
  let opened: GpuSessions;
  let own: Decoder;
  let theirs: Decoder;

  beforeAll(async () => {
    const { graphs, files, ...rest } = await pieces();
    config = parseGemma3Config(rest.config);
    const read = new Map<SessionName, Uint8Array>();
    for (const [name, url] of Object.entries(graphs)) read.set(name as SessionName, await bytes(url));
    const data = new Map<string, Blob>();
    for (const [name, url] of Object.entries(files)) data.set(name, new Blob([await bytes(url)]));
    opened = await createGpuSessions({
      ...{ ort, device: gpu.device, config, stepCapacity: CAPACITY, graphs: read, files: data },
      onCreated: () => undefined,
    });
    const decoder = opened.sessions.model ?? opened.sessions.decoder_model_merged;
    if (!decoder || !opened.step) throw new Error('the decode step does not understand the graph');
    const { embed_tokens } = opened.sessions;
    const sessions = { decoder, ...(embed_tokens ? { embedTokens: embed_tokens } : {}) };
    const options = { capacity: CAPACITY, staticCache: true, chunkSize: 20, device: gpu.device };
    const make = () => new Decoder(ort, sessions, config, options);
    [own, theirs] = [make(), make()];
    // Refused kernels would be onnxruntime's, and agree with it.
    await opened.step.compiling;
    own.stepWith(opened.step.compiling);
  }, 60_000);

  afterAll(async () => {
    own.dispose();
    theirs.dispose();
    for (const session of Object.values(opened.sessions)) await session.release();
    opened.step?.weights.dispose();
  });

  const ids = (count: number) => Array.from({ length: count }, (_, i) => 10 + ((i * i * 7) % 300));
  const both = async (act: (decoder: Decoder) => Promise<{ lastRows(): Promise<Float32Array> }>) => {
    const a = await (await act(own)).lastRows();
    return difference(a, await (await act(theirs)).lastRows());
  };
  const restart = async (length: number) => {
    for (const decoder of [own, theirs]) {
      decoder.clear();
      (await decoder.prefill({ ids: ids(length), pictures: [] })).dispose();
    }
  };

  it.each(lengths)('after a prompt of %d tokens', { timeout: 60_000 }, async (length) => {
    await restart(length);
    for (const id of [12, 250, 33]) expect(await both((decoder) => decoder.step(id))).toBeLessThan(CLOSE);
  });

  it(
    'up to the last token that there is room for, and a prompt is read over what it left',
    { timeout: 60_000 },
    async () => {
      await restart(97);
      for (const id of [12, 250, 33]) expect(await both((decoder) => decoder.step(id))).toBeLessThan(CLOSE);
      expect(own.length).toBe(own.capacity);
      // Steps back, and onnxruntime reads on where our kernels wrote.
      await restart(40);
      for (const id of [12, 250, 33]) await both((decoder) => decoder.step(id));
      const longer = [...ids(40), 12, 250, 33, 5, 6, 7, 8];
      for (const decoder of [own, theirs]) expect(await decoder.reuse({ ids: longer, pictures: [] })).toBe(43);
      expect(await both((decoder) => decoder.prefill({ ids: longer, pictures: [] }))).toBeLessThan(CLOSE);
    },
  );

  it('reads an id that only the GPU knows', async () => {
    await restart(20);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    const buffer = gpu.device.createBuffer({ size: 8, usage });
    gpu.device.queue.writeBuffer(buffer, 0, Uint32Array.of(77, 0));
    const fromBuffer = await (await own.step(buffer)).lastRows();
    own.stepBack();
    expect(difference(await (await own.step(77)).lastRows(), fromBuffer)).toBe(0);
    buffer.destroy();
  });
});
