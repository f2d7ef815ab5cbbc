/** Our own kernels give onnxruntime's logits, however the tokens are read. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gemma3Config, parseGemma3Config } from '../../../../protocol/gemma3-config.ts';
import type { SessionName } from '../../../../protocol/manifest.ts';
import { type Gpu, requestGpu } from '../gpu/device.ts';
import { openOnGpu, type GpuModel } from '../../model/gpu-model.ts';
import known from '../../model/self-test/decoder/known-answer.json';
import selfTestGraph from '../../model/self-test/decoder/model_q4.onnx?url';
import selfTestData from '../../model/self-test/decoder/model_q4.onnx_data?url';
import { loadOrt, type Ort } from '../ort/ort.ts';
import { Decoder } from '../../cache/decoder.ts';
import { OrtBackend } from '../ort/ort-backend.ts';
import type { PromptPicture } from '../../backend-interface/pictures.ts';

/** Sums are added in another order. */
const CLOSE = 2e-5;
const CAPACITY = 100;
const CHUNK = 20;
/** With the self-test model's window of 16, sliding-window layers have 40 rows. */
const SLACK = 24;

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
    name: 'the self-test model, of one graph, with a window of 16',
    lengths: [1, 15, 16, 31, 32, 33, 90],
    pieces: () =>
      Promise.resolve({
        config: known.config,
        graphs: { model: selfTestGraph },
        files: { 'model_q4.onnx_data': selfTestData },
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
  let opened: GpuModel;
  let own: Decoder;
  let theirs: Decoder;

  beforeAll(async () => {
    const { graphs, files, ...rest } = await pieces();
    config = parseGemma3Config(rest.config);
    const read = new Map<SessionName, Uint8Array>();
    for (const [name, url] of Object.entries(graphs)) read.set(name as SessionName, await bytes(url));
    const data = new Map<string, Blob>();
    for (const [name, url] of Object.entries(files)) data.set(name, new Blob([await bytes(url)]));
    opened = await openOnGpu({
      ...{ ort, device: gpu.device, config, graphs: read, files: data },
      kernels: { capacity: CAPACITY, chunkSize: CHUNK, slack: SLACK, besideSessions: true },
      onCreated: () => undefined,
    });
    const decoder = opened.sessions.model ?? opened.sessions.decoder_model_merged;
    if (!decoder || !opened.kernels) throw new Error('our kernels do not support the graph');
    const { embed_tokens } = opened.sessions;
    const decoders = { decoder, ...(embed_tokens ? { embedTokens: embed_tokens } : {}) };
    const backend = new OrtBackend(ort, decoders, config, {
      capacity: CAPACITY,
      staticCache: true,
      device: gpu.device,
    });
    const options = { capacity: CAPACITY, chunkSize: CHUNK, prefixCacheBytes: 2 ** 24 };
    [own, theirs] = [new Decoder(opened.kernels.backend, options), new Decoder(backend, options)];
  }, 60_000);

  afterAll(async () => {
    own.dispose();
    theirs.dispose();
    for (const session of Object.values(opened.sessions)) await session.release();
    opened.kernels?.weights.dispose();
  });

  const ids = (count: number) => Array.from({ length: count }, (_, i) => 10 + ((i * i * 7) % 300));
  const both = async (act: (decoder: Decoder) => Promise<{ lastRows(): Promise<Float32Array> }>) => {
    const a = await (await act(own)).lastRows();
    return difference(a, await (await act(theirs)).lastRows());
  };
  const start = async (length: number) => {
    for (const decoder of [own, theirs]) decoder.clear();
    return both((decoder) => decoder.prefill({ ids: ids(length), pictures: [] }));
  };

  it.each(lengths)('after a prompt of %d tokens', { timeout: 60_000 }, async (length) => {
    expect(await start(length)).toBeLessThan(CLOSE);
    for (const id of [12, 250, 33]) expect(await both((decoder) => decoder.step(id))).toBeLessThan(CLOSE);
  });

  it('up to the last token that there is room for, and after steps back', { timeout: 60_000 }, async () => {
    await start(97);
    for (const id of [12, 250, 33]) expect(await both((decoder) => decoder.step(id))).toBeLessThan(CLOSE);
    expect(own.length).toBe(own.capacity);
    await start(40);
    for (const id of [12, 250, 33]) await both((decoder) => decoder.step(id));
    const longer = [...ids(40), 12, 250, 33, 15, 16, 17, 18];
    for (const decoder of [own, theirs]) expect(await decoder.reuse({ ids: longer, pictures: [] })).toBe(43);
    expect(await both((decoder) => decoder.prefill({ ids: longer, pictures: [] }))).toBeLessThan(CLOSE);
  });

  it('goes back as far as sliding layers have kept what they need', { timeout: 60_000 }, async () => {
    await start(97);
    const edited = (from: number) => ({ ids: [...ids(from), 20, 21, 22], pictures: [] });
    for (const decoder of [own, theirs]) expect(await decoder.reuse(edited(90))).toBe(90);
    expect(await both((decoder) => decoder.prefill(edited(90)))).toBeLessThan(CLOSE);
    const overwritten = config.text.slidingWindow + SLACK < CAPACITY;
    expect(own.reusableLength(edited(60))).toBe(overwritten ? 0 : 60);
    expect(await own.reuse(edited(60))).toBe(overwritten ? 0 : 60);
    await theirs.reuse(edited(60));
    expect(await both((decoder) => decoder.prefill(edited(60)))).toBeLessThan(CLOSE);
  });

  it('restores the cache of a text that was left', { timeout: 60_000 }, async () => {
    await start(90);
    const other = { ids: Array.from({ length: 70 }, (_, i) => 30 + (i % 50)), pictures: [] };
    const more = { ids: [...ids(90), 40, 41], pictures: [] };
    for (const decoder of [own, theirs]) {
      await decoder.reuse(other);
      (await decoder.prefill(other)).dispose();
      expect(await decoder.reuse(more)).toBe(90);
    }
    expect(await both((decoder) => decoder.prefill(more))).toBeLessThan(CLOSE);
  });

  it('gives the logits of as many positions as are asked for', { timeout: 60_000 }, async () => {
    for (const decoder of [own, theirs]) decoder.clear();
    const prompt = { ids: ids(50), pictures: [] };
    // More than is read at once, and nothing of what comes before.
    expect(await own.forward(prompt, 10, 0)).toHaveLength(0);
    const rows = await own.forward(prompt, 50, 30);
    await theirs.forward(prompt, 10, 0);
    expect(difference(rows, await theirs.forward(prompt, 50, 30))).toBeLessThan(CLOSE);
    expect(rows).toHaveLength(30 * config.text.vocabSize);
  });

  it('lets the tokens of a picture see each other as the graph does', { timeout: 60_000 }, async () => {
    const { imageTokenId } = config;
    if (!config.vision || imageTokenId === null) return;
    const length = config.vision.tokensPerImage;
    const features = Float32Array.from({ length: length * config.text.hiddenSize }, (_, i) => Math.sin(i * i));
    const picture = (at: number): PromptPicture => ({ start: at, length, features, key: 'picture' });
    const pictures = [picture(7), picture(40)];
    const text = ids(85).map((id, i) =>
      pictures.some((p) => i >= p.start && i < p.start + length) ? imageTokenId : id,
    );
    for (const decoder of [own, theirs]) decoder.clear();
    expect(await both((decoder) => decoder.prefill({ ids: text, pictures }))).toBeLessThan(CLOSE);
    expect(await both((decoder) => decoder.step(12))).toBeLessThan(CLOSE);
  });

  it('reads an id that only the GPU knows', async () => {
    await start(20);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    const buffer = gpu.device.createBuffer({ size: 8, usage });
    gpu.device.queue.writeBuffer(buffer, 0, Uint32Array.of(77, 0));
    const fromBuffer = await (await own.step(buffer)).lastRows();
    own.stepBack();
    expect(difference(await (await own.step(77)).lastRows(), fromBuffer)).toBe(0);
    buffer.destroy();
  });
});
