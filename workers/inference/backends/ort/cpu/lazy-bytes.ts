/**
 * Bytes that are made when the runtime asks for them. onnxruntime's CPU build reads external data as Uint8Arrays, and of
 * each only `byteLength` and `subarray`, one tensor at a time: so no file and no expanded weight need be held whole.
 */
export class LazyBytes extends Uint8Array {
  /**
   * @param size bytes that there are
   * @param read gives those from `start` to `end`; they are used at once, so the next call may reuse their memory
   */
  constructor(
    private readonly size: number,
    private readonly read: (start: number, end: number) => Uint8Array,
  ) {
    super(0);
  }

  override get byteLength(): number {
    return this.size;
  }

  override subarray(start = 0, end = this.size): Uint8Array<ArrayBuffer> {
    return this.read(start, end) as Uint8Array<ArrayBuffer>;
  }
}

/** A Blob's bytes, read when they are asked for. For workers: pages cannot wait for a Blob. */
export function lazyBlob(blob: Blob): LazyBytes {
  const reader = new FileReaderSync();
  return new LazyBytes(blob.size, (start, end) => new Uint8Array(reader.readAsArrayBuffer(blob.slice(start, end))));
}
