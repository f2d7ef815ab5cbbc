/**
 * Bytes that are computed or read when the runtime asks for them. onnxruntime's CPU build takes external data as Uint8Arrays
 * and uses only `byteLength` and `subarray` of each, one tensor at a time. So no weight file and no expanded weight has to be
 * in memory as a whole.
 */
export class LazyBytes extends Uint8Array {
  /**
   * @param size number of bytes
   * @param read returns bytes `start`…`end − 1`, which are used at once, so that the next call may reuse their memory
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

/**
 * A Blob's bytes, read when the runtime asks for them. Only workers have FileReaderSync.
 * @param blob the Blob
 * @returns its bytes
 */
export function lazyBlob(blob: Blob): LazyBytes {
  const reader = new FileReaderSync();
  return new LazyBytes(blob.size, (start, end) => new Uint8Array(reader.readAsArrayBuffer(blob.slice(start, end))));
}
