/**
 * 4-bit products as the CPU does them fast. onnxruntime has no quick 4-bit product in WebAssembly: it unpacks the weights
 * at each call, and takes 10 to 30 times as long as for floats. So where memory allows, a decoder's 4-bit matrices become
 * fp32 ones while it is loaded; the graph computes the same, up to rounding. Each matrix is made when the runtime asks for
 * it, in slices, so that no second copy is ever held.
 */
import { GIB } from '../../runtime/memory.ts';
import { dequantise } from './dequantise.ts';
import { LazyBytes } from './lazy-bytes.ts';
import { ELEMENT, type ExternalPlace, type OnnxGraph, type OnnxNode, type OnnxTensor } from './onnx-graph.ts';

/** The runtime packs a matrix into a copy before it lets go of it: smaller ones need less room for that. */
const SLICE_BYTES = 64 * 1024 ** 2;
const FLOAT_BYTES = 4;
const BLOCKED = 'com.microsoft';

/** A data file's bytes by its name in the graph. */
export type DataFiles = ReadonlyMap<string, Uint8Array>;

export interface Expanded {
  /** What the expanded matrices are read from, besides the files that were given. */
  data: Map<string, Uint8Array>;
  /** 4-bit products that became fp32, and that stayed as they were for want of memory. */
  expanded: number;
  left: number;
}

/**
 * Bytes that may go into expanded weights: a quarter of the computer's memory, and at most what leaves WebAssembly's 4 GiB
 * room for caches and activations.
 */
export const expansionBudget = (memoryGib: number): number => Math.min(2.5 * GIB, (memoryGib / 4) * GIB);

/** A 4-bit product that can be expanded. */
interface Product {
  node: OnnxNode;
  rows: number;
  columns: number;
  block: number;
  packed: OnnxTensor;
  scales: OnnxTensor;
  zeroPoints: OnnxTensor | null;
}

/** Null for other nodes, and for forms of the product that no known export uses. */
function readProduct(graph: OnnxGraph, node: OnnxNode): Product | null {
  if (node.opType !== 'MatMulNBits' || node.domain !== BLOCKED) return null;
  const [, packedName = '', scalesName = '', zerosName = '', ...others] = node.inputs;
  const rows = node.integers.get('N') ?? 0;
  const columns = node.integers.get('K') ?? 0;
  const block = node.integers.get('block_size') ?? 0;
  const packed = graph.tensor(packedName);
  const scales = graph.tensor(scalesName);
  const zeroPoints = zerosName ? graph.tensor(zerosName) : null;
  const readable =
    (node.integers.get('bits') ?? 4) === 4 &&
    others.every((name) => name === '') &&
    rows > 0 &&
    columns > 0 &&
    block > 0 &&
    block % 2 === 0 &&
    packed?.dataType === ELEMENT.uint8 &&
    packed.data !== null &&
    scales?.dataType === ELEMENT.float32 &&
    scales.data !== null &&
    (zeroPoints === null || (zeroPoints?.dataType === ELEMENT.uint8 && zeroPoints.data !== null));
  return readable ? { node, rows, columns, block, packed, scales, zeroPoints } : null;
}

/** A stretch of a tensor's bytes, wherever they are. @throws Error where its file is missing */
function bytesOf({ name, data }: OnnxTensor, start: number, end: number, files: DataFiles): Uint8Array {
  if (data instanceof Uint8Array) return data.subarray(start, end);
  const { file, offset } = data as ExternalPlace;
  const bytes = files.get(file);
  if (!bytes) throw new Error(`${name} is in ${file}, which the model lacks`);
  return bytes.subarray(offset + start, offset + end);
}

/** Floats may begin anywhere in a file; arrays of them may not. */
const floatsOf = (bytes: Uint8Array): Float32Array => new Float32Array(bytes.slice().buffer);

/** Memory for one slice after another. */
class Scratch {
  private floats = new Float32Array(0);

  get(count: number): Float32Array {
    if (this.floats.length < count) this.floats = new Float32Array(count);
    return this.floats.subarray(0, count);
  }
}

/** Rows `from` to `to` of a product's matrix in fp32 [rows, columns]. */
function lazyRows(product: Product, from: number, to: number, files: DataFiles, scratch: Scratch): LazyBytes {
  const { columns, block, packed, scales, zeroPoints } = product;
  const blocks = Math.ceil(columns / block);
  const rowsOf = (tensor: OnnxTensor, rowBytes: number) => bytesOf(tensor, from * rowBytes, to * rowBytes, files);
  return new LazyBytes((to - from) * columns * FLOAT_BYTES, (start, end) => {
    const floats = scratch.get((to - from) * columns);
    const matrix = {
      columns,
      block,
      packed: rowsOf(packed, (blocks * block) / 2),
      scales: floatsOf(rowsOf(scales, blocks * FLOAT_BYTES)),
      zeroPoints: zeroPoints && rowsOf(zeroPoints, (blocks + 1) >> 1),
    };
    dequantise(matrix, floats);
    return new Uint8Array(floats.buffer, start, end - start);
  });
}

/** @param budget bytes that expanded matrices may take */
export function expandProducts(graph: OnnxGraph, files: DataFiles, budget: number, sliceBytes = SLICE_BYTES): Expanded {
  const data = new Map<string, Uint8Array>();
  const scratch = new Scratch();
  const freed: string[] = [];
  let expanded = 0;
  let left = 0;
  let room = budget;
  for (const node of graph.nodes) {
    const product = readProduct(graph, node);
    if (!product) continue;
    const { rows, columns } = product;
    const bytes = rows * columns * FLOAT_BYTES;
    if (bytes > room) {
      left++;
      continue;
    }
    room -= bytes;
    expanded++;
    const [x = '', ...weights] = node.inputs;
    const slices = Math.ceil(bytes / sliceBytes);
    const each = Math.ceil(rows / slices);
    const parts: OnnxNode[] = [];
    for (let from = 0; from < rows; from += each) {
      const to = Math.min(rows, from + each);
      const name = `${node.outputs[0] ?? node.name}.rows${from}`;
      const file = `expanded_${data.size}`;
      const slice = lazyRows(product, from, to, files, scratch);
      data.set(file, slice);
      const place = { file, offset: 0, length: slice.byteLength };
      graph.addTensor({ name: `${name}.fp32`, dims: [to - from, columns], dataType: ELEMENT.float32, data: place });
      parts.push({
        name,
        opType: 'FusedMatMul',
        domain: BLOCKED,
        inputs: [x, `${name}.fp32`],
        outputs: slices === 1 ? node.outputs : [name],
        integers: new Map([['transB', 1]]),
      });
    }
    if (slices > 1)
      parts.push({
        name: `${node.name}.joined`,
        opType: 'Concat',
        domain: '',
        inputs: parts.flatMap(({ outputs }) => outputs),
        outputs: node.outputs,
        integers: new Map([['axis', -1]]),
      });
    graph.replace(node, parts);
    freed.push(...weights);
  }
  graph.dropUnused(freed);
  return { data, expanded, left };
}
