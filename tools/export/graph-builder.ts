/**
 * Builds one ONNX graph: nodes, small constants inside the graph, weights that go to external data files.
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
/** onnxruntime's own operators, but SimplifiedLayerNormalization, which it registers in ONNX's domain. */
const CONTRIB = new Set(['GatherBlockQuantized', 'GroupQueryAttention', 'MatMulNBits', 'RotaryEmbedding']);

/** A number in an attribute is an integer unless wrapped in this. */
export class Float {
  constructor(readonly value: number) {}
}
export const float = (value: number): Float => new Float(value);
type Attribute = number | Float | string | readonly number[] | GraphProto;

/** Where a weight's bytes lie: filled in when the data files are laid out. */
export interface DataLocation {
  /** Name of the data file, beside the graph. */
  file: string;
  offset: number;
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

export class GraphBuilder {
  private nodes: NodeProto[] = [];
  private readonly constants = new Map<string, TensorProto>();
  private readonly data = new Map<string, LazyTensor>();
  /** Initialisers in the data files: name → whose bytes, seen with which dimensions. */
  private readonly external = new Map<string, { of: LazyTensor; dims: readonly number[] }>();
  private readonly inputs: ValueInfoProto[] = [];
  private readonly outputs: ValueInfoProto[] = [];

  constructor(private readonly name: string) {}

  /** A number is a fixed dimension, a text a named one. */
  input(name: string, type: ElementType, dims: readonly (number | string)[]): string {
    this.inputs.push(valueInfo(name, type, dims));
    return name;
  }

  output(name: string, type: ElementType, dims: readonly (number | string)[]): void {
    this.outputs.push(valueInfo(name, type, dims));
  }

  /** One operator with one output, which is named as the node is. @returns that name. */
  op(type: string, inputs: readonly string[], output: string, attributes: Record<string, Attribute> = {}): string {
    this.node(type, inputs, [output], attributes);
    return output;
  }

  /** One operator. An input left out is ''. */
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

  /** Whether a node at this place (of this branch, inside one) makes the value. */
  makes(name: string): boolean {
    return this.nodes.some(({ output }) => output.includes(name));
  }

  /** int64 values inside the graph: shapes, axes, indices. Same values, same constant. `dims` [] makes a scalar. */
  ints(values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.constant(`int64:${dims.length ? '' : 'scalar:'}${values.join('_')}`, {
      type: 'int64',
      dims,
      data: BigInt64Array.from(values, BigInt),
    });
  }

  /** A float32 scalar inside the graph. */
  scalar(value: number): string {
    return this.constant(`float32:${value}`, { type: 'float32', dims: [], data: Float32Array.of(value) });
  }

  /** A float32 vector inside the graph. */
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
   * A weight, in the data files. Asked for again under the same name, it is the same.
   * @param view other dimensions under which the same bytes are to be seen
   * @returns its name
   */
  weight(tensor: LazyTensor, view?: readonly number[]): string {
    if (elementCount(tensor.dims) === 0) throw new ExportError(`${tensor.name} has no elements.`);
    const of = this.data.get(tensor.name) ?? tensor;
    this.data.set(tensor.name, of);
    const name = view ? `${tensor.name}:${view.join('x')}` : tensor.name;
    this.external.set(name, { of, dims: view ?? tensor.dims });
    return name;
  }

  /** A graph for an If: what `build` adds, with the named value as its one output. It sees this graph's values. */
  branch(name: string, output: string, type: ElementType, build: () => void): GraphProto {
    const outer = this.nodes;
    this.nodes = [];
    build();
    const node = this.nodes;
    this.nodes = outer;
    return { name, node, initializer: [], input: [], output: [valueInfo(output, type)] };
  }

  /** The weights, in the order they were first asked for. */
  weights(): LazyTensor[] {
    return [...this.data.values()];
  }

  /** The .onnx file. `places` says where each weight lies, by name. */
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
