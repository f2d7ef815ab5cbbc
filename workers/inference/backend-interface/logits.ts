/** Logits as a run of the graph left them: on the GPU, where they can be sampled, or in memory. */
import type { Tensor } from 'onnxruntime-web';
import { EngineError } from '../../../protocol/engine.ts';
import { halvesToFloats } from '../onnx/float16.ts';

/** One position's logits in a buffer. */
export interface GpuLogits {
  device: GPUDevice;
  buffer: GPUBuffer;
  /** Index of the first logit. */
  first: number;
  type: 'float32' | 'float16';
}

export class Logits {
  /** Positions that the graph gave logits of. */
  private readonly rows: number;
  readonly vocabSize: number;

  /** @param tensor [1, rows, vocabSize] */
  constructor(
    private readonly tensor: Tensor,
    private readonly device: GPUDevice | undefined,
  ) {
    this.vocabSize = tensor.dims.at(-1) ?? 0;
    this.rows = tensor.dims.at(-2) ?? 1;
  }

  /** The last position's, if they are on the GPU. */
  get onGpu(): GpuLogits | null {
    if (this.tensor.location !== 'gpu-buffer' || !this.device) return null;
    return {
      device: this.device,
      buffer: this.tensor.gpuBuffer as GPUBuffer,
      first: (this.rows - 1) * this.vocabSize,
      type: this.tensor.type === 'float16' ? 'float16' : 'float32',
    };
  }

  /** The last `keep` positions', wherever they are, and only these are brought here: [keep, vocabSize]. */
  async lastRows(keep = 1): Promise<Float32Array> {
    const { tensor, rows, vocabSize, device } = this;
    if (keep > rows) throw new EngineError('internal', `${rows} rows of logits, ${keep} wanted`);
    const half = tensor.type === 'float16';
    const from = (rows - keep) * vocabSize;
    if (tensor.location !== 'gpu-buffer') {
      const data = tensor.data as Float32Array | Uint16Array;
      const last = data.subarray(from, from + keep * vocabSize);
      return half
        ? halvesToFloats(new Uint16Array(last.buffer, last.byteOffset, last.length))
        : (last as Float32Array).slice();
    }
    if (!device) throw new EngineError('internal', 'logits on a GPU we do not own');
    const unit = half ? 2 : 4;
    // Copies want multiples of 4 bytes: an odd row of halves is brought with its neighbour.
    const begin = (from * unit) & ~3;
    const size = ((from + keep * vocabSize) * unit - begin + 3) & ~3;
    const staging = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(tensor.gpuBuffer as GPUBuffer, begin, staging, 0, size);
    device.queue.submit([encoder.finish()]);
    try {
      await staging.mapAsync(GPUMapMode.READ);
      const bytes = staging.getMappedRange().slice(from * unit - begin);
      return half
        ? halvesToFloats(new Uint16Array(bytes, 0, keep * vocabSize))
        : new Float32Array(bytes, 0, keep * vocabSize);
    } catch (cause) {
      throw new EngineError('device-lost', String(cause));
    } finally {
      staging.destroy();
    }
  }

  dispose(): void {
    this.tensor.dispose();
  }
}
