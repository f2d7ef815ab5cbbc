/** Expansion of the self-test model, whose logits are known. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createCpuSession } from './session.ts';
import { type DataFiles, expandProducts, expansionBudget } from './expand.ts';
import { OnnxGraph } from '../../../onnx/graph.ts';
import { DATA_FILE, distance, ort, selfTestModel } from './testing/self-test-model.ts';

let graph: Uint8Array;
let files: DataFiles;
beforeAll(async () => {
  const model = await selfTestModel();
  graph = model.graph;
  files = new Map([[DATA_FILE, model.data]]);
});

const operators = (model: OnnxGraph, type: string) => model.nodes.filter(({ opType }) => opType === type).length;
const sizeOf = (data: DataFiles) => [...data.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
const expand = (budget: number, ...slice: number[]) => {
  const changed = new OnnxGraph(graph);
  return { graph: changed, ...expandProducts(changed, files, budget, ...slice) };
};
const sessionOf = (changed: ReturnType<typeof expand>) =>
  createCpuSession(ort, changed.graph.encode(), new Map([...files, ...changed.data]));

describe('expanding 4-bit products', () => {
  it('gives the logits of the 4-bit graph, with every product in fp32', async () => {
    const all = expand(Infinity);
    expect(all).toMatchObject({ expanded: operators(new OnnxGraph(graph), 'MatMulNBits'), left: 0 });
    expect(operators(all.graph, 'MatMulNBits')).toBe(0);
    // The embedding's table stays as it is.
    expect(operators(all.graph, 'GatherBlockQuantized')).toBe(1);
    expect(await distance(await sessionOf(all))).toBeLessThan(1e-4);
  });

  it('expands what fits, and leaves the rest', async () => {
    const budget = sizeOf(expand(Infinity).data) / 2;
    const half = expand(budget);
    expect(half.expanded).toBeGreaterThan(0);
    expect(half.left).toBeGreaterThan(0);
    expect(sizeOf(half.data)).toBeLessThanOrEqual(budget);
    expect(operators(half.graph, 'MatMulNBits')).toBe(half.left);
    expect(await distance(await sessionOf(half))).toBeLessThan(1e-4);
  });

  it('cuts large matrices into slices of rows', async () => {
    const sliced = expand(Infinity, 20_000);
    expect(sliced.data.size).toBeGreaterThan(expand(Infinity).data.size);
    expect(Math.max(...[...sliced.data.values()].map((data) => data.byteLength))).toBeLessThanOrEqual(20_000);
    expect(await distance(await sessionOf(sliced))).toBeLessThan(1e-4);
  });

  it('cuts them also where they stay in 4 bits, for all or for some of their rows', async () => {
    const whole = sizeOf(expand(Infinity).data);
    for (const budget of [0, whole / 3]) {
      const sliced = expand(budget, 20_000);
      expect(sliced.left).toBeGreaterThan(operators(new OnnxGraph(graph), 'MatMulNBits') / 2);
      expect(operators(sliced.graph, 'MatMulNBits')).toBe(sliced.left);
      expect(await distance(await sessionOf(sliced))).toBeLessThan(1e-4);
    }
  });

  it('says which file is missing', () => {
    const [slice] = expandProducts(new OnnxGraph(graph), new Map(), Infinity).data.values();
    expect(() => slice?.subarray(0, 4)).toThrow('is in model_q4.onnx_data, which the model lacks');
  });
});

describe('expansionBudget', () => {
  it('is a quarter of the memory, and never what WebAssembly cannot hold', () => {
    expect(expansionBudget(4)).toBe(1024 ** 3);
    expect(expansionBudget(8)).toBe(2 * 1024 ** 3);
    expect(expansionBudget(32)).toBe(2 * 1024 ** 3);
  });
});
