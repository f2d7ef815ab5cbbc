/** Rows of keys or values in GPU buffers, [kvHeads, rows, headDim]: moved to where heads lie nearer or further apart. */

export interface GpuRows {
  label: string;
  buffer: GPUBuffer;
  heads: number;
  /** Bytes from one head's first row to the next's. */
  headStride: number;
  /** Bytes of a head's rows that hold something. */
  headBytes: number;
}

/** What `from` holds, at the beginning of each of the heads of `to`. */
export function copyRows(encoder: GPUCommandEncoder, from: GpuRows, to: Pick<GpuRows, 'buffer' | 'headStride'>): void {
  for (let h = 0; h < from.heads && from.headBytes > 0; h++)
    encoder.copyBufferToBuffer(from.buffer, h * from.headStride, to.buffer, h * to.headStride, from.headBytes);
}

/** What `make` makes on the GPU; null, and all let go of, where there was no memory for it. */
export async function tryAllocate<T>(device: GPUDevice, make: () => T, letGo: (made: T) => void): Promise<T | null> {
  device.pushErrorScope('out-of-memory');
  device.pushErrorScope('validation');
  const made = make();
  // Commands on a buffer that could not be had are invalid: that is not another error.
  const failures = await Promise.all([device.popErrorScope(), device.popErrorScope()]);
  if (failures.every((failure) => failure === null)) return made;
  letGo(made);
  return null;
}

/**
 * Copies rows to buffers that have no room for more.
 * @param rows where they are; asked again when they are put back, which may be elsewhere
 * @returns null where there is no memory for a copy
 */
export async function snapshotRows(
  device: GPUDevice,
  rows: () => readonly GpuRows[],
): Promise<{ restore(): void; dispose(): void } | null> {
  const submit = (encode: (encoder: GPUCommandEncoder) => void) => {
    const encoder = device.createCommandEncoder();
    encode(encoder);
    device.queue.submit([encoder.finish()]);
  };
  const make = (): GpuRows[] => {
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
  const letGo = (copies: GpuRows[]) => {
    for (const { buffer } of copies) buffer.destroy();
  };
  const copies = await tryAllocate(device, make, letGo);
  if (!copies) return null;
  return {
    restore() {
      submit((encoder) => {
        for (const [i, to] of rows().entries()) copyRows(encoder, copies[i] as GpuRows, to);
      });
      letGo(copies);
    },
    dispose: () => letGo(copies),
  };
}
