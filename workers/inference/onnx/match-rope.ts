/**
 * Whether the cosines and sines that a graph gives its attention are those that our kernels compute from the configuration.
 * Our exports compute them (Cos and Sin of positions times frequencies); public exports store tables of them.
 */
import type { Rope } from '../../../protocol/gemma3-config.ts';
import { inverseFrequencies } from '../math/rope.ts';
import { ELEMENT, type OnnxGraph, type OnnxNode, type OnnxTensor } from './graph.ts';

/** The part of a Blob that is needed to read a table in a data file. */
interface Sliceable {
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}
/** Data files by the names that graphs call them. */
export type DataFiles = ReadonlyMap<string, Sliceable>;

/** Rows that are compared. They tell other bases and scalings apart, and rounding has not yet moved their angles. */
const POSITIONS: readonly number[] = [1, 2, 50, 1000];
/** Angles of these positions have an error of 1000 · 2⁻²⁴ in float32. */
const TOLERANCE = 1e-3;
/** Relative difference of frequencies, which are rounded to float32 several times. */
const FREQUENCY_TOLERANCE = 2 ** -20;

/** Finds the node that makes a value. */
export type Producer = (value: string) => OnnxNode | undefined;

const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT;
const INT64_BYTES = BigInt64Array.BYTES_PER_ELEMENT;

/** The numbers of a float32 or int64 tensor in the graph; null for other tensors. */
function numbersOf(tensor: OnnxTensor | undefined): number[] | null {
  if (!(tensor?.data instanceof Uint8Array)) return null;
  const { buffer, byteOffset, byteLength } = tensor.data;
  const view = new DataView(buffer, byteOffset, byteLength);
  if (tensor.dataType === ELEMENT.float32)
    return Array.from({ length: byteLength / FLOAT_BYTES }, (_, i) => view.getFloat32(i * FLOAT_BYTES, true));
  if (tensor.dataType === ELEMENT.int64)
    return Array.from({ length: byteLength / INT64_BYTES }, (_, i) => Number(view.getBigInt64(i * INT64_BYTES, true)));
  return null;
}

/**
 * Reads a constant of one number.
 * @param graph the graph
 * @param name name of the constant
 * @returns the number; null where there is none of this name, or it has several numbers
 */
export function scalarOf(graph: OnnxGraph, name: string | undefined): number | null {
  const numbers = numbersOf(graph.constant(name ?? ''));
  return numbers?.length === 1 ? (numbers[0] ?? null) : null;
}

/** Whether a value is [0, 1, 2, …] as a column. */
function isPositions(graph: OnnxGraph, producer: Producer, value: string): boolean {
  const column = producer(value);
  const axis = scalarOf(graph, column?.inputs[1]);
  if (column?.opType !== 'Unsqueeze' || (axis !== 1 && axis !== -1)) return false;
  const range = producer(column.inputs[0] ?? '');
  return range?.opType === 'Range' && scalarOf(graph, range.inputs[0]) === 0 && scalarOf(graph, range.inputs[2]) === 1;
}

/** Whether a value is the cosine or sine, by `opType`, of positions times the frequencies. */
function isComputed(
  graph: OnnxGraph,
  producer: Producer,
  value: string,
  opType: 'Cos' | 'Sin',
  expected: readonly number[],
): boolean {
  const node = producer(value);
  const angles = producer(node?.inputs[0] ?? '');
  if (node?.opType !== opType || angles?.opType !== 'Mul') return false;
  const [positions = '', frequencies = ''] = angles.inputs;
  const found = numbersOf(graph.constant(frequencies));
  return (
    found?.length === expected.length &&
    expected.every((frequency, i) => Math.abs(frequency - (found[i] ?? NaN)) <= FREQUENCY_TOLERANCE * frequency) &&
    isPositions(graph, producer, positions)
  );
}

/** Floats of a tensor, from the graph or a data file; none where the bytes end before. */
async function readFloats({ data }: OnnxTensor, from: number, count: number, files: DataFiles): Promise<Float32Array> {
  const [begin, end] = [from * FLOAT_BYTES, (from + count) * FLOAT_BYTES];
  const bytes =
    data instanceof Uint8Array
      ? Uint8Array.from(data.subarray(begin, end)).buffer
      : data &&
        (await files
          .get(data.file)
          ?.slice(data.offset + begin, data.offset + end)
          .arrayBuffer());
  return bytes?.byteLength === end - begin ? new Float32Array(bytes) : new Float32Array();
}

/** Whether a table [positions, headDim / 2] holds a function of positions times the frequencies. */
async function isStored(
  table: OnnxTensor,
  expected: (angle: number) => number,
  frequencies: readonly number[],
  files: DataFiles,
): Promise<boolean> {
  const [rows = 0, width, ...others] = table.dims;
  if (table.dataType !== ELEMENT.float32 || width !== frequencies.length || others.length > 0) return false;
  const positions = POSITIONS.filter((position) => position < rows);
  for (const position of positions) {
    const row = await readFloats(table, position * width, width, files);
    const isRow = frequencies.every(
      (frequency, i) => Math.abs((row[i] ?? NaN) - expected(position * frequency)) <= TOLERANCE,
    );
    if (!isRow) return false;
  }
  return positions.length > 0;
}

/** The names of the values that hold an attention's cosines and sines. */
export interface RopeValues {
  cos: string;
  sin: string;
}

/**
 * Checks whether cosines and sines are those of a configuration.
 * @param graph the graph that they are in.
 * @param producer finds the node of `graph` that makes a value.
 * @param values names of the cosines and sines.
 * @param expected the configuration's RoPE parameters, and the size of a head.
 * @param files the data files, of which a few rows are read where tables are stored in them.
 * @returns whether they match at some positions. Rejects with whatever reading a file does.
 */
export async function matchesRope(
  graph: OnnxGraph,
  producer: Producer,
  { cos, sin }: RopeValues,
  { rope, headDim }: { rope: Rope; headDim: number },
  files: DataFiles,
): Promise<boolean> {
  const frequencies = inverseFrequencies(rope, headDim);
  for (const [value, opType, expected] of [
    [cos, 'Cos', Math.cos],
    [sin, 'Sin', Math.sin],
  ] as const) {
    const table = graph.constant(value);
    const matches = table
      ? await isStored(table, expected, frequencies, files)
      : isComputed(graph, producer, value, opType, frequencies);
    if (!matches) return false;
  }
  return true;
}
