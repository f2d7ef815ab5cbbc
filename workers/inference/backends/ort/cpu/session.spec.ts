/** The CPU's decoder as a whole: it answers as the graph it was made of. */
import { beforeAll, describe, expect, it } from 'vitest';
import { avoidTiles } from './attention.ts';
import { createCpuDecoder, createCpuSession } from './session.ts';
import { LazyBytes } from './lazy-bytes.ts';
import { OnnxGraph } from '../../../onnx/graph.ts';
import { asPublicExport } from '../../../onnx/testing/public-form.ts';
import { DATA_FILE, distance, known, ort, selfTestDecoder, selfTestModel } from './testing/self-test-model.ts';

let graph: Uint8Array;
let data: Uint8Array;
beforeAll(async () => {
  ({ graph, data } = await selfTestModel());
});
const files = () => new Map([[DATA_FILE, data]]);
const products = (model: Uint8Array) => new OnnxGraph(model).nodes.filter((n) => n.opType === 'MatMulNBits').length;

describe("the CPU's decoder", () => {
  it('gives the known logits, in chunks longer and shorter than its window', async () => {
    for (const chunk of [48, 20, 7, 1])
      expect(await distance(await createCpuDecoder(ort, graph, files(), Infinity), chunk)).toBeLessThan(1e-4);
  });

  it('gives new rows only, and wants no more of the past than it looks at', async () => {
    const session = await createCpuDecoder(ort, graph, files(), 0);
    const appended = session.outputNames.filter((name) => name.startsWith('present.'));
    expect(appended.length).toBeGreaterThan(0);
    for (const name of appended) expect(name).toMatch(/^present\.\d+\.(key|value)\.appended(\.\d+)?$/);
    expect(appended.some((name) => name.endsWith(`.appended.${known.config.sliding_window}`))).toBe(true);
    expect(appended.some((name) => name.endsWith('.appended'))).toBe(true);
    await session.release();
  });

  it('has no attention left in tiles', () => {
    const changed = new OnnxGraph(graph);
    avoidTiles(changed);
    const attentions = new OnnxGraph(changed.encode()).nodes.filter((node) => node.opType === 'GroupQueryAttention');
    expect(attentions.map(({ inputs }) => [inputs.length, inputs[11]])).toEqual([
      [12, 'sink.2'],
      [12, 'sink.2'],
    ]);
  });

  it('gives of an export in the public form the last logits, as the graph as it is does', async () => {
    const other = new OnnxGraph(graph);
    asPublicExport(other, data);
    const bytes = other.encode();
    const sessions = [
      await createCpuDecoder(ort, bytes, files(), Infinity),
      await createCpuSession(ort, bytes, files()),
    ];
    const rows: Float32Array[] = [];
    for (const session of sessions) {
      const decoder = selfTestDecoder(session);
      rows.push(await (await decoder.prefill({ ids: known.ids, pictures: [] })).lastRows());
      rows.push(await (await decoder.step(known.next)).lastRows());
      decoder.dispose();
    }
    const off = (a: number, b: number) =>
      Math.max(...(rows[a] ?? []).map((x, i) => Math.abs(x - (rows[b]?.[i] ?? NaN))));
    expect(off(0, 2)).toBeLessThan(1e-4);
    expect(off(1, 3)).toBeLessThan(1e-4);
    for (const [i, session] of sessions.entries()) {
      const decoder = selfTestDecoder(session);
      const logits = await decoder.prefill({ ids: [2, 3, 4], pictures: [] });
      // One position's, and all of them.
      await (i === 0
        ? expect(logits.lastRows(2)).rejects.toThrow()
        : expect(logits.lastRows(3)).resolves.toBeDefined());
      decoder.dispose();
      await session.release();
    }
  });

  it('reads the same after tokens were forgotten, windows included', async () => {
    const decoder = selfTestDecoder(await createCpuDecoder(ort, graph, files(), Infinity));
    const plain = selfTestDecoder(await createCpuSession(ort, graph, files()));
    const other = { ids: [...known.ids.slice(0, 25), 7, 9, 11], pictures: [] };
    const rows: Float32Array[] = [];
    for (const it of [decoder, plain]) {
      await it.prefill({ ids: known.ids, pictures: [] });
      expect(await it.reuse(other)).toBe(25);
      rows.push(await (await it.prefill(other)).lastRows());
    }
    const [mine = new Float32Array(1), theirs = new Float32Array(0)] = rows;
    expect(mine.length).toBe(theirs.length);
    expect(Math.max(...mine.map((x, i) => Math.abs(x - (theirs[i] ?? NaN))))).toBeLessThan(1e-4);
  });

  it('reads its files a tensor at a time', async () => {
    let largest = 0;
    const lazy = new LazyBytes(data.length, (start, end) => {
      largest = Math.max(largest, end - start);
      return data.slice(start, end);
    });
    const session = await createCpuDecoder(ort, graph, new Map([[DATA_FILE, lazy]]), Infinity);
    expect(await distance(session)).toBeLessThan(1e-4);
    expect(largest).toBeGreaterThan(0);
    expect(largest).toBeLessThan(data.length / 2);
  });

  /** A runtime that fails at first, and what it was given: the number of 4-bit products, and whether the cache is whole. */
  function failing(reason: string) {
    const given: { products: number; whole: boolean }[] = [];
    const create = ort.InferenceSession.create.bind(ort.InferenceSession);
    const runtime = {
      InferenceSession: {
        create: (model: Uint8Array, options: object) => {
          given.push({ products: products(model), whole: new OnnxGraph(model).output('present.0.key') !== undefined });
          return given.length === 1 ? Promise.reject(new Error(reason)) : create(model, options);
        },
      },
    } as unknown as typeof ort;
    return { runtime, given };
  }

  it('expands nothing where the memory is not there after all', async () => {
    const { runtime, given } = failing('std::bad_alloc');
    expect(await distance(await createCpuDecoder(runtime, graph, files(), Infinity))).toBeLessThan(1e-4);
    expect(given).toEqual([
      { products: 0, whole: false },
      { products: products(graph), whole: false },
    ]);
  });

  it('takes the graph as it is where the changed one is refused', async () => {
    const { runtime, given } = failing('Could not find an implementation for FusedMatMul');
    expect(await distance(await createCpuDecoder(runtime, graph, files(), Infinity))).toBeLessThan(1e-4);
    expect(given).toEqual([
      { products: 0, whole: false },
      { products: products(graph), whole: true },
    ]);
  });
});
