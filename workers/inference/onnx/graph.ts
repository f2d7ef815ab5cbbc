/**
 * An .onnx file opened for changing its nodes and weights. Only the fields that are needed are decoded, and everything that
 * is not changed is written back byte for byte. Field numbers are those of onnx/onnx.proto (ONNX 1.17).
 * Only protobufjs's reader and writer are used: its schemas compile code, which the content-security policy forbids.
 */
import protobuf from 'protobufjs/minimal.js';

const { Reader, Writer } = protobuf;
type Bytes = Uint8Array;
/** protobufjs returns an object where it finds the package for 64-bit integers. */
const toNumber = (value: number | { low: number; high: number }): number =>
  typeof value === 'number' ? value : value.high * 2 ** 32 + (value.low >>> 0);

const MODEL = { graph: 7 } as const;
const GRAPH = { node: 1, initializer: 5, input: 11, output: 12 } as const;
const NODE = { input: 1, output: 2, name: 3, opType: 4, attribute: 5, domain: 7 } as const;
const ATTRIBUTE = { name: 1, f: 2, i: 3, s: 4, t: 5, g: 6, type: 20 } as const;
const TENSOR = { dims: 1, dataType: 2, floatData: 4, name: 8, rawData: 9, external: 13, location: 14 } as const;
const ENTRY = { key: 1, value: 2 } as const;
const VALUE_INFO = { name: 1, type: 2 } as const;
const TYPE = { tensor: 1 } as const;
const TENSOR_TYPE = { element: 1, shape: 2 } as const;
const SHAPE = { dim: 1 } as const;
const DIM = { value: 1, name: 2 } as const;
/** AttributeProto.AttributeType. */
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3 } as const;
const WIRE_VARINT = 0;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;
/** TensorProto.DataLocation. */
const EXTERNAL = 1;

/** One field of a message; its meaning depends on the message. */
interface Field {
  number: number;
  wire: number;
  /** The number in a varint; 0 for other fields. */
  value: number;
  /** Content of a length-delimited field, or the four bytes of a fixed32; empty for others. */
  content: Bytes;
  /** The encoded field, its tag included. */
  whole: Bytes;
}

/** The fields of a message, in order. @throws RangeError where the bytes are not protobuf */
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
    } else {
      const begin = reader.pos;
      reader.skipType(wire);
      if (wire === WIRE_FIXED32) content = bytes.subarray(begin, reader.pos);
    }
    yield { number: tag >>> 3, wire, value, content, whole: bytes.subarray(start, reader.pos) };
  }
}

const text = (bytes: Bytes): string => new TextDecoder().decode(bytes);

/** Integers of a repeated field, which may be packed. */
function* integers(field: Field): Generator<number> {
  if (field.wire !== WIRE_BYTES) return yield field.value;
  const reader = Reader.create(field.content);
  while (reader.pos < reader.len) yield toNumber(reader.int64());
}

const float32 = (bytes: Bytes): number => new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true);

/** An attribute's value: one number, one text, or an AttributeProto of another kind (lists, tensors, graphs) as encoded. */
export type OnnxAttribute =
  | { type: 'int'; value: number }
  | { type: 'float'; value: number }
  | { type: 'string'; value: string }
  | { type: 'other'; content: Bytes };

export interface OnnxNode {
  name: string;
  opType: string;
  /** '' is ONNX's own domain. */
  domain: string;
  /** Names of values; '' for an optional input that is left out. */
  inputs: string[];
  outputs: string[];
  attributes: ReadonlyMap<string, OnnxAttribute>;
}

/**
 * Makes the attributes of a new node, all of them integers.
 * @param values the integers by their names
 * @returns the attributes
 */
export const intAttributes = (values: Record<string, number>): Map<string, OnnxAttribute> =>
  new Map(Object.entries(values).map(([name, value]) => [name, { type: 'int', value }]));

/**
 * Reads an integer attribute.
 * @param node the node
 * @param name name of the attribute
 * @returns its value; undefined where there is none of this name and type
 */
export function intAttribute({ attributes }: OnnxNode, name: string): number | undefined {
  const attribute = attributes.get(name);
  return attribute?.type === 'int' ? attribute.value : undefined;
}

/** TensorProto.DataType: the types that are used here. */
export const ELEMENT = { float32: 1, uint8: 2, int32: 6, int64: 7, float16: 10 } as const;

/** Position of a tensor's bytes in a data file beside the graph. */
export interface ExternalData {
  file: string;
  /** Bytes. */
  offset: number;
  /** Bytes; undefined: to the file's end. */
  length: number | undefined;
}

