/** Copies of cache rows between GPU buffers [kvHeads, rows, headDim] whose heads lie nearer or further apart. */
import type { CacheSnapshot } from '../../backend-interface/kv-cache.ts';

/** The rows that are in use of one key or value buffer. */
export interface GpuRows {
  label: string;
  buffer: GPUBuffer;
  /** Number of key/value heads. */
  heads: number;
  /** Bytes from one head's first row to the next head's. */
  headStride: number;
  /** Bytes of a head's rows that are in use. */
  headBytes: number;
}

/** Number of buffer rows that are allocated for each head and that are in use. */
export interface RowCounts {
  allocated: number;
  used: number;
}

/**
 * Describes the rows in use of a key or value buffer.
 * @param shape the buffer's label and number of heads, and the bytes of a row
 * @param buffer the buffer [heads, allocated, row]
 * @param counts its rows
 * @returns the description
 */
export function describeRows(
  { label, heads, rowBytes }: { label: string; heads: number; rowBytes: number },
  buffer: GPUBuffer,
  { allocated, used }: RowCounts,
): GpuRows {
  return { label, buffer, heads, headStride: allocated * rowBytes, headBytes: used * rowBytes };
}

/**
 * Encodes a copy of the rows in use to the beginning of each head of another buffer.
 * @param encoder takes the copy commands
 * @param from the rows to copy
 * @param to a buffer with as many heads
 */
export function copyRows(encoder: GPUCommandEncoder, from: GpuRows, to: Pick<GpuRows, 'buffer' | 'headStride'>): void {
  for (let h = 0; h < from.heads && from.headBytes > 0; h++)
    encoder.copyBufferToBuffer(from.buffer, h * from.headStride, to.buffer, h * to.headStride, from.headBytes);
}

/**
 * Allocates GPU resources, unless memory runs out.
 * @param device the device that `create` allocates on
 * @param create allocates, and may submit commands that use what it allocated
 * @param free frees what `create` returned
 * @returns null, with everything freed, on out-of-memory
 */
export async function tryAllocate<T>(
  device: GPUDevice,
  create: () => T,
  free: (created: T) => void,
): Promise<T | null> {
  device.pushErrorScope('out-of-memory');
  device.pushErrorScope('validation');
  const created = create();
  // Commands on a buffer that could not be allocated are invalid, which is not a second error.
  const failures = await Promise.all([device.popErrorScope(), device.popErrorScope()]);
  if (failures.every((failure) => failure === null)) return created;
  free(created);
  return null;
}

/**
 * Copies rows of a cache to buffers of exactly their size.
 * @param device the device of the cache
 * @param rows gives the rows; asked again on restore, when the cache's buffers may be others
 * @param cache the snapshot's `reusableLength`, and what the cache does once its rows are restored
 * @returns null on out-of-memory
 */
export async function snapshotRows(
  device: GPUDevice,
  rows: () => readonly GpuRows[],
  { reusableLength, onRestore }: Pick<CacheSnapshot, 'reusableLength'> & { onRestore: () => void },
): Promise<CacheSnapshot | null> {
  const submit = (encode: (encoder: GPUCommandEncoder) => void) => {
    const encoder = device.createCommandEncoder();
    encode(encoder);
    device.queue.submit([encoder.finish()]);
  };
  const create = (): GpuRows[] => {
    const copies = rows().map(({ label, heads, headBytes }) => {
      const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
      const buffer = device.createBuffer({ size: heads * headBytes, usage, label: `snapshot of ${label}` });
      return { label, buffer, heads, headStride: headBytes, headBytes };
    });
    submit((encoder) => {
      for (const [i, from] of rows().entries()) copyRows(encoder, from, copies[i] as GpuRows);
    });
    return copies;
  };
  const free = (copies: GpuRows[]) => {
    for (const { buffer } of copies) buffer.destroy();
  };
  const copies = await tryAllocate(device, create, free);
  if (!copies) return null;
  return {
    bytes: copies.reduce((sum, { heads, headBytes }) => sum + heads * headBytes, 0),
    reusableLength,
    restore() {
      submit((encoder) => {
        for (const [i, to] of rows().entries()) copyRows(encoder, copies[i] as GpuRows, to);
      });
      free(copies);
      onRestore();
    },
    dispose: () => free(copies),
  };
}
