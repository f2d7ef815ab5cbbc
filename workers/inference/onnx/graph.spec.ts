import { readFile } from 'node:fs/promises';
import protobuf from 'protobufjs/minimal.js';
import { describe, expect, it } from 'vitest';
import { ELEMENT, intAttribute, intAttributes, type OnnxAttribute, OnnxGraph, type OnnxNode } from './graph.ts';

const { Writer } = protobuf;
const VARINT = 0;
const BYTES = 2;
const FIXED32 = 5;
type Message = Uint8Array;
/** One field of a message: bytes and strings are length-delimited, integers are varints. */
const field = (number: number, value: Message | string | number): Message => {
  const writer = Writer.create().uint32((number << 3) | (typeof value === 'number' ? VARINT : BYTES));
  if (typeof value === 'number') writer.int64(value);
  else if (typeof value === 'string') writer.string(value);
  else writer.bytes(value);
  return Uint8Array.from(writer.finish());
};
const fixed32 = (number: number, value: number): Message =>
  Uint8Array.from(
    Writer.create()
      .uint32((number << 3) | FIXED32)
      .float(value)
      .finish(),
  );
const message = (...parts: readonly Message[]): Message => Uint8Array.from(parts.flatMap((part) => [...part]));
/** A model of one graph of these fields (onnx.proto: GraphProto's node is 1, initializer 5, input 11, output 12). */
const modelOf = (...graph: readonly Message[]): Message => field(7, message(...graph));
const nodeOf = (...fields: readonly Message[]): Message => field(1, message(...fields));

/** A Uint8Array in place of Node's Buffer. */
const encoded = (graph: OnnxGraph): Message => Uint8Array.from(graph.encode());

const selfTest = async () =>
  new Uint8Array(await readFile(new URL('../model/self-test/decoder/model_q4.onnx', import.meta.url)));
const node = (change: Partial<OnnxNode>): OnnxNode => ({
  ...{ name: 'n', opType: 'Op', domain: '', inputs: ['x'], outputs: ['y'], attributes: new Map() },
  ...change,
});

