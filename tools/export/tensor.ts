/** @file Tensors that are computed piece by piece while they are written, so that a model need not fit in memory. */

/** Types of elements that exports use. */
export type ElementType = 'float32' | 'float16' | 'uint8' | 'int64' | 'int32' | 'bool';

/** Bytes of an element. */
export const ELEMENT_BYTES: Record<ElementType, number> = {
  float32: 4,
  float16: 2,
  uint8: 1,
  int64: 8,
  int32: 4,
  bool: 1,
};

/** A tensor of a graph, whose bytes are computed on demand. */
export interface LazyTensor {
  name: string;
  type: ElementType;
  dims: readonly number[];
  /** The bytes in order, little endian, at most some tens of MB at a time. Read once, in the order tensors were added. */
  pieces: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/**
 * Counts elements.
 * @param dims the tensor's shape; [] is a scalar.
 * @returns the product.
 */
export const elementCount = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/**
 * Size of a tensor.
 * @param tensor its type and shape.
 * @returns bytes.
 */
export const byteLength = (tensor: Pick<LazyTensor, 'type' | 'dims'>): number =>
  elementCount(tensor.dims) * ELEMENT_BYTES[tensor.type];

/**
 * Views a typed array as bytes, without a copy.
 * @param view any typed array.
 * @returns its bytes.
 */
export const bytesOf = (view: ArrayBufferView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
