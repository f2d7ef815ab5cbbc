/**
 * @file Writes GGUF, the file format of llama.cpp (version 3):
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md It supports what a Gemma 3 in 4 bits needs: weights in Q4_0
 * and F32.
 */
import { open } from 'node:fs/promises';
import { float32ToFloat16 } from '../export/float-formats.ts';
import { BLOCK, quantise } from '../export/quantise.ts';

const MAGIC = 0x46554747;
const VERSION = 3;
const ALIGNMENT = 32;
const VALUE_TYPE = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;
const TENSOR_TYPE = { f32: 0, q4_0: 2 } as const;
/** A block has a scale in float16 and 32 values of half a byte. */
const Q4_0_BLOCK_BYTES = 2 + BLOCK / 2;

export type MetadataValue =
  | { type: 'uint32' | 'float32'; value: number }
  | { type: 'bool'; value: boolean }
  | { type: 'string'; value: string }
  | { type: 'strings'; value: readonly string[] }
  | { type: 'int32s'; value: readonly number[] }
  | { type: 'float32s'; value: readonly number[] };

export interface GgufTensor {
  name: string;
  type: keyof typeof TENSOR_TYPE;
  /** [rows, columns], or [columns]. */
  shape: readonly number[];
  /** Yields float32 values, whole rows at a time. */
  rows: () => AsyncIterable<Float32Array>;
}

class ByteWriter {
  private readonly parts: Buffer[] = [];

  private put(size: number, write: (buffer: Buffer) => void): void {
    const buffer = Buffer.alloc(size);
    write(buffer);
    this.parts.push(buffer);
  }
  uint32(value: number): void {
    this.put(4, (b) => b.writeUInt32LE(value));
  }
  uint64(value: number): void {
    this.put(8, (b) => b.writeBigUInt64LE(BigInt(value)));
  }
  float32(value: number): void {
    this.put(4, (b) => b.writeFloatLE(value));
  }
  bool(value: boolean): void {
    this.put(1, (b) => b.writeUInt8(value ? 1 : 0));
  }
  string(value: string): void {
    const bytes = Buffer.from(value);
    this.uint64(bytes.length);
    this.parts.push(bytes);
  }
  array(type: number, length: number): void {
    this.uint32(VALUE_TYPE.array);
    this.uint32(type);
    this.uint64(length);
  }
  finish(): Buffer {
    return Buffer.concat(this.parts);
  }
}

function writeMetadata(out: ByteWriter, name: string, entry: MetadataValue): void {
  out.string(name);
  switch (entry.type) {
    case 'uint32':
      out.uint32(VALUE_TYPE.uint32);
      return out.uint32(entry.value);
    case 'float32':
      out.uint32(VALUE_TYPE.float32);
      return out.float32(entry.value);
    case 'bool':
      out.uint32(VALUE_TYPE.bool);
      return out.bool(entry.value);
    case 'string':
      out.uint32(VALUE_TYPE.string);
      return out.string(entry.value);
    case 'strings':
      out.array(VALUE_TYPE.string, entry.value.length);
      for (const value of entry.value) out.string(value);
      return;
    case 'int32s':
      out.array(VALUE_TYPE.int32, entry.value.length);
      for (const value of entry.value) out.uint32(value);
      return;
    case 'float32s':
      out.array(VALUE_TYPE.float32, entry.value.length);
      for (const value of entry.value) out.float32(value);
  }
}

/**
 * @returns rows in Q4_0: blocks of a float16 scale and 16 bytes, whose lower halves are the block's first 16 values.
 */
export function q4_0(rows: Float32Array, columns: number): Uint8Array {
  const { packed, scales } = quantise(rows, columns);
  const halves = float32ToFloat16(scales);
  const out = new Uint8Array(scales.length * Q4_0_BLOCK_BYTES);
  const half = BLOCK / 2;
  const nibble = (block: number, i: number) => ((packed[block * half + (i >> 1)] as number) >> (4 * (i & 1))) & 15;
  for (let block = 0; block < scales.length; block++) {
    const at = block * Q4_0_BLOCK_BYTES;
    out[at] = (halves[block] as number) & 0xff;
    out[at + 1] = (halves[block] as number) >> 8;
    for (let i = 0; i < half; i++) out[at + 2 + i] = nibble(block, i) | (nibble(block, i + half) << 4);
  }
  return out;
}

const bytesIn = ({ type, shape }: GgufTensor): number => {
  const count = shape.reduce((a, b) => a * b, 1);
  return type === 'f32' ? count * 4 : (count / BLOCK) * Q4_0_BLOCK_BYTES;
};

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

export async function writeGguf(
  path: string,
  metadata: Readonly<Record<string, MetadataValue>>,
  tensors: readonly GgufTensor[],
): Promise<void> {
  const head = new ByteWriter();
  head.uint32(MAGIC);
  head.uint32(VERSION);
  head.uint64(tensors.length);
  head.uint64(Object.keys(metadata).length);
  for (const [name, value] of Object.entries(metadata)) writeMetadata(head, name, value);
  let offset = 0;
  for (const tensor of tensors) {
    head.string(tensor.name);
    head.uint32(tensor.shape.length);
    // GGUF lists lengths innermost first.
    for (const length of [...tensor.shape].reverse()) head.uint64(length);
    head.uint32(TENSOR_TYPE[tensor.type]);
    head.uint64(offset);
    offset += aligned(bytesIn(tensor));
  }
  const handle = await open(path, 'w');
  try {
    const start = head.finish();
    await handle.appendFile(start);
    await handle.appendFile(Buffer.alloc(aligned(start.length) - start.length));
    for (const tensor of tensors) {
      const columns = tensor.shape.at(-1) ?? 1;
      let written = 0;
      for await (const rows of tensor.rows()) {
        const bytes =
          tensor.type === 'q4_0' ? q4_0(rows, columns) : new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
        await handle.appendFile(bytes);
        written += bytes.length;
      }
      await handle.appendFile(Buffer.alloc(aligned(written) - written));
    }
  } finally {
    await handle.close();
  }
}
