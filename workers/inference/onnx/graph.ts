/**
 * An .onnx file opened for changing its nodes and weights: only what is asked about is decoded, and whatever is not
 * changed is written back byte for byte. Field numbers are those of onnx/onnx.proto (ONNX 1.17).
 * protobufjs's reader and writer alone: its schemas compile code, which the content-security policy forbids.
 */
import protobuf from 'protobufjs/minimal.js';

const { Reader, Writer } = protobuf;
type Bytes = Uint8Array;
/** The library gives an object where it finds the package for 64-bit integers. */
const toNumber = (value: number | { low: number; high: number }): number =>
  typeof value === 'number' ? value : value.high * 2 ** 32 + (value.low >>> 0);

const MODEL = { graph: 7 } as const;
const GRAPH = { node: 1, initializer: 5, input: 11, output: 12 } as const;
const NODE = { input: 1, output: 2, name: 3, opType: 4, attribute: 5, domain: 7 } as const;
const ATTRIBUTE = { name: 1, i: 3, g: 6, type: 20 } as const;
const TENSOR = { dims: 1, dataType: 2, name: 8, rawData: 9, external: 13, location: 14 } as const;
const ENTRY = { key: 1, value: 2 } as const;
const VALUE_INFO = { name: 1, type: 2 } as const;
const TYPE = { tensor: 1 } as const;
const TENSOR_TYPE = { element: 1, shape: 2 } as const;
const SHAPE = { dim: 1 } as const;
const DIM = { value: 1, name: 2 } as const;
const ATTRIBUTE_TYPE = { int: 2 } as const;
const WIRE_VARINT = 0;
const WIRE_BYTES = 2;
const EXTERNAL = 1;

/** One field of a message: what it means depends on the message. */
interface Field {
  number: number;
  wire: number;
  /** Of a varint. */
  value: number;
  /** Content of a length-delimited field. */
  content: Bytes;
  /** The field as it stands, its tag included. */
  whole: Bytes;
}

/** Fields in their order. @throws RangeError where the bytes are not protobuf */
function* fields(bytes: Bytes): Generator<Field> {
  const reader = Reader.create(bytes);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const tag = reader.uint32();
    const wire = tag & 7;
    let value = 0;
    let content = bytes.subarray(0, 0);
    if (wire === WIRE_VARINT) value = toNumber(reader.int64());
    else if (wire === WIRE_BYTES) {
      const length = reader.uint32();
      content = bytes.subarray(reader.pos, reader.pos + length);
      reader.skip(length);
    } else reader.skipType(wire);
    yield { number: tag >>> 3, wire, value, content, whole: bytes.subarray(start, reader.pos) };
  }
}

const text = (bytes: Bytes): string => new TextDecoder().decode(bytes);

/** Whole numbers of a repeated field, which may be packed. */
function* integers(field: Field): Generator<number> {
  if (field.wire !== WIRE_BYTES) return yield field.value;
  const reader = Reader.create(field.content);
  while (reader.pos < reader.len) yield toNumber(reader.int64());
}

export interface OnnxNode {
  name: string;
  opType: string;
  domain: string;
  inputs: string[];
  outputs: string[];
  /** Those with one whole number. */
  integers: Map<string, number>;
}

/** TensorProto.DataType, of those that matter here. */
export const ELEMENT = { float32: 1, uint8: 2, int32: 6, int64: 7, float16: 10 } as const;

/** Where a tensor's bytes lie outside the graph. */
export interface ExternalPlace {
  file: string;
  offset: number;
  /** Undefined: to the file's end. */
  length: number | undefined;
}

export interface OnnxTensor {
  name: string;
  dims: number[];
  dataType: number;
  /** Bytes inside the graph, or where they lie; null for tensors stored in another way. */
  data: Bytes | ExternalPlace | null;
}

/** An input or output of the graph. */
export interface OnnxValue {
  name: string;
  dataType: number;
  /** A text is a named dimension. */
  dims: readonly (number | string)[];
}

/** A node, as it was read or as it will be written. */
interface NodeEntry {
  node: OnnxNode;
  whole: Bytes;
  /** Names that graphs inside the node's attributes read. */
  inner: string[];
}

