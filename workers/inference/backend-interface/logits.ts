/** Logits where a backend left them: on the GPU, where they can be sampled, or in memory. */
import { EngineError } from '../../../protocol/engine.ts';
import { halvesToFloats } from '../onnx/float16.ts';

/** One position's logits in a GPU buffer. */
export interface GpuLogits {
  device: GPUDevice;
  buffer: GPUBuffer;
  /** Index of the position's first logit in the buffer, in elements. */
  offset: number;
  type: 'float32' | 'float16';
}

/** Result of a forward pass: [rows, vocabSize], the last row being the last token's. */
export interface LogitsSource {
  /** Positions in the source. */
  rows: number;
  vocabSize: number;
  type: 'float32' | 'float16';
  /** In memory (float16 as its bits), or in a buffer of a device. */
  storage: { data: Float32Array | Uint16Array } | { buffer: GPUBuffer; device: GPUDevice };
  /** Frees the storage, if the logits own it. */
  dispose?: (() => void) | undefined;
}

/** Logits of one or several positions; whoever receives them disposes of them. */
export class Logits {
  readonly vocabSize: number;

  /** @param source logits as the backend left them */
  constructor(private readonly source: LogitsSource) {
    this.vocabSize = source.vocabSize;
  }

  /** The last position's logits if they are on the GPU, else null. */
  get onGpu(): GpuLogits | null {
    const { rows, vocabSize, type, storage } = this.source;
    if (!('buffer' in storage)) return null;
    return { ...storage, offset: (rows - 1) * vocabSize, type };
  }

  /**
   * Copies the logits of the last positions to memory, and only these.
   * @param count number of positions
   * @returns float32 [count, vocabSize]
   * @throws EngineError `internal` if there are fewer positions; `device-lost`
   */
  async lastRows(count = 1): Promise<Float32Array> {
    const { rows, vocabSize, type, storage } = this.source;
    if (count > rows) throw new EngineError('internal', `${rows} rows of logits, ${count} wanted`);
    const from = (rows - count) * vocabSize;
    if ('buffer' in storage) return readBuffer(storage, type, from, count * vocabSize);
    const last = storage.data.subarray(from, from + count * vocabSize);
    return last instanceof Uint16Array ? halvesToFloats(last) : last.slice();
  }

  /** Frees the logits' storage. Idempotent if the backend's disposer is. */
  dispose(): void {
    this.source.dispose?.();
  }
}

/** Elements `from`…`from + count − 1` of a buffer, as float32. */
async function readBuffer(
  { buffer, device }: { buffer: GPUBuffer; device: GPUDevice },
  type: LogitsSource['type'],
  from: number,
  count: number,
): Promise<Float32Array> {
  const half = type === 'float16';
  const unit = half ? 2 : 4;
  // WebGPU copies multiples of 4 bytes: an odd row of float16 values is copied with its neighbour.
  const begin = (from * unit) & ~3;
  const size = ((from + count) * unit - begin + 3) & ~3;
  const staging = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, begin, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  try {
    await staging.mapAsync(GPUMapMode.READ);
    const bytes = staging.getMappedRange().slice(from * unit - begin);
    return half ? halvesToFloats(new Uint16Array(bytes, 0, count)) : new Float32Array(bytes, 0, count);
  } catch (cause) {
    throw new EngineError('device-lost', String(cause));
  } finally {
    staging.destroy();
  }
}
