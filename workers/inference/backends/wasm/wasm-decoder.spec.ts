/** Our kernels give onnxruntime's logits in every situation, and leave the same cache behind. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gemma3Config, parseGemma3Config } from '../../../../protocol/gemma3-config.ts';
import { createCpuDecoder, createCpuSession } from '../ort/cpu/session.ts';
import { DATA_FILE, known, ort, selfTestModel } from '../ort/cpu/testing/self-test-model.ts';
import { OnnxGraph } from '../../onnx/graph.ts';
import { asPublicExport } from '../../onnx/testing/public-form.ts';
import { Decoder, type Prompt } from '../../cache/decoder.ts';
import type { Graph } from '../ort/graph-io.ts';
import { OrtBackend } from '../ort/ort-backend.ts';
import { matchDecoder } from '../../onnx/match-decoder.ts';
import type { PromptPicture } from '../../backend-interface/pictures.ts';
import { WasmBackend } from './wasm-backend.ts';
import { WasmDecoder } from './wasm-decoder.ts';

/** Sums are added in another order. */
const CLOSE = 2e-5;
const CAPACITY = 100;

interface Pieces {
  config: Gemma3Config;
  decoder: Uint8Array;
  embedTokens?: Uint8Array;
  files: Map<string, Uint8Array>;
}

const folder = new URL('../../../../public/models/built-in/', import.meta.url);
const read = async (name: string) => new Uint8Array(await readFile(new URL(name, folder)));

const selfTestPieces = async (): Promise<Pieces> => {
  const { graph, data } = await selfTestModel();
  return { config: parseGemma3Config(known.config), decoder: graph, files: new Map([[DATA_FILE, data]]) };
};

const MODELS: { name: string; lengths: number[]; pieces: () => Promise<Pieces> }[] = [
  {
    name: 'the self-test model, of one graph, with a window of 16',
    lengths: [1, 15, 16, 17, 31, 32, 33, 90],
    pieces: selfTestPieces,
  },
  {
    name: 'the self-test model in the form of public exports',
    lengths: [15, 40],
    pieces: async () => {
      const { decoder, files, ...rest } = await selfTestPieces();
      const graph = new OnnxGraph(decoder);
      asPublicExport(graph, files.get(DATA_FILE) ?? new Uint8Array());
      return { ...rest, decoder: graph.encode(), files };
    },
  },
  {
    name: 'the built-in model, with pictures',
    lengths: [40],
    pieces: async () => {
      const names = ['embed_tokens_q4.onnx_data', 'decoder_model_merged_q4.onnx_data'];
      const files = await Promise.all(names.map(async (name) => [name, await read(`onnx/${name}`)] as const));
      return {
        config: parseGemma3Config(JSON.parse(new TextDecoder().decode(await read('config.json')))),
        decoder: await read('onnx/decoder_model_merged_q4.onnx'),
        embedTokens: await read('onnx/embed_tokens_q4.onnx'),
        files: new Map(files),
      };
    },
  },
];

const difference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (b[i] ?? NaN))), 0);
const ids = (count: number, seed = 7) => Array.from({ length: count }, (_, i) => 10 + ((i * i * seed) % 300));
const text = (of: readonly number[]): Prompt => ({ ids: of, pictures: [] });