function readTensor(bytes: Bytes): OnnxTensor {
  const tensor: OnnxTensor = { name: '', dims: [], dataType: 0, data: null };
  const entries = new Map<string, string>();
  let external = false;
  for (const field of fields(bytes)) {
    if (field.number === TENSOR.dims) tensor.dims.push(...integers(field));
    else if (field.number === TENSOR.dataType) tensor.dataType = field.value;
    else if (field.number === TENSOR.name) tensor.name = text(field.content);
    else if (field.number === TENSOR.rawData) tensor.data = field.content;
    else if (field.number === TENSOR.location) external = field.value === EXTERNAL;
    else if (field.number === TENSOR.external) {
      const entry = new Map([...fields(field.content)].map(({ number, content }) => [number, text(content)]));
      entries.set(entry.get(ENTRY.key) ?? '', entry.get(ENTRY.value) ?? '');
    }
  }
  if (external) {
    const length = entries.get('length');
    tensor.data = {
      file: entries.get('location') ?? '',
      offset: Number(entries.get('offset') ?? 0),
      length: length === undefined ? undefined : Number(length),
    };
  }
  return tensor;
}

/** Names read by the nodes of a graph and of the graphs in them. */
function namesRead(graph: Bytes): string[] {
  const names: string[] = [];
  for (const { number, content } of fields(graph)) {
    if (number !== GRAPH.node) continue;
    const { node, inner } = readNode(content);
    names.push(...node.inputs, ...inner);
  }
  return names;
}

function readNode(bytes: Bytes): Omit<NodeEntry, 'whole'> {
  const node: OnnxNode = { name: '', opType: '', domain: '', inputs: [], outputs: [], integers: new Map() };
  const inner: string[] = [];
  for (const { number, content } of fields(bytes)) {
    if (number === NODE.input) node.inputs.push(text(content));
    else if (number === NODE.output) node.outputs.push(text(content));
    else if (number === NODE.name) node.name = text(content);
    else if (number === NODE.opType) node.opType = text(content);
    else if (number === NODE.domain) node.domain = text(content);
    else if (number === NODE.attribute) {
      let name = '';
      let integer: number | undefined;
      for (const field of fields(content)) {
        if (field.number === ATTRIBUTE.name) name = text(field.content);
        else if (field.number === ATTRIBUTE.i) integer = field.value;
        else if (field.number === ATTRIBUTE.g) inner.push(...namesRead(field.content));
      }
      if (integer !== undefined) node.integers.set(name, integer);
    }
  }
  return { node, inner };
}

const tagOf = (number: number, wire: number): number => (number << 3) | wire;

function encodeNode(node: OnnxNode): Bytes {
  const writer = Writer.create();
  for (const input of node.inputs) writer.uint32(tagOf(NODE.input, WIRE_BYTES)).string(input);
  for (const output of node.outputs) writer.uint32(tagOf(NODE.output, WIRE_BYTES)).string(output);
  writer.uint32(tagOf(NODE.name, WIRE_BYTES)).string(node.name);
  writer.uint32(tagOf(NODE.opType, WIRE_BYTES)).string(node.opType);
  for (const [name, value] of node.integers) {
    writer.uint32(tagOf(NODE.attribute, WIRE_BYTES)).fork();
    writer.uint32(tagOf(ATTRIBUTE.name, WIRE_BYTES)).string(name);
    writer.uint32(tagOf(ATTRIBUTE.i, WIRE_VARINT)).int64(value);
    writer.uint32(tagOf(ATTRIBUTE.type, WIRE_VARINT)).int32(ATTRIBUTE_TYPE.int);
    writer.ldelim();
  }
  if (node.domain) writer.uint32(tagOf(NODE.domain, WIRE_BYTES)).string(node.domain);
  return writer.finish();
}

/** The same node with other inputs: whatever else it holds stays. */
function withInputs(bytes: Bytes, inputs: readonly string[]): Bytes {
  const writer = Writer.create();
  for (const input of inputs) writer.uint32(tagOf(NODE.input, WIRE_BYTES)).string(input);
  for (const { number, whole } of fields(bytes)) if (number !== NODE.input) writer.raw(whole);
  return writer.finish();
}

