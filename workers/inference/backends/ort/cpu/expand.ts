/**
 * Expands 4-bit matrices to float32 for the CPU. onnxruntime has no fast 4-bit product in WebAssembly: it unpacks the weights
 * on each call, which takes 10 to 30 times as long as a product of floats. So where memory allows, a decoder's 4-bit products
 * become float32 ones as it is loaded; the results are the same up to rounding. Large matrices are cut into slices of rows
 * first: each is expanded when the runtime asks for it, so that there is never a second copy, and slices that stay in 4 bits
 * are unpacked one by one.
 */
import { GIB } from '../../device-memory.ts';
import { dequantise } from './dequantise.ts';
import { LazyBytes } from './lazy-bytes.ts';
import {
  ELEMENT,
  intAttribute,
  intAttributes,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
  type StoredTensor,
} from '../../../onnx/graph.ts';

/** Size of a slice in float32: the runtime packs a matrix into a copy before it frees it, which needs less room for small ones. */
const SLICE_BYTES = 64 * 1024 ** 2;
const FLOAT_BYTES = 4;
const BLOCKED = 'com.microsoft';

/** Weight files by the names that the graph refers to them by. */
export type DataFiles = ReadonlyMap<string, Uint8Array>;

/** Result of an expansion. */
export interface Expanded {
  /** Weight files of the expanded matrices, in addition to those that were given. */
  data: Map<string, Uint8Array>;
  /** Number of slices that became float32. */
  expanded: number;
  /** Number of slices that stayed in 4 bits because of the budget. */
  left: number;
}

/**
 * Budget for expanded weights: a quarter of the device's memory, and at most 2 GiB. The runtime packs each matrix into a copy
 * before it frees it, which leaves gaps of about a third; the rest of WebAssembly's 4 GiB is for weights in 4 bits, caches and
 * activations.
 * @param memoryGib the device's memory in GiB
 * @returns bytes
 */
export const expansionBudget = (memoryGib: number): number => Math.min(2 * GIB, (memoryGib / 4) * GIB);

/** A 4-bit matrix, or some of its rows. */
interface Matrix {
  rows: number;
  columns: number;
  block: number;
  packed: StoredTensor;
  scales: StoredTensor;
  zeroPoints: StoredTensor | null;
}

const isStored = (tensor: OnnxTensor | undefined, dataType: number): tensor is StoredTensor =>
  tensor?.dataType === dataType && tensor.data !== null;

/** Returns null for other nodes, and for forms of the product that no known export uses. */
function readMatrix(graph: OnnxGraph, node: OnnxNode): Matrix | null {
  if (node.opType !== 'MatMulNBits' || node.domain !== BLOCKED) return null;
  const [, packedName = '', scalesName = '', zerosName = '', ...others] = node.inputs;
  const rows = intAttribute(node, 'N') ?? 0;
  const columns = intAttribute(node, 'K') ?? 0;
  const block = intAttribute(node, 'block_size') ?? 0;
  const packed = graph.tensor(packedName);
  const scales = graph.tensor(scalesName);
  const zeroPoints = zerosName ? graph.tensor(zerosName) : null;
  const is4Bit = (intAttribute(node, 'bits') ?? 4) === 4 && rows > 0 && columns > 0 && block > 0 && block % 2 === 0;
  if (!is4Bit || others.some((name) => name !== '')) return null;
  if (!isStored(packed, ELEMENT.uint8) || !isStored(scales, ELEMENT.float32)) return null;
  if (zeroPoints !== null && !isStored(zeroPoints, ELEMENT.uint8)) return null;
  return { rows, columns, block, packed, scales, zeroPoints };
}

/** Rows `from`…`to − 1`, over the same bytes. */
function cut({ columns, block, packed, scales, zeroPoints }: Matrix, from: number, to: number): Matrix {
  const blocks = Math.ceil(columns / block);
  const part = (tensor: StoredTensor, elementBytes: number, ...row: number[]): StoredTensor => {
    const length = row.reduce((a, b) => a * b, elementBytes);
    const [start, end] = [from * length, to * length];
    const { data } = tensor;
    return {
      ...tensor,
      name: `${tensor.name}.rows${from}`,
      // Some exports store scales and zero points with one dimension.
      dims: tensor.dims.length === 1 ? [(to - from) * row.reduce((a, b) => a * b, 1)] : [to - from, ...row],
      data:
        data instanceof Uint8Array
          ? data.subarray(start, end)
          : { file: data.file, offset: data.offset + start, length: end - start },
    };
  };
  return {
    rows: to - from,
    columns,
    block,
    packed: part(packed, 1, blocks, block / 2),
    scales: part(scales, FLOAT_BYTES, blocks),
    zeroPoints: zeroPoints && part(zeroPoints, 1, (blocks + 1) >> 1),
  };
}