export interface OnnxTensor {
  name: string;
  dims: number[];
  dataType: number;
  /** The bytes, or their place in a data file; null for tensors in encodings that are not read here. */
  data: Bytes | ExternalData | null;
}

/** An input or output of the graph. */
export interface OnnxValue {
  name: string;
  dataType: number;
  /** A string is the name of a dimension whose size is known at run time only. */
  dims: readonly (number | string)[];
}

/** A node with its encoded form. */
interface NodeEntry {
  node: OnnxNode;
  whole: Bytes;
  /** Names that are read by the graphs in the node's attributes. */
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
    // float_data is packed, so its bytes are those of raw_data.
    else if (field.number === TENSOR.rawData || (field.number === TENSOR.floatData && field.wire === WIRE_BYTES))
      tensor.data = field.content;
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

/** Names that are read by the nodes of a graph and of the graphs in them. */
function namesRead(graph: Bytes): string[] {
  const names: string[] = [];
  for (const { number, content } of fields(graph)) {
    if (number !== GRAPH.node) continue;
    const { node, inner } = readNode(content);
    names.push(...node.inputs, ...inner);
  }
  return names;
}

/** @param content an AttributeProto. */
function readAttribute(content: Bytes): { name: string; attribute: OnnxAttribute; inner: string[] } {
  let name = '';
  let type: number | undefined;
  let attribute: OnnxAttribute | undefined;
  const inner: string[] = [];
  for (const field of fields(content)) {
    if (field.number === ATTRIBUTE.name) name = text(field.content);
    else if (field.number === ATTRIBUTE.type) type = field.value;
    else if (field.number === ATTRIBUTE.i) attribute = { type: 'int', value: field.value };
    else if (field.number === ATTRIBUTE.f) attribute = { type: 'float', value: float32(field.content) };
    else if (field.number === ATTRIBUTE.s) attribute = { type: 'string', value: text(field.content) };
    else if (field.number === ATTRIBUTE.g) inner.push(...namesRead(field.content));
  }
  // Writers may leave out a value that is 0 or empty.
  if (type === ATTRIBUTE_TYPE.int) attribute ??= { type: 'int', value: 0 };
  if (type === ATTRIBUTE_TYPE.float) attribute ??= { type: 'float', value: 0 };
  if (type === ATTRIBUTE_TYPE.string) attribute ??= { type: 'string', value: '' };
  return { name, attribute: attribute ?? { type: 'other', content }, inner };
}

function readNode(bytes: Bytes): Omit<NodeEntry, 'whole'> {
  const attributes = new Map<string, OnnxAttribute>();
  const node: OnnxNode = { name: '', opType: '', domain: '', inputs: [], outputs: [], attributes };
  const inner: string[] = [];
  for (const { number, content } of fields(bytes)) {
    if (number === NODE.input) node.inputs.push(text(content));
    else if (number === NODE.output) node.outputs.push(text(content));
    else if (number === NODE.name) node.name = text(content);
    else if (number === NODE.opType) node.opType = text(content);
    else if (number === NODE.domain) node.domain = text(content);
    else if (number === NODE.attribute) {
      const read = readAttribute(content);
      attributes.set(read.name, read.attribute);
      inner.push(...read.inner);
    }
  }
  return { node, inner };
}

const tagOf = (number: number, wire: number): number => (number << 3) | wire;

function encodeAttribute(name: string, attribute: OnnxAttribute): Bytes {
  if (attribute.type === 'other') return attribute.content;
  const writer = Writer.create().uint32(tagOf(ATTRIBUTE.name, WIRE_BYTES)).string(name);
  if (attribute.type === 'int') writer.uint32(tagOf(ATTRIBUTE.i, WIRE_VARINT)).int64(attribute.value);
  else if (attribute.type === 'float') writer.uint32(tagOf(ATTRIBUTE.f, WIRE_FIXED32)).float(attribute.value);
  else writer.uint32(tagOf(ATTRIBUTE.s, WIRE_BYTES)).string(attribute.value);
  return writer.uint32(tagOf(ATTRIBUTE.type, WIRE_VARINT)).int32(ATTRIBUTE_TYPE[attribute.type]).finish();
}

function encodeNode(node: OnnxNode): Bytes {
  const writer = Writer.create();
  for (const input of node.inputs) writer.uint32(tagOf(NODE.input, WIRE_BYTES)).string(input);
  for (const output of node.outputs) writer.uint32(tagOf(NODE.output, WIRE_BYTES)).string(output);
  writer.uint32(tagOf(NODE.name, WIRE_BYTES)).string(node.name);
  writer.uint32(tagOf(NODE.opType, WIRE_BYTES)).string(node.opType);
  for (const [name, attribute] of node.attributes) writer.raw(wrap(NODE.attribute, encodeAttribute(name, attribute)));
  if (node.domain) writer.uint32(tagOf(NODE.domain, WIRE_BYTES)).string(node.domain);
  return writer.finish();
}

/** An encoded node with other inputs; its other fields stay as they are. */
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

/** A tensor whose bytes are known, or their place. */
export type StoredTensor = OnnxTensor & { data: ExternalData | Bytes };

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

/** A model's main graph. Functions of the model and graphs inside attributes are kept, but not decoded. */
export class OnnxGraph {
  /** Encoded fields of the model except its graph, and of the graph except those that are kept below. */
  private readonly modelRest: Bytes[] = [];
  private readonly graphRest: Bytes[] = [];
  private entries: NodeEntry[] = [];
  private readonly tensors = new Map<string, { tensor: OnnxTensor; whole: Bytes }>();
  private readonly values = { input: new Map<string, Bytes>(), output: new Map<string, Bytes>() };