describe('OnnxGraph', () => {
  it('writes back what it read, known or not', async () => {
    const model = await selfTest();
    // metadata_props of the model is never decoded.
    const more = message(model, field(14, 'what the exporter says'));
    const written = encoded(new OnnxGraph(more));
    expect(written.length).toBe(more.length);
    expect(new TextDecoder().decode(written)).toContain('what the exporter says');
    expect(encoded(new OnnxGraph(written))).toEqual(written);
    expect(new OnnxGraph(written).nodes).toEqual(new OnnxGraph(model).nodes);
  });

  it('reads the nodes and tensors that it wrote', async () => {
    const graph = new OnnxGraph(await selfTest());
    const old = graph.nodes.find(({ opType }) => opType === 'MatMulNBits');
    if (!old) throw new Error('no product');
    const attributes = new Map<string, OnnxAttribute>([
      ...intAttributes({ transB: 1, axis: -1, large: -(2 ** 40) }),
      ['epsilon', { type: 'float', value: Math.fround(1e-6) }],
      ['approximate', { type: 'string', value: 'tanh' }],
    ]);
    const made = node({ opType: 'FusedMatMul', domain: 'com.microsoft', inputs: ['x', '', 'w'], attributes });
    const tensor = {
      name: 'w',
      dims: [262144, 640],
      dataType: ELEMENT.float32,
      data: { file: 'f', offset: 3_000_000_000, length: 671_088_640 },
    };
    graph.replace(old, [made]);
    graph.addTensor(tensor);
    graph.addTensor({ ...tensor, name: 'rest', data: { file: 'f', offset: 0, length: undefined } });
    graph.addTensor({ ...tensor, name: 'inside', dims: [2], data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) });
    const read = new OnnxGraph(encoded(graph));
    expect(read.nodes.find(({ name }) => name === 'n')).toEqual(made);
    expect(read.nodes).toHaveLength(graph.nodes.length);
    expect(read.tensor('w')).toEqual(tensor);
    expect(read.tensor('rest')?.data).toEqual({ file: 'f', offset: 0, length: undefined });
    expect(read.tensor('inside')?.data).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    expect(read.initialisers.map(({ name }) => name)).toEqual(graph.initialisers.map(({ name }) => name));
  });

  it('keeps the order of nodes when one becomes several, none, or is followed by others', () => {
    const names = ['a', 'b', 'c'];
    const graph = new OnnxGraph(modelOf(...names.map((name) => nodeOf(field(3, name)))));
    const [a, b] = graph.nodes;
    if (!a || !b) throw new Error('no nodes');
    graph.replace(b, [node({ name: 'b1' }), node({ name: 'b2' })]);
    graph.replace(a, []);
    graph.append([node({ name: 'last' })]);
    expect(new OnnxGraph(encoded(graph)).nodes.map(({ name }) => name)).toEqual(['b1', 'b2', 'c', 'last']);
  });

  it('gives a node other inputs and leaves its other fields as they are', () => {
    const floats = field(5, message(field(1, 'scales'), fixed32(7, 0.5), field(20, 6)));
    const rest = message(field(2, 'y'), field(4, 'Op'), floats, field(6, 'a doc string'));
    const graph = new OnnxGraph(modelOf(nodeOf(field(1, 'x'), rest), nodeOf(field(1, 'x'), field(4, 'Other'))));
    const [first] = graph.nodes;
    if (!first) throw new Error('no node');
    graph.rewire(first, ['p', 'q']);
    expect(graph.nodes.map(({ inputs }) => inputs)).toEqual([['p', 'q'], ['x']]);
    expect(encoded(graph)).toEqual(
      modelOf(nodeOf(field(1, 'p'), field(1, 'q'), rest), nodeOf(field(1, 'x'), field(4, 'Other'))),
    );
  });

  it('keeps a tensor that any node still reads', async () => {
    const graph = new OnnxGraph(await selfTest());
    const names = graph.nodes.flatMap(({ inputs }) => inputs).filter((name) => graph.tensor(name));
    const [product] = graph.nodes.filter(({ opType }) => opType === 'MatMulNBits');
    const own = product?.inputs.find((name) => graph.tensor(name));
    if (!product || !own) throw new Error('no product');
    graph.replace(product, []);
    graph.dropUnused(names);
    const read = new OnnxGraph(encoded(graph));
    expect(read.tensor(own)).toBeUndefined();
    for (const { inputs } of read.nodes)
      for (const name of inputs) expect(read.tensor(name) !== undefined).toBe(graph.tensor(name) !== undefined);
  });

  it('drops only tensors that are named and unused, also by graphs inside nodes', () => {
    const branch = field(6, message(nodeOf(field(1, 'inner'), field(2, 'z'))));
    const outer = nodeOf(field(1, 'used'), field(3, 'if'), field(5, message(field(1, 'then_branch'), branch)));
    const initialiser = (name: string) => field(5, message(field(1, 1), field(2, 1), field(8, name)));
    const graph = new OnnxGraph(modelOf(outer, ...['used', 'inner', 'unused', 'unnamed'].map(initialiser)));
    graph.dropUnused(['used', 'inner', 'unused']);
    expect(graph.initialisers.map(({ name }) => name)).toEqual(['used', 'inner', 'unnamed']);
    expect(graph.readInside('inner').map(({ name }) => name)).toEqual(['if']);
    expect(graph.readInside('used')).toEqual([]);
  });

  it('makes an initialiser an input, and adds and removes inputs and outputs', () => {
    const graph = new OnnxGraph(modelOf());
    const value = { name: 'v', dataType: ELEMENT.float16, dims: [1, 'tokens', 640] };
    graph.addInput(value);
    graph.addOutput({ ...value, name: 'out' });
    graph.addTensor({ name: 'w', dims: [3], dataType: ELEMENT.float32, data: new Uint8Array(12) });
    graph.makeInput({ name: 'w', dims: [3], dataType: ELEMENT.float32, data: null });
    let read = new OnnxGraph(encoded(graph));
    expect(read.input('v')).toEqual(value);
    expect(read.output('out')).toEqual({ ...value, name: 'out' });
    expect(read.output('v')).toBeUndefined();
    expect(read.input('w')).toEqual({ name: 'w', dims: [3], dataType: ELEMENT.float32 });
    expect(read.tensor('w')).toBeUndefined();
    graph.dropInput('v');
    graph.dropOutput('out');
    read = new OnnxGraph(encoded(graph));
    expect(read.input('v')).toBeUndefined();
    expect(read.output('out')).toBeUndefined();
    expect(read.input('w')).toBeDefined();
  });

  it('refuses bytes that are not protobuf', () => {
    expect(() => new OnnxGraph(Uint8Array.of(0x3a, 0xff, 0xff, 0x01))).toThrow();
  });
});