/** Cuts a matrix into slices of at most `bytes` in float32; a smaller matrix is returned whole. */
function slicesOf(matrix: Matrix, bytes: number): Matrix[] {
  const { rows, columns } = matrix;
  const count = Math.ceil((rows * columns * FLOAT_BYTES) / bytes);
  if (count <= 1) return [matrix];
  const each = Math.ceil(rows / count);
  return Array.from({ length: Math.ceil(rows / each) }, (_, i) =>
    cut(matrix, i * each, Math.min(rows, (i + 1) * each)),
  );
}

/** A tensor's bytes, in the graph or in a file. @throws Error if the file is missing */
function bytesOf({ name, data }: StoredTensor, files: DataFiles): Uint8Array {
  if (data instanceof Uint8Array) return data;
  const bytes = files.get(data.file);
  if (!bytes) throw new Error(`${name} is in ${data.file}, which the model lacks`);
  return bytes.subarray(data.offset, data.length === undefined ? bytes.byteLength : data.offset + data.length);
}

/** Copies the bytes, since a Float32Array cannot begin at any offset of a file. */
const floatsOf = (bytes: Uint8Array): Float32Array => new Float32Array(bytes.slice().buffer);

/** Memory that one slice after another is expanded in. */
class Scratch {
  private floats = new Float32Array(0);

  get(count: number): Float32Array {
    if (this.floats.length < count) this.floats = new Float32Array(count);
    return this.floats.subarray(0, count);
  }
}

/** The bytes of the matrix in float32 [rows, columns], computed when they are read. */
function lazyFloats(matrix: Matrix, files: DataFiles, scratch: Scratch): LazyBytes {
  const { rows, columns, block, packed, scales, zeroPoints } = matrix;
  return new LazyBytes(rows * columns * FLOAT_BYTES, (start, end) => {
    const floats = scratch.get(rows * columns);
    const blocked = {
      columns,
      block,
      packed: bytesOf(packed, files),
      scales: floatsOf(bytesOf(scales, files)),
      zeroPoints: zeroPoints && bytesOf(zeroPoints, files),
    };
    dequantise(blocked, floats);
    return new Uint8Array(floats.buffer, start, end - start);
  });
}

/**
 * Expands as many 4-bit products of a graph as the budget allows.
 * @param graph a decoder, which is changed
 * @param files the graph's weight files
 * @param budget bytes that expanded matrices may take
 * @param sliceBytes largest size of a slice in float32, in bytes
 * @returns what was expanded
 */
export function expandProducts(graph: OnnxGraph, files: DataFiles, budget: number, sliceBytes = SLICE_BYTES): Expanded {
  const data = new Map<string, Uint8Array>();
  const scratch = new Scratch();
  let room = budget;
  let expanded = 0;
  let left = 0;

  /** The product of x and an expanded slice; null if that exceeds the budget. */
  const asFloat32 = (slice: Matrix, x: string, output: string): OnnxNode | null => {
    const floats = lazyFloats(slice, files, scratch);
    if (floats.byteLength > room) return null;
    room -= floats.byteLength;
    const place = { file: `expanded_${data.size}`, offset: 0, length: floats.byteLength };
    data.set(place.file, floats);
    const name = `${output}.fp32`;
    graph.addTensor({ name, dims: [slice.rows, slice.columns], dataType: ELEMENT.float32, data: place });
    const attributes = intAttributes({ transB: 1 });
    return { name: output, opType: 'FusedMatMul', domain: BLOCKED, inputs: [x, name], outputs: [output], attributes };
  };
  const asQ4 = (node: OnnxNode, { rows, packed, scales, zeroPoints }: Matrix, output: string): OnnxNode => {
    const weights = [packed, scales, ...(zeroPoints ? [zeroPoints] : [])];
    for (const tensor of weights) if (!graph.tensor(tensor.name)) graph.addTensor(tensor);
    const inputs = [node.inputs[0] ?? '', ...weights.map(({ name }) => name)];
    const attributes = new Map([...node.attributes, ...intAttributes({ N: rows })]);
    return { ...node, name: output, inputs, outputs: [output], attributes };
  };

  const freed: string[] = [];
  for (const node of graph.nodes) {
    const matrix = readMatrix(graph, node);
    const [output] = node.outputs;
    if (!matrix || output === undefined) continue;
    const [x = '', ...weights] = node.inputs;
    const slices = slicesOf(matrix, sliceBytes);
    const parts = slices.map((slice, i) => {
      const name = slices.length === 1 ? output : `${output}.slice${i}`;
      const floats = asFloat32(slice, x, name);
      if (floats) expanded++;
      else left++;
      return floats ?? (slices.length === 1 ? node : asQ4(node, slice, name));
    });
    if (parts.length === 1 && parts[0] === node) continue;
    if (parts.length > 1)
      parts.push({
        name: output,
        opType: 'Concat',
        domain: '',
        inputs: parts.flatMap(({ outputs }) => outputs),
        outputs: [output],
        attributes: intAttributes({ axis: -1 }),
      });
    graph.replace(node, parts);
    freed.push(...weights);
  }
  graph.dropUnused(freed);
  return { data, expanded, left };
}
