/**
 * @file Reads safetensors files: `model.safetensors`, or shards with `model.safetensors.index.json`. A file is the length
 * of a JSON header (uint64), the header, and the data (https://github.com/huggingface/safetensors#format). Guarantees:
 * every offset is checked against the file before anything is read, and tensors are read a few rows at a time, as float32,
 * whatever type they are stored in.
 */
import { open, readFile, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { bfloat16ToFloat32, float16ToFloat32 } from './float-formats.ts';
import { ExportError } from './failure.ts';
import { elementCount } from './tensor.ts';

const FLOAT_BYTES: Record<string, number> = { F32: 4, F16: 2, BF16: 2 };
/** Bits of an element of every type, to check headers. Only the floats above can be read. */
const TYPE_BITS: Record<string, number> = {
  ...{ BOOL: 8, U8: 8, I8: 8, F8_E5M2: 8, F8_E4M3: 8, F8_E8M0: 8, I16: 16, U16: 16, F16: 16, BF16: 16 },
  ...{ I32: 32, U32: 32, F32: 32, F64: 64, I64: 64, U64: 64, C64: 64, F4: 4, F6_E2M3: 6, F6_E3M2: 6 },
};
/** The format's own limit on headers. */
const MAX_HEADER = 100_000_000;
/** Weights converted at a time: 8 MiB as float32. */
const PIECE_ELEMENTS = 2 * 1024 * 1024;
/** Bytes compared at a time. */
const COMPARED = 8 * 1024 * 1024;

/** A tensor in a file. */
export interface StoredTensor {
  name: string;
  shape: readonly number[];
  /** Type as the file spells it: F32, BF16, … */
  dtype: string;
  /** Name of the file, for messages. */
  file: string;
  handle: FileHandle;
  /** Position of the first byte in the file. */
  offset: number;
  /** Length in bytes. */
  bytes: number;
}

function readEntry(file: string, name: string, raw: unknown): Pick<StoredTensor, 'shape' | 'dtype'> & { at: number[] } {
  const entry = raw as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
  const counts = (value: unknown): value is number[] =>
    Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
  if (
    typeof entry !== 'object' ||
    typeof entry.dtype !== 'string' ||
    !counts(entry.shape) ||
    !counts(entry.data_offsets)
  )
    throw new ExportError(`${file}: the header's entry for ${name} cannot be read.`);
  return { shape: entry.shape, dtype: entry.dtype, at: entry.data_offsets };
}

async function readHeader(handle: FileHandle, file: string): Promise<StoredTensor[]> {
  const { size } = await handle.stat();
  const cutShort = (need: number) =>
    new ExportError(`${file} is cut short: it has ${size} bytes where its header asks for ${need}. Fetch it again.`);
  const prefix = Buffer.alloc(8);
  if (size < 8) throw cutShort(8);
  await handle.read(prefix, 0, 8, 0);
  const length = Number(prefix.readBigUInt64LE(0));
  if (length > MAX_HEADER) throw new ExportError(`${file} is not a safetensors file: its header would be too long.`);
  if (8 + length > size) throw cutShort(8 + length);
  const text = Buffer.alloc(length);
  await handle.read(text, 0, length, 8);
  let header: unknown;
  try {
    header = JSON.parse(text.toString('utf8'));
  } catch (cause) {
    throw new ExportError(`${file} is not a safetensors file: its header is not JSON.`, { cause });
  }
  if (typeof header !== 'object' || header === null) throw new ExportError(`${file} is not a safetensors file.`);
  const start = 8 + length;
  const tensors: StoredTensor[] = [];
  for (const [name, raw] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { shape, dtype, at } = readEntry(file, name, raw);
    const [from = 0, to = 0] = at;
    const bits = TYPE_BITS[dtype];
    if (to < from || (bits !== undefined && (elementCount(shape) * bits) / 8 !== to - from))
      throw new ExportError(`${file}: ${name} does not have the bytes that its shape [${shape.join(', ')}] asks for.`);
    if (start + to > size) throw cutShort(start + to);
    tensors.push({ name, shape, dtype, file, handle, offset: start + from, bytes: to - from });
  }
  return tensors;
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Names the files that hold a checkpoint's weights. @throws ExportError where there are none that can be read */
async function weightFiles(folder: string): Promise<string[]> {
  if (await exists(join(folder, 'model.safetensors'))) return ['model.safetensors'];
  const index = join(folder, 'model.safetensors.index.json');
  if (await exists(index)) {
    let map: unknown;
    try {
      map = (JSON.parse(await readFile(index, 'utf8')) as { weight_map?: unknown }).weight_map;
    } catch (cause) {
      throw new ExportError('model.safetensors.index.json is not JSON.', { cause });
    }
    const files = typeof map === 'object' && map !== null ? [...new Set(Object.values(map))] : [];
    if (!files.length || !files.every((f): f is string => typeof f === 'string' && /^[^/\\]+\.safetensors$/.test(f)))
      throw new ExportError('model.safetensors.index.json does not say which files the weights are in.');
    for (const file of files)
      if (!(await exists(join(folder, file))))
        throw new ExportError(`${file} is missing: model.safetensors.index.json names it.`);
    return files.sort();
  }
  if (await exists(join(folder, 'adapter_model.safetensors')))
    throw new ExportError(`${folder} holds a LoRA adapter, not a model: merge it into its base model first.`);
  if (await exists(join(folder, 'pytorch_model.bin')))
    throw new ExportError(`${folder} has its weights in pytorch_model.bin: save them as safetensors first.`);
  throw new ExportError(`${folder} has no model.safetensors and no model.safetensors.index.json.`);
}

/** The open weight files of a checkpoint. */
export class Safetensors {
  private constructor(
    readonly tensors: ReadonlyMap<string, StoredTensor>,
    private readonly handles: FileHandle[],
  ) {}

  /**
   * Opens the weight files of a checkpoint folder and checks their headers.
   * @param folder the checkpoint.
   * @returns the files, which the caller closes.
   * @throws ExportError where a file is missing, cut short, or not what it says.
   */
  static async open(folder: string): Promise<Safetensors> {
    return Safetensors.openFiles(folder, await weightFiles(folder));
  }

  /** Opens files that the caller names, as `open` does. */
  static async openFiles(folder: string, files: readonly string[]): Promise<Safetensors> {
    const handles: FileHandle[] = [];
    const tensors = new Map<string, StoredTensor>();
    try {
      for (const file of files) {
        const handle = await open(join(folder, file), 'r');
        handles.push(handle);
        for (const tensor of await readHeader(handle, file)) {
          if (tensors.has(tensor.name)) throw new ExportError(`${tensor.name} is in two files.`);
          tensors.set(tensor.name, tensor);
        }
      }
    } catch (cause) {
      await Promise.all(handles.map((h) => h.close()));
      throw cause;
    }
    return new Safetensors(tensors, handles);
  }

  /** Closes all files. */
  async close(): Promise<void> {
    await Promise.all(this.handles.map((h) => h.close()));
  }
}

/** Reads `count` elements from index `first` on, as float32. @throws ExportError for types that are not floats */
async function readElements(tensor: StoredTensor, first: number, count: number): Promise<Float32Array> {
  const size = FLOAT_BYTES[tensor.dtype];
  if (!size)
    throw new ExportError(
      `${tensor.file}: ${tensor.name} is stored as ${tensor.dtype}; only F32, F16 and BF16 weights can be exported.`,
    );
  const buffer = new Uint8Array(count * size);
  const { bytesRead } = await tensor.handle.read(buffer, 0, buffer.length, tensor.offset + first * size);
  if (bytesRead !== buffer.length) throw new ExportError(`${tensor.file} ended while ${tensor.name} was read.`);
  if (size === 4) return new Float32Array(buffer.buffer);
  const halves = new Uint16Array(buffer.buffer);
  return tensor.dtype === 'BF16' ? bfloat16ToFloat32(halves) : float16ToFloat32(halves);
}

/**
 * Tells whether a tensor's elements can be read.
 * @param tensor any tensor.
 * @returns whether its type is F32, F16 or BF16.
 */
export const isFloats = ({ dtype }: StoredTensor): boolean => dtype in FLOAT_BYTES;

/**
 * Compares two tensors byte for byte.
 * @param one a tensor.
 * @param other another.
 * @returns whether type and bytes are equal.
 */
export async function sameBytes(one: StoredTensor, other: StoredTensor): Promise<boolean> {
  if (one.dtype !== other.dtype || one.bytes !== other.bytes) return false;
  const pieces = [one, other].map((tensor) => ({ tensor, buffer: Buffer.alloc(Math.min(COMPARED, one.bytes)) }));
  for (let at = 0; at < one.bytes; at += COMPARED) {
    const length = Math.min(COMPARED, one.bytes - at);
    for (const { tensor, buffer } of pieces) await tensor.handle.read(buffer, 0, length, tensor.offset + at);
    const [a, b] = pieces.map(({ buffer }) => buffer.subarray(0, length));
    if (!a || !b?.equals(a)) return false;
  }
  return true;
}

/**
 * Reads a whole tensor, which is small or has to be transposed.
 * @param tensor of floats.
 * @returns float32 [shape].
 * @throws ExportError where the file ends early.
 */
export const readAll = (tensor: StoredTensor): Promise<Float32Array> =>
  readElements(tensor, 0, elementCount(tensor.shape));

/**
 * Reads a tensor in order, whole rows of the last dimension, some MB at a time.
 * @param tensor of floats.
 * @yields float32 [rows, columns].
 * @throws ExportError where the file ends early.
 */
export async function* readRows(tensor: StoredTensor): AsyncGenerator<Float32Array> {
  const total = elementCount(tensor.shape);
  const row = tensor.shape.at(-1) ?? 1;
  const step = Math.max(1, Math.floor(PIECE_ELEMENTS / row)) * row;
  for (let at = 0; at < total; at += step) yield await readElements(tensor, at, Math.min(step, total - at));
}