function encodeValue({ name, dataType, dims }: OnnxValue): Bytes {
  const writer = Writer.create();
  writer.uint32(tagOf(VALUE_INFO.name, WIRE_BYTES)).string(name);
  writer.uint32(tagOf(VALUE_INFO.type, WIRE_BYTES)).fork();
  writer.uint32(tagOf(TYPE.tensor, WIRE_BYTES)).fork();
  writer.uint32(tagOf(TENSOR_TYPE.element, WIRE_VARINT)).int32(dataType);
  writer.uint32(tagOf(TENSOR_TYPE.shape, WIRE_BYTES)).fork();
  for (const dim of dims) {
    writer.uint32(tagOf(SHAPE.dim, WIRE_BYTES)).fork();
    if (typeof dim === 'number') writer.uint32(tagOf(DIM.value, WIRE_VARINT)).int64(dim);
    else writer.uint32(tagOf(DIM.name, WIRE_BYTES)).string(dim);
    writer.ldelim();
  }
  return writer.ldelim().ldelim().ldelim().finish();
}

function readValue(bytes: Bytes): OnnxValue {
  const inside = (content: Bytes, number: number): Bytes[] =>
    [...fields(content)].filter((field) => field.number === number).map((field) => field.content);
  const [name = bytes.subarray(0, 0)] = inside(bytes, VALUE_INFO.name);
  const [tensor = bytes.subarray(0, 0)] = inside(bytes, VALUE_INFO.type).flatMap((type) => inside(type, TYPE.tensor));
  const element = [...fields(tensor)].find(({ number }) => number === TENSOR_TYPE.element);
  const dims = inside(tensor, TENSOR_TYPE.shape)
    .flatMap((shape) => inside(shape, SHAPE.dim))
    .map((dim) => {
      const [field] = fields(dim);
      return field?.number === DIM.name ? text(field.content) : (field?.value ?? '');
    });
  return { name: text(name), dataType: element?.value ?? 0, dims };
}

/** A tensor whose bytes can be found. */
export type StoredTensor = OnnxTensor & { data: ExternalPlace | Bytes };

function encodeTensor({ name, dims, dataType, data }: StoredTensor): Bytes {
  const writer = Writer.create();
  for (const dim of dims) writer.uint32(tagOf(TENSOR.dims, WIRE_VARINT)).int64(dim);
  writer.uint32(tagOf(TENSOR.dataType, WIRE_VARINT)).int32(dataType);
  writer.uint32(tagOf(TENSOR.name, WIRE_BYTES)).string(name);
  if (data instanceof Uint8Array) return writer.uint32(tagOf(TENSOR.rawData, WIRE_BYTES)).bytes(data).finish();
  const entry = (key: string, value: string) => {
    writer.uint32(tagOf(TENSOR.external, WIRE_BYTES)).fork();
    writer.uint32(tagOf(ENTRY.key, WIRE_BYTES)).string(key);
    writer.uint32(tagOf(ENTRY.value, WIRE_BYTES)).string(value);
    writer.ldelim();
  };
  entry('location', data.file);
  entry('offset', String(data.offset));
  if (data.length !== undefined) entry('length', String(data.length));
  writer.uint32(tagOf(TENSOR.location, WIRE_VARINT)).int32(EXTERNAL);
  return writer.finish();
}

export class OnnxGraph {
  /** All of the model but its graph, and all of the graph but what is kept below, as they stand. */
  private readonly modelRest: Bytes[] = [];
  private readonly graphRest: Bytes[] = [];
  private entries: NodeEntry[] = [];
  private readonly tensors = new Map<string, { tensor: OnnxTensor; whole: Bytes }>();
  private readonly values = { input: new Map<string, Bytes>(), output: new Map<string, Bytes>() };

  /** @throws Error where the bytes are no model */
  constructor(model: Bytes) {
    for (const part of fields(model)) {
      if (part.number !== MODEL.graph) {
        this.modelRest.push(part.whole);
        continue;
      }
      for (const { number, content, whole } of fields(part.content)) {
        if (number === GRAPH.node) this.entries.push({ ...readNode(content), whole });
        else if (number === GRAPH.initializer) {
          const tensor = readTensor(content);
          this.tensors.set(tensor.name, { tensor, whole });
        } else if (number === GRAPH.input) this.values.input.set(readValue(content).name, whole);
        else if (number === GRAPH.output) this.values.output.set(readValue(content).name, whole);
        else this.graphRest.push(whole);
      }
    }
  }

