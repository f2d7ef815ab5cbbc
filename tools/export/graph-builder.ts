/**
 * @file Builds an ONNX graph: nodes, small constants inside the graph, and weights that go to external data files.
 * Operators: https://onnx.ai/onnx/operators/ (opset 21) and onnxruntime's docs/ContribOperators.md (com.microsoft).
 */
import { ExportError } from './failure.ts';
import {
  ATTRIBUTE_TYPE,
  type AttributeProto,
  DATA_TYPE,
  EXTERNAL,
  encodeModel,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './onnx-proto.ts';
import { bytesOf, type ElementType, elementCount, type LazyTensor } from './tensor.ts';

const OPSET = 21;
const IR_VERSION = 10;
/** Operators of com.microsoft. SimplifiedLayerNormalization is not among them: onnxruntime registers it in ONNX's domain. */
const CONTRIB = new Set(['GatherBlockQuantized', 'GroupQueryAttention', 'MatMulNBits', 'RotaryEmbedding']);

/** A float attribute. A plain number is an integer attribute. */
export class Float {
  /** @param value the attribute's value. */
  constructor(readonly value: number) {}
}

/**
 * Marks an attribute as a float.
 * @param value the attribute's value.
 * @returns the attribute.
 */
export const float = (value: number): Float => new Float(value);
type Attribute = number | Float | string | readonly number[] | GraphProto;

/** Where a weight's bytes lie. */
export interface DataLocation {
  /** Name of the data file beside the graph. */
  file: string;
  /** Position in the file, in bytes. */
  offset: number;
  /** Length in bytes. */
  length: number;
}

function attribute(name: string, value: Attribute): AttributeProto {
  if (value instanceof Float) return { name, type: ATTRIBUTE_TYPE.float, f: value.value };
  if (typeof value === 'number') return { name, type: ATTRIBUTE_TYPE.int, i: value };
  if (typeof value === 'string') return { name, type: ATTRIBUTE_TYPE.string, s: new TextEncoder().encode(value) };
  if ('node' in value) return { name, type: ATTRIBUTE_TYPE.graph, g: value };
  return { name, type: ATTRIBUTE_TYPE.ints, ints: [...value] };
}

function valueInfo(name: string, type: ElementType, dims?: readonly (number | string)[]): ValueInfoProto {
  const elemType = DATA_TYPE[type];
  if (!dims) return { name, type: { tensorType: { elemType } } };
  const dim = dims.map((d) => (typeof d === 'number' ? { dimValue: d } : { dimParam: d }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

/** A graph under construction. Values go by their names. */
export class GraphBuilder {
  private nodes: NodeProto[] = [];
  private readonly constants = new Map<string, TensorProto>();
  private readonly data = new Map<string, LazyTensor>();
  /** Initialisers in the data files by name: the tensor that has their bytes, and the shape they are seen in. */
  private readonly external = new Map<string, { of: LazyTensor; dims: readonly number[] }>();
  private readonly inputs: ValueInfoProto[] = [];
  private readonly outputs: ValueInfoProto[] = [];

  /** @param name of the graph. */
  constructor(private readonly name: string) {}

  /** Declares an input. A number is a fixed dimension, a text a symbolic one. @returns its name */
  input(name: string, type: ElementType, dims: readonly (number | string)[]): string {
    this.inputs.push(valueInfo(name, type, dims));
    return name;
  }

  /** Declares an output. */
  output(name: string, type: ElementType, dims: readonly (number | string)[]): void {
    this.outputs.push(valueInfo(name, type, dims));
  }

  /** Adds an operator with one output, whose name is the node's, too. @returns that name */
  op(type: string, inputs: readonly string[], output: string, attributes: Record<string, Attribute> = {}): string {
    this.node(type, inputs, [output], attributes);
    return output;
  }

  /** Adds an operator. An optional input that is left out is ''. */
  node(
    type: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Record<string, Attribute> = {},
  ): void {
    this.nodes.push({
      input: [...inputs],
      output: [...outputs],
      name: outputs[0] ?? type,
      opType: type,
      attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
      ...(CONTRIB.has(type) ? { domain: 'com.microsoft' } : {}),
    });
  }

  /** Whether a node of this graph, or of the branch that is being built, computes the value. */
  makes(name: string): boolean {
    return this.nodes.some(({ output }) => output.includes(name));
  }

  /** Adds an int64 constant, such as a shape, axes or indices. The same values give the same constant; `dims` [] a scalar. */
  ints(values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.constant(`int64:${dims.length ? '' : 'scalar:'}${values.join('_')}`, {
      type: 'int64',
      dims,
      data: BigInt64Array.from(values, BigInt),
    });
  }

  /** Adds a float32 scalar as a constant. */
  scalar(value: number): string {
    return this.constant(`float32:${value}`, { type: 'float32', dims: [], data: Float32Array.of(value) });
  }

  /** Adds a float32 vector as a constant. */
  floats(name: string, values: Float32Array): string {
    return this.constant(name, { type: 'float32', dims: [values.length], data: values });
  }

  private constant(name: string, value: { type: ElementType; dims: readonly number[]; data: ArrayBufferView }): string {
    if (!this.constants.has(name))
      this.constants.set(name, {
        name,
        dims: [...value.dims],
        dataType: DATA_TYPE[value.type],
        rawData: bytesOf(value.data),
      });
    return name;
  }

  /**
   * Adds a weight, whose bytes go to the data files. A second one of the same name is the same weight.
   * @param tensor the weight.
   * @param view another shape in which the same bytes are to be seen.
   * @returns its name.
   * @throws ExportError where it has no elements.
   */
  weight(tensor: LazyTensor, view?: readonly number[]): string {
    if (elementCount(tensor.dims) === 0) throw new ExportError(`${tensor.name} has no elements.`);
    const of = this.data.get(tensor.name) ?? tensor;
    this.data.set(tensor.name, of);
    const name = view ? `${tensor.name}:${view.join('x')}` : tensor.name;
    this.external.set(name, { of, dims: view ?? tensor.dims });
    return name;
  }

  /**
   * Makes a branch of an If.
   * @param name of the branch.
   * @param output name of its only output, which `build` computes.
   * @param type of the output.
   * @param build adds the branch's nodes, which may use this graph's values.
   * @returns the branch.
   */
  branch(name: string, output: string, type: ElementType, build: () => void): GraphProto {
    const outer = this.nodes;
    this.nodes = [];
    build();
    const node = this.nodes;
    this.nodes = outer;
    return { name, node, initializer: [], input: [], output: [valueInfo(output, type)] };
  }

  /** All weights, in the order in which they were added. */
  weights(): LazyTensor[] {
    return [...this.data.values()];
  }

  /** Encodes the .onnx file. @param places where each weight lies, by name */
  encode(places: ReadonlyMap<string, DataLocation>): Uint8Array {
    const initializer = [...this.constants.values()];
    for (const [name, { of, dims }] of this.external) {
      const place = places.get(of.name);
      if (!place) throw new Error(`no place for ${of.name}`);
      initializer.push({
        name,
        dims: [...dims],
        dataType: DATA_TYPE[of.type],
        dataLocation: EXTERNAL,
        externalData: [
          { key: 'location', value: place.file },
          { key: 'offset', value: String(place.offset) },
          { key: 'length', value: String(place.length) },
        ],
      });
    }
    return encodeModel({
      irVersion: IR_VERSION,
      producerName: 'fournil',
      producerVersion: '1',
      opsetImport: [
        { domain: '', version: OPSET },
        { domain: 'com.microsoft', version: 1 },
      ],
      graph: { name: this.name, node: this.nodes, initializer, input: this.inputs, output: this.outputs },
    });
  }
}
