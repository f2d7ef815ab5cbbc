/** A tensor that is made piece by piece while it is written, so that a model never has to fit in memory. */

export type ElementType = 'float32' | 'float16' | 'uint8' | 'int64' | 'int32' | 'bool';

export const ELEMENT_BYTES: Record<ElementType, number> = {
  float32: 4,
  float16: 2,
  uint8: 1,
  int64: 8,
  int32: 4,
  bool: 1,
};

export interface LazyTensor {
  name: string;
  type: ElementType;
  dims: readonly number[];
  /** The bytes in order, little endian, at most some tens of MB at a time. Read once, in the order tensors were added. */
  pieces: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

export const elementCount = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

export const byteLength = (tensor: Pick<LazyTensor, 'type' | 'dims'>): number =>
  elementCount(tensor.dims) * ELEMENT_BYTES[tensor.type];

/** The bytes behind any typed array, without a copy. */
export const bytesOf = (view: ArrayBufferView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