  /** The graph's own nodes, in order; not those of graphs inside them. */
  get nodes(): OnnxNode[] {
    return this.entries.map(({ node }) => node);
  }

  /** The graph's initialisers. */
  get initialisers(): OnnxTensor[] {
    return [...this.tensors.values()].map(({ tensor }) => tensor);
  }

  /** The initialiser becomes an input, given with each run. */
  makeInput({ name, dataType, dims }: OnnxTensor): void {
    this.tensors.delete(name);
    this.addInput({ name, dataType, dims });
  }

  tensor(name: string): OnnxTensor | undefined {
    return this.tensors.get(name)?.tensor;
  }

  /** Puts `nodes` in the place of one. */
  replace(old: OnnxNode, nodes: readonly OnnxNode[]): void {
    this.entries = this.entries.flatMap((entry) =>
      entry.node === old
        ? nodes.map((node) => ({ node, inner: [], whole: wrap(GRAPH.node, encodeNode(node)) }))
        : entry,
    );
  }

  /** Nodes go after all others. */
  append(nodes: readonly OnnxNode[]): void {
    for (const node of nodes) this.entries.push({ node, inner: [], whole: wrap(GRAPH.node, encodeNode(node)) });
  }

  /** Gives a node of the graph other inputs; its attributes stay. */
  rewire(node: OnnxNode, inputs: readonly string[]): void {
    for (const entry of this.entries) {
      if (entry.node !== node) continue;
      const [field] = fields(entry.whole);
      if (field) entry.whole = wrap(GRAPH.node, withInputs(field.content, inputs));
      entry.node = { ...node, inputs: [...inputs] };
    }
  }

  /** Nodes with a graph inside that reads this value. */
  readInside(name: string): OnnxNode[] {
    return this.entries.filter(({ inner }) => inner.includes(name)).map(({ node }) => node);
  }

  input(name: string): OnnxValue | undefined {
    return this.value('input', name);
  }

  output(name: string): OnnxValue | undefined {
    return this.value('output', name);
  }

  private value(kind: 'input' | 'output', name: string): OnnxValue | undefined {
    const whole = this.values[kind].get(name);
    const [field] = whole ? fields(whole) : [];
    return field && readValue(field.content);
  }

  addInput(value: OnnxValue): void {
    this.values.input.set(value.name, wrap(GRAPH.input, encodeValue(value)));
  }

  addOutput(value: OnnxValue): void {
    this.values.output.set(value.name, wrap(GRAPH.output, encodeValue(value)));
  }

  /** Of a value that no node reads any more. */
  dropInput(name: string): void {
    this.values.input.delete(name);
  }

  /** The value is then only the graph's own. */
  dropOutput(name: string): void {
    this.values.output.delete(name);
  }

  addTensor(tensor: StoredTensor): void {
    this.tensors.set(tensor.name, { tensor, whole: wrap(GRAPH.initializer, encodeTensor(tensor)) });
  }

  /** Drops initialisers, of those named, that no node reads any more. */
  dropUnused(names: Iterable<string>): void {
    const read = new Set(this.entries.flatMap(({ node, inner }) => [...node.inputs, ...inner]));
    for (const name of names) if (!read.has(name)) this.tensors.delete(name);
  }

  encode(): Bytes {
    const graph = Writer.create();
    for (const { whole } of this.entries) graph.raw(whole);
    for (const { whole } of this.tensors.values()) graph.raw(whole);
    for (const whole of this.graphRest) graph.raw(whole);
    for (const whole of [...this.values.input.values(), ...this.values.output.values()]) graph.raw(whole);
    const model = Writer.create();
    for (const whole of this.modelRest) model.raw(whole);
    return model.raw(wrap(MODEL.graph, graph.finish())).finish();
  }
}

const wrap = (number: number, content: Bytes): Bytes =>
  Writer.create().uint32(tagOf(number, WIRE_BYTES)).bytes(content).finish();
