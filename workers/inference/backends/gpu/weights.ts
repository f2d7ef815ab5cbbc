/**
 * A model's weights in GPU buffers of ours. Whoever computes with them, our kernels or onnxruntime sessions that take them as
 * inputs, reads the same buffers, so they are in memory once. They are uploaded from their files in pieces, a few of which are
 * in the worker's memory at a time.
 */
import { EngineError } from '../../../../protocol/engine.ts';
import type { ExternalData, StoredTensor } from '../../onnx/graph.ts';

const MIB = 2 ** 20;
const PIECE_BYTES = 16 * MIB;
/** Bytes that may be written before the GPU has taken those written earlier. */
const MAX_PENDING_BYTES = 4 * PIECE_BYTES;

/** A range of a weight file. */
interface FileRange extends ExternalData {
  length: number;
}

interface FileWeight {
  buffer: GPUBuffer;
  range: FileRange;
}

const rangeOf = ({ data }: StoredTensor): FileRange | null =>
  data instanceof Uint8Array || data.length === undefined ? null : { ...data, length: data.length };

/**
 * Whether a tensor's bytes in a weight file can be written to a buffer as they are: WebGPU writes multiples of four bytes.
 * @param tensor a tensor of a graph
 * @returns false for tensors inside the graph, too
 */
export const isUploadable = (tensor: StoredTensor): boolean => {
  const range = rangeOf(tensor);
  return range !== null && range.length > 0 && range.offset % 4 === 0 && range.length % 4 === 0;
};

/** Buffers of a model's weights on one device. */
export class GpuWeights {
  private readonly fileWeights = new Map<string, FileWeight>();
  /** Buffers of tensors whose bytes are in the graph itself. */
  private readonly inlineWeights = new Map<Uint8Array, GPUBuffer>();

  /** @param device where the buffers are allocated */
  constructor(private readonly device: GPUDevice) {}

  /**
   * The buffer of a tensor, created when it is first asked for. Bytes from a file arrive with `upload`; tensors over the same
   * bytes share a buffer.
   * @param tensor a tensor in a file, of known length, or inside its graph
   * @returns its buffer
   * @throws EngineError `model-unsupported` if the length of the tensor's bytes is unknown
   */
  buffer(tensor: StoredTensor): GPUBuffer {
    const range = rangeOf(tensor);
    if (!range) return this.inlineBuffer(tensor);
    const key = `${range.file}:${range.offset}:${range.length}`;
    const existing = this.fileWeights.get(key);
    if (existing) return existing.buffer;
    const buffer = this.create(tensor.name, range.length);
    this.fileWeights.set(key, { buffer, range });
    return buffer;
  }

  private inlineBuffer({ name, data }: StoredTensor): GPUBuffer {
    if (!(data instanceof Uint8Array)) throw new EngineError('model-unsupported', `${name} has no length`);
    const existing = this.inlineWeights.get(data);
    if (existing) return existing;
    // Buffers are written and bound in multiples of four bytes.
    const padded = new Uint8Array(4 * Math.ceil(data.length / 4));
    padded.set(data);
    const buffer = this.create(name, padded.length);
    this.device.queue.writeBuffer(buffer, 0, padded);
    this.inlineWeights.set(data, buffer);
    return buffer;
  }

  private create(label: string, size: number): GPUBuffer {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    return this.device.createBuffer({ label, size, usage });
  }

  /**
   * Uploads the bytes of all buffers that were asked for so far.
   * @param files weight files by the names that the graphs refer to them by
   * @param signal ends the upload between two pieces
   * @returns a promise that resolves when the bytes are on the GPU
   * @throws EngineError `model-missing`, `model-damaged`, `aborted`; errors of reading a file
   */
  async upload(files: ReadonlyMap<string, Blob>, signal?: AbortSignal): Promise<void> {
    const byFile = new Map<string, FileWeight[]>();
    for (const weight of this.fileWeights.values()) {
      const { file } = weight.range;
      byFile.set(file, [...(byFile.get(file) ?? []), weight]);
    }
    for (const [file, weights] of byFile) {
      const blob = files.get(file);
      if (!blob) throw new EngineError('model-missing', `${file} is not in the model folder`);
      await this.uploadFile(blob, weights, signal);
    }
    await this.flush();
  }

  /** Resolves when everything written is on the GPU. Without a submission Firefox would keep all of it in memory. */
  private flush(): Promise<undefined> {
    this.device.queue.submit([]);
    return this.device.queue.onSubmittedWorkDone();
  }

  private async uploadFile(blob: Blob, weights: readonly FileWeight[], signal?: AbortSignal): Promise<void> {
    const inPiece = (start: number) =>
      weights.filter(({ range }) => range.offset < start + PIECE_BYTES && range.offset + range.length > start);
    const starts: number[] = [];
    for (let start = 0; start < blob.size; start += PIECE_BYTES) if (inPiece(start).length > 0) starts.push(start);
    const read = async (start: number | undefined) =>
      start === undefined ? null : new Uint8Array(await blob.slice(start, start + PIECE_BYTES).arrayBuffer());

    let ahead = read(starts[0]);
    let pending = 0;
    for (const [i, start] of starts.entries()) {
      const bytes = await ahead;
      if (signal?.aborted) throw new EngineError('aborted');
      ahead = read(starts[i + 1]);
      // Nobody awaits it if this loop ends early.
      ahead.catch(() => undefined);
      for (const { buffer, range } of inPiece(start)) {
        const from = Math.max(start, range.offset);
        const to = Math.min(start + PIECE_BYTES, range.offset + range.length);
        if (!bytes || to - start > bytes.length) throw new EngineError('model-damaged', `${range.file} is too short`);
        this.device.queue.writeBuffer(buffer, from - range.offset, bytes, from - start, to - from);
        pending += to - from;
      }
      if (pending < MAX_PENDING_BYTES) continue;
      await this.flush();
      pending = 0;
    }
  }

  /** Destroys all buffers. */
  dispose(): void {
    for (const { buffer } of this.fileWeights.values()) buffer.destroy();
    for (const buffer of this.inlineWeights.values()) buffer.destroy();
    this.fileWeights.clear();
    this.inlineWeights.clear();
  }
}
