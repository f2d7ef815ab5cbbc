import { readFile } from 'node:fs/promises';
import protobuf from 'protobufjs/minimal.js';
import { describe, expect, it } from 'vitest';
import { ELEMENT, OnnxGraph } from './graph.ts';

const proof = async () =>
  new Uint8Array(await readFile(new URL('../model/self-test/decoder/model_q4.onnx', import.meta.url)));

describe('OnnxGraph', () => {
  it('writes back what it read: nothing is lost, known or not', async () => {
    const model = await proof();
    // A field of the model (metadata_props) that is never looked at.
    const more = protobuf.Writer.create()
      .raw(model)
      .uint32((14 << 3) | 2)
      .string('what the exporter says')
      .finish();
    const written = new OnnxGraph(more).encode();
    expect(written.length).toBe(more.length);
    expect(new TextDecoder().decode(written)).toContain('what the exporter says');
    expect(new OnnxGraph(written).encode()).toEqual(written);
    expect(new OnnxGraph(written).nodes).toEqual(new OnnxGraph(model).nodes);
  });

  it('reads its own nodes and tensors', async () => {
    const graph = new OnnxGraph(await proof());
    const old = graph.nodes.find(({ opType }) => opType === 'MatMulNBits');
    if (!old) throw new Error('no product');
    const node = {
      name: 'n',
      opType: 'FusedMatMul',
      domain: 'com.microsoft',
      inputs: ['x', 'w'],
      outputs: old.outputs,
      integers: new Map([
        ['transB', 1],
        ['axis', -1],
      ]),
    };
    const tensor = {
      name: 'w',
      dims: [262144, 640],
      dataType: ELEMENT.float32,
      data: { file: 'f', offset: 3_000_000_000, length: 671_088_640 },
    };
    graph.replace(old, [node]);
    graph.addTensor(tensor);
    const read = new OnnxGraph(graph.encode());
    expect(read.nodes.find(({ name }) => name === 'n')).toEqual(node);
    expect(read.tensor('w')).toEqual(tensor);
  });

  it('keeps a tensor that any node still reads', async () => {
    const graph = new OnnxGraph(await proof());
    const names = graph.nodes.flatMap(({ inputs }) => inputs).filter((name) => graph.tensor(name));
    const [product] = graph.nodes.filter(({ opType }) => opType === 'MatMulNBits');
    const own = product?.inputs.find((name) => graph.tensor(name));
    if (!product || !own) throw new Error('no product');
    graph.replace(product, []);
    graph.dropUnused(names);
    const read = new OnnxGraph(graph.encode());
    expect(read.tensor(own)).toBeUndefined();
    for (const { inputs } of read.nodes)
      for (const name of inputs) expect(read.tensor(name) !== undefined).toBe(graph.tensor(name) !== undefined);
  });

  it('refuses what is no protobuf', () => {
    expect(() => new OnnxGraph(Uint8Array.of(0x3a, 0xff, 0xff, 0x01))).toThrow();
  });
});