describe.each(MODELS)('$name', ({ lengths, pieces }) => {
  let config: Gemma3Config;
  let own: Decoder;
  let theirs: Decoder;
  const sessions: Graph[] = [];

  beforeAll(async () => {
    const { decoder, embedTokens, files, ...rest } = await pieces();
    config = rest.config;
    const graphs = [decoder, ...(embedTokens ? [embedTokens] : [])].map((bytes) => new OnnxGraph(bytes));
    const [graph, ...others] = graphs;
    const blobs = new Map([...files].map(([name, bytes]) => [name, new Blob([bytes as Uint8Array<ArrayBuffer>])]));
    const model = graph && (await matchDecoder(graph, others, config, blobs));
    if (!model) throw new Error('our kernels do not support the graph');
    const created = await WasmDecoder.create({
      model,
      config,
      files: blobs,
      cache: { capacity: CAPACITY, slack: 0 },
      threads: 1,
    });
    if (!created) throw new Error('no memory');
    const graphOf = async (session: Promise<Graph>) => {
      sessions.push(await session);
      return session;
    };
    const both = {
      decoder: await graphOf(createCpuDecoder(ort, decoder, files, Infinity)),
      ...(embedTokens ? { embedTokens: await graphOf(createCpuSession(ort, embedTokens, files)) } : {}),
    };
    const options = { capacity: CAPACITY, chunkSize: 20, prefixCacheBytes: 2 ** 24 };
    own = new Decoder(new WasmBackend(created, config, model.bidirectionalImages), options);
    theirs = new Decoder(new OrtBackend(ort, both, config, { capacity: CAPACITY, staticCache: true }), options);
  });

  afterAll(async () => {
    own.dispose();
    theirs.dispose();
    for (const session of sessions) await session.release();
  });

  const both = async (act: (decoder: Decoder) => Promise<{ lastRows(): Promise<Float32Array> }>) => {
    const a = await (await act(own)).lastRows();
    return difference(a, await (await act(theirs)).lastRows());
  };
  const restart = () => {
    own.clear();
    theirs.clear();
  };
  const steps = async () => {
    for (const id of [12, 250, 33]) expect(await both((decoder) => decoder.step(id))).toBeLessThan(CLOSE);
  };

  it.each(lengths)('a prompt of %d tokens, and some after it', async (length) => {
    restart();
    expect(await both((decoder) => decoder.prefill(text(ids(length))))).toBeLessThan(CLOSE);
    await steps();
  });

  it('up to the last token that there is room for, and goes back', async () => {
    restart();
    await both((decoder) => decoder.prefill(text(ids(97))));
    await steps();
    expect(own.length).toBe(own.capacity);
    const other = [...ids(60), 12, 250, 33, 5, 40, 7, 90];
    for (const decoder of [own, theirs]) expect(await decoder.reuse(text(other))).toBe(60);
    expect(await both((decoder) => decoder.prefill(text(other)))).toBeLessThan(CLOSE);
    await steps();
  });

  it('goes on with a text that another came between', async () => {
    restart();
    const [first, second] = [ids(50), ids(45, 11).map((id) => id + 1)];
    for (const prompt of [first, second, [...first, 9, 41, 7]])
      expect(
        await both(async (decoder) => {
          const kept = await decoder.reuse(text(prompt));
          expect(kept).toBe(prompt.length > 50 ? 50 : 0);
          return decoder.prefill(text(prompt));
        }),
      ).toBeLessThan(CLOSE);
    await steps();
  });

  it('gives logits of as many positions as are wanted', async () => {
    if (sessions.length > 1) return;
    restart();
    const rows = await own.forward(text(ids(40)), 40, 20);
    restart();
    for (let at = 1; at <= 40; at++) {
      const wanted = await theirs.forward(text(ids(40)), at, 1);
      const row = rows.subarray((at - 21) * wanted.length, (at - 20) * wanted.length);
      if (at > 20) expect(difference(row, wanted)).toBeLessThan(CLOSE);
    }
  });

  it('reads a picture, whose tokens see each other, and goes on after it', async () => {
    if (!config.vision || config.imageTokenId === null) return;
    restart();
    const { tokensPerImage } = config.vision;
    const features = Float32Array.from({ length: tokensPerImage * config.text.hiddenSize }, (_, i) => Math.sin(i));
    const picture: PromptPicture = { start: 12, length: tokensPerImage, features, key: 'a' };
    const image = new Array<number>(tokensPerImage).fill(config.imageTokenId);
    const prompt = { ids: [...ids(12), ...image, ...ids(9)], pictures: [picture] };
    expect(await both((decoder) => decoder.prefill(prompt))).toBeLessThan(CLOSE);
    await steps();
    const more = { ...prompt, ids: [...prompt.ids, 12, 250, 33, ...ids(10)] };
    for (const decoder of [own, theirs]) expect(await decoder.reuse(more)).toBe(prompt.ids.length + 3);
    expect(await both((decoder) => decoder.prefill(more))).toBeLessThan(CLOSE);
  });
});