describe('attributes', () => {
  const attributesOf = (...attributes: readonly Message[]) =>
    new OnnxGraph(modelOf(nodeOf(...attributes.map((attribute) => field(5, attribute))))).nodes[0]?.attributes;

  it('are read by the kind that they have', () => {
    const list = message(field(1, 'perm'), field(8, 0), field(8, 2), field(20, 7));
    expect(
      attributesOf(
        message(field(1, 'axis'), field(3, -1), field(20, 2)),
        message(field(1, 'scale'), fixed32(2, 0.25), field(20, 1)),
        message(field(1, 'approximate'), field(4, 'tanh'), field(20, 3)),
        list,
        // The type is optional in older files.
        message(field(1, 'untyped'), field(3, 5)),
      ),
    ).toEqual(
      new Map([
        ['axis', { type: 'int', value: -1 }],
        ['scale', { type: 'float', value: 0.25 }],
        ['approximate', { type: 'string', value: 'tanh' }],
        ['perm', { type: 'other', content: list }],
        ['untyped', { type: 'int', value: 5 }],
      ]),
    );
  });

  it('are 0 or empty where a writer left that out', () => {
    const empty = (name: string, type: number) => message(field(1, name), field(20, type));
    expect(attributesOf(empty('f', 1), empty('i', 2), empty('s', 3))).toEqual(
      new Map([
        ['f', { type: 'float', value: 0 }],
        ['i', { type: 'int', value: 0 }],
        ['s', { type: 'string', value: '' }],
      ]),
    );
  });

  it('of kinds that are not decoded are written back as they were', () => {
    const list = message(field(1, 'perm'), field(8, 0), field(8, 2), field(20, 7));
    const graph = new OnnxGraph(modelOf(nodeOf(field(3, 'n'), field(5, list))));
    const [old] = graph.nodes;
    if (!old) throw new Error('no node');
    graph.replace(old, [{ ...old, name: 'renamed' }]);
    const [read] = new OnnxGraph(encoded(graph)).nodes;
    expect(read?.name).toBe('renamed');
    expect(read?.attributes).toEqual(new Map([['perm', { type: 'other', content: list }]]));
  });

  it('are found as integers only where they are integers', () => {
    const found = node({ attributes: new Map([...intAttributes({ N: 3 }), ['s', { type: 'float', value: 2 }]]) });
    expect(intAttribute(found, 'N')).toBe(3);
    expect(intAttribute(found, 's')).toBeUndefined();
    expect(intAttribute(found, 'K')).toBeUndefined();
  });
});

describe('constants', () => {
  const float32 = Uint8Array.of(0, 0, 0x80, 0x3f);
  /** A TensorProto without its bytes: dims is field 1, data_type 2, name 8. */
  const tensor = (...data: readonly Message[]) => message(field(1, 1), field(2, 1), field(8, 'one'), ...data);

  it('are initialisers, with their bytes as raw_data or packed float_data', () => {
    for (const data of [field(9, float32), field(4, float32)]) {
      const graph = new OnnxGraph(modelOf(field(5, tensor(data))));
      expect(graph.constant('one')).toEqual({ name: 'one', dims: [1], dataType: ELEMENT.float32, data: float32 });
    }
    // int32_data is another encoding.
    expect(new OnnxGraph(modelOf(field(5, tensor(field(5, float32))))).constant('one')?.data).toBeNull();
    expect(new OnnxGraph(modelOf(field(5, tensor(fixed32(4, 1))))).constant('one')?.data).toBeNull();
  });

  it('are tensors of Constant nodes', () => {
    const value = field(5, message(field(1, 'value'), field(5, tensor(field(9, float32))), field(20, 4)));
    const constant = (opType: string) => nodeOf(field(2, 'c'), field(4, opType), value);
    expect(new OnnxGraph(modelOf(constant('Constant'))).constant('c')?.data).toEqual(float32);
    expect(new OnnxGraph(modelOf(constant('ConstantOfShape'))).constant('c')).toBeUndefined();
    expect(new OnnxGraph(modelOf(constant('Constant'))).constant('other')).toBeUndefined();
    const number = nodeOf(field(2, 'c'), field(4, 'Constant'), field(5, message(field(1, 'value'), field(3, 1))));
    expect(new OnnxGraph(modelOf(number)).constant('c')).toBeUndefined();
  });
});

it('reads dimensions that are packed, and where a tensor lies in a data file', () => {
  const entry = (key: string, value: string) => field(13, message(field(1, key), field(2, value)));
  const place = message(entry('location', 'weights'), entry('offset', '64'), field(14, 1));
  const tensor = message(field(1, Uint8Array.of(2, 3)), field(2, 1), field(8, 'w'), place);
  expect(new OnnxGraph(modelOf(field(5, tensor))).tensor('w')).toEqual({
    name: 'w',
    dims: [2, 3],
    dataType: ELEMENT.float32,
    data: { file: 'weights', offset: 64, length: undefined },
  });
});
