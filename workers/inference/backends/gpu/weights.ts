/**
 * A model's weights on the GPU, in buffers of ours: whoever computes with them (onnxruntime's sessions, to which they are
 * given as inputs, and our own kernels) reads the same bytes, so they are held once. They stream from their files while
 * sessions are being made, and at most a few pieces of them are in memory at a time.
 */
import { EngineError } from '../../../../protocol/engine.ts';
import type { ExternalPlace, StoredTensor } from '../../onnx/graph.ts';

const MIB = 2 ** 20;
const PIECE = 16 * MIB;
/** Bytes that may be on their way to the GPU. */
const IN_FLIGHT = 4 * PIECE;

interface Place extends ExternalPlace {
  length: number;
}

interface Resident {
  buffer: GPUBuffer;
  place: Place;
}

const placeOf = ({ data }: StoredTensor): Place | null =>
  data instanceof Uint8Array || data.length === undefined ? null : { ...data, length: data.length };

/** Whether a tensor lies in a file in the way buffers are written: in steps of four bytes. */
export const canReside = (tensor: StoredTensor): boolean => {
  const place = placeOf(tensor);
  return place !== null && place.length > 0 && place.offset % 4 === 0 && place.length % 4 === 0;
};

export class GpuWeights {
  private readonly residents = new Map<string, Resident>();
  /** Of tensors that are in a graph itself. */
  private readonly inside = new Map<Uint8Array, GPUBuffer>();

  constructor(private readonly device: GPUDevice) {}

  /** The buffer of a tensor; its bytes come with `upload`. Tensors over the same bytes share one. */
  buffer(tensor: StoredTensor): GPUBuffer {
    const place = placeOf(tensor);
    if (!place) return this.insideBuffer(tensor);
    const key = `${place.file}:${place.offset}:${place.length}`;
    const known = this.residents.get(key);
    if (known) return known.buffer;
    const buffer = this.create(tensor.name, place.length);
    this.residents.set(key, { buffer, place });
    return buffer;
  }

  private insideBuffer({ name, data }: StoredTensor): GPUBuffer {
    if (!(data instanceof Uint8Array)) throw new EngineError('model-unsupported', `${name} has no length`);
    const known = this.inside.get(data);
    if (known) return known;
    // Buffers are written and bound in steps of four bytes.
    const padded = new Uint8Array(4 * Math.ceil(data.length / 4));
    padded.set(data);
    const buffer = this.create(name, padded.length);
    this.device.queue.writeBuffer(buffer, 0, padded);
    this.inside.set(data, buffer);
    return buffer;
  }

  private create(label: string, size: number): GPUBuffer {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    return this.device.createBuffer({ label, size, usage });
  }

  /**
   * Fills all buffers asked for so far.
   * @throws EngineError `model-missing`; whatever reading a file throws
   */
  async upload(files: ReadonlyMap<string, Blob>, signal?: AbortSignal): Promise<void> {
    const byFile = new Map<string, Resident[]>();
    for (const resident of this.residents.values()) {
      const { file } = resident.place;
      byFile.set(file, [...(byFile.get(file) ?? []), resident]);
    }
    for (const [file, residents] of byFile) {
      const blob = files.get(file);
      if (!blob) throw new EngineError('model-missing', `${file} is not in the model folder`);
      await this.uploadFile(blob, residents, signal);
    }
    await this.written();
  }

  /** Resolves when what was written is on the GPU; without a submission Firefox would keep all of it waiting, in memory. */
  private written(): Promise<undefined> {
    this.device.queue.submit([]);
    return this.device.queue.onSubmittedWorkDone();
  }

  private async uploadFile(blob: Blob, residents: readonly Resident[], signal?: AbortSignal): Promise<void> {
    const inPiece = (start: number) =>
      residents.filter(({ place }) => place.offset < start + PIECE && place.offset + place.length > start);
    const starts: number[] = [];
    for (let start = 0; start < blob.size; start += PIECE) if (inPiece(start).length > 0) starts.push(start);
    const read = async (start: number | undefined) =>
      start === undefined ? null : new Uint8Array(await blob.slice(start, start + PIECE).arrayBuffer());

    let ahead = read(starts[0]);
    let sent = 0;
    for (const [i, start] of starts.entries()) {
      const bytes = await ahead;
      if (signal?.aborted) throw new EngineError('aborted');
      ahead = read(starts[i + 1]);
      // Nobody waits for it if this loop ends before.
      ahead.catch(() => undefined);
      for (const { buffer, place } of inPiece(start)) {
        const from = Math.max(start, place.offset);
        const to = Math.min(start + PIECE, place.offset + place.length);
        if (!bytes || to - start > bytes.length) throw new EngineError('model-damaged', `${place.file} is too short`);
        this.device.queue.writeBuffer(buffer, from - place.offset, bytes, from - start, to - from);
        sent += to - from;
      }
      if (sent < IN_FLIGHT) continue;
      await this.written();
      sent = 0;
    }
  }

  dispose(): void {
    for (const { buffer } of this.residents.values()) buffer.destroy();
    for (const buffer of this.inside.values()) buffer.destroy();
    this.residents.clear();
    this.inside.clear();
  }
}