  /**
   * @param model the content of an .onnx file.
   * @throws Error where the bytes are not protobuf.
   */
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

  /** The graph's own nodes, in order, without those of the graphs inside them. */
  get nodes(): OnnxNode[] {
    return this.entries.map(({ node }) => node);
  }

  /** The graph's initialisers. */
  get initialisers(): OnnxTensor[] {
    return [...this.tensors.values()].map(({ tensor }) => tensor);
  }

  /** Makes an initialiser an input, which is given with each run. */
  makeInput({ name, dataType, dims }: OnnxTensor): void {
    this.tensors.delete(name);
    this.addInput({ name, dataType, dims });
  }

  /** The initialiser of this name. */
  tensor(name: string): OnnxTensor | undefined {
    return this.tensors.get(name)?.tensor;
  }

  /** The value of this name where the graph itself holds it: an initialiser, or the tensor of a Constant node. */
  constant(name: string): OnnxTensor | undefined {
    const initialiser = this.tensor(name);
    if (initialiser) return initialiser;
    const node = this.nodes.find(({ opType, outputs }) => opType === 'Constant' && outputs[0] === name);
    const value = node?.attributes.get('value');
    if (value?.type !== 'other') return undefined;
    const tensor = [...fields(value.content)].find(({ number }) => number === ATTRIBUTE.t);
    return tensor && readTensor(tensor.content);
  }

  /** Puts `nodes` in the place of one node. */
  replace(old: OnnxNode, nodes: readonly OnnxNode[]): void {
    this.entries = this.entries.flatMap((entry) =>
      entry.node === old
        ? nodes.map((node) => ({ node, inner: [], whole: wrap(GRAPH.node, encodeNode(node)) }))
        : entry,
    );
  }

  /** Adds nodes after all others. */
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

  /** Nodes that read this value in a graph inside their attributes. */
  readInside(name: string): OnnxNode[] {
    return this.entries.filter(({ inner }) => inner.includes(name)).map(({ node }) => node);
  }

  /** The graph's input of this name. */
  input(name: string): OnnxValue | undefined {
    return this.value('input', name);
  }

  /** The graph's output of this name. */
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

  /** Removes an input, which no node may read any more. */
  dropInput(name: string): void {
    this.values.input.delete(name);
  }

  /** Removes an output; the value is then only used inside the graph. */
  dropOutput(name: string): void {
    this.values.output.delete(name);
  }

  /** Adds an initialiser, or replaces the one of its name. */
  addTensor(tensor: StoredTensor): void {
    this.tensors.set(tensor.name, { tensor, whole: wrap(GRAPH.initializer, encodeTensor(tensor)) });
  }

  /** Removes those of the named initialisers that no node reads any more. */
  dropUnused(names: Iterable<string>): void {
    const read = new Set(this.entries.flatMap(({ node, inner }) => [...node.inputs, ...inner]));
    for (const name of names) if (!read.has(name)) this.tensors.delete(name);
  }

  /** The model as the content of an .onnx file. */
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

/** A length-delimited field, its tag included. */
const wrap = (number: number, content: Bytes): Bytes =>
  Writer.create().uint32(tagOf(number, WIRE_BYTES)).bytes(content).finish();
