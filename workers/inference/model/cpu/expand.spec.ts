/** On the tiny Gemma 3 that proves adapters: its logits are known. */
import { readFile } from 'node:fs/promises';
import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseGemma3Config } from '../../../../protocol/gemma3-config.ts';
import { Decoder } from '../../decoder/decoder.ts';
import known from '../proof/known-answer.json';
import { createCpuSession } from './cpu-session.ts';
import { type DataFiles, expandProducts, expansionBudget } from './expand.ts';
import { LazyBytes } from './lazy-bytes.ts';
import { OnnxGraph } from './onnx-graph.ts';

ort.env.wasm.numThreads = 1;

const proof = async (name: string) => new Uint8Array(await readFile(new URL(`../proof/${name}`, import.meta.url)));
const [kept = [], after = []] = known.logits;

let graph: Uint8Array;
let bytes: Uint8Array;
let files: DataFiles;
beforeAll(async () => {
  graph = await proof('model_q4.onnx');
  bytes = await proof('model_q4.onnx_data');
  files = new Map([['model_q4.onnx_data', bytes]]);
});

const operators = (model: Uint8Array, type: string) =>
  new OnnxGraph(model).nodes.filter(({ opType }) => opType === type).length;

/** How far the logits are from the known ones, after the prompt and after one more token. */
async function distance(session: ort.InferenceSession): Promise<number> {
  const decoder = new Decoder(ort, { decoder: session }, parseGemma3Config(known.config), {
    capacity: known.ids.length + 1,
    staticCache: true,
    chunkSize: 20,
  });
  const first = await (await decoder.prefill({ ids: known.ids, pictures: [] })).lastRows();
  const second = await (await decoder.step(known.next)).lastRows();
  await session.release();
  const differences = [...kept.map((x, i) => x - (first[i] ?? NaN)), ...after.map((x, i) => x - (second[i] ?? NaN))];
  return Math.max(...differences.map(Math.abs));
}

describe('expanding 4-bit products', () => {
  it('gives the logits of the 4-bit graph, with every product in fp32', async () => {
    const { graph: changed, expanded, left } = expandProducts(graph, files, Infinity);
    expect({ expanded, left }).toEqual({ expanded: operators(graph, 'MatMulNBits'), left: 0 });
    expect(operators(changed, 'MatMulNBits')).toBe(0);
    // The embedding's table stays as it is.
    expect(operators(changed, 'GatherBlockQuantized')).toBe(1);
    expect(await distance(await createCpuSession(ort, graph, files, Infinity))).toBeLessThan(1e-4);
  });

  it('expands what fits, and leaves the rest', async () => {
    const all = expandProducts(graph, files, Infinity);
    const size = [...all.data.values()].reduce((sum, data) => sum + data.byteLength, 0);
    const half = expandProducts(graph, files, size / 2);
    expect(half.expanded).toBeGreaterThan(0);
    expect(half.left).toBeGreaterThan(0);
    expect([...half.data.values()].reduce((sum, data) => sum + data.byteLength, 0)).toBeLessThanOrEqual(size / 2);
    expect(operators(half.graph, 'MatMulNBits')).toBe(half.left);
    expect(await distance(await createCpuSession(ort, graph, files, size / 2))).toBeLessThan(1e-4);
  });

  it('cuts large matrices into slices of rows', async () => {
    const whole = expandProducts(graph, files, Infinity);
    const sliced = expandProducts(graph, files, Infinity, 20_000);
    expect(sliced.data.size).toBeGreaterThan(whole.data.size);
    expect(Math.max(...[...sliced.data.values()].map((data) => data.byteLength))).toBeLessThanOrEqual(20_000);
    const session = await ort.InferenceSession.create(sliced.graph, {
      externalData: [...files, ...sliced.data].map(([path, data]) => ({ path, data })),
    });
    expect(await distance(session)).toBeLessThan(1e-4);
  });

  it('reads the files a tensor at a time', async () => {
    let largest = 0;
    const lazy = new LazyBytes(bytes.length, (start, end) => {
      largest = Math.max(largest, end - start);
      return bytes.slice(start, end);
    });
    const session = await createCpuSession(ort, graph, new Map([['model_q4.onnx_data', lazy]]), Infinity);
    expect(await distance(session)).toBeLessThan(1e-4);
    expect(largest).toBeGreaterThan(0);
    expect(largest).toBeLessThan(bytes.length / 2);
  });

  it('expands nothing where the memory is not there after all', async () => {
    const given: number[] = [];
    const create = ort.InferenceSession.create.bind(ort.InferenceSession);
    const short = {
      InferenceSession: {
        create: (model: Uint8Array, options: ort.InferenceSession.SessionOptions) => {
          given.push(operators(model, 'MatMulNBits'));
          return given.length === 1 ? Promise.reject(new Error('std::bad_alloc')) : create(model, options);
        },
      },
    } as unknown as typeof ort;
    expect(await distance(await createCpuSession(short, graph, files, Infinity))).toBeLessThan(1e-4);
    expect(given).toEqual([0, operators(graph, 'MatMulNBits')]);
  });

  it('says which file is missing', () => {
    const [slice] = expandProducts(graph, new Map(), Infinity).data.values();
    expect(() => slice?.subarray(0, 4)).toThrow('is in model_q4.onnx_data, which the model lacks');
  });
});

describe('expansionBudget', () => {
  it('is a quarter of the memory the browser tells of, 1 GiB where it does not, and never what WebAssembly cannot hold', () => {
    expect(expansionBudget(8)).toBe(2 * 1024 ** 3);
    expect(expansionBudget(undefined)).toBe(1024 ** 3);
    expect(expansionBudget(32)).toBe(2.5 * 1024 ** 3);
  });
});
