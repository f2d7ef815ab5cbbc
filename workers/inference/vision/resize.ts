/**
 * Bilinear resizing with antialiasing that gives the bits of the reference's pictures, which Pillow's `BILINEAR` resized
 * (src/libImaging/Resample.c; torchvision's antialiased `resize` differs from it by one in a pixel of 100,000): a triangle
 * filter as wide as the scale, weights in fixed point of 22 bits, rows first, then columns, each result rounded to a byte.
 *
 * Rows arrive from top to bottom in strips, and only those that an unfinished row of the result needs are kept, so that a
 * picture of any height takes a few megabytes.
 */

/** Bits of a weight's fraction: with a byte's 8 bits and 2 to spare, sums fit in 32 bits. */
const PRECISION = 32 - 8 - 2;
const HALF = 1 << (PRECISION - 1);

/** One axis: for each position of the result, the source positions that it is made of, and their weights. */
interface Axis {
  /** First source position. */
  starts: Int32Array;
  /** Number of source positions. */
  counts: Int32Array;
  /** [positions, stride] */
  weights: Int32Array;
  stride: number;
}

function makeAxis(from: number, to: number): Axis {
  const scale = from / to;
  const support = Math.max(scale, 1);
  const stride = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(to);
  const counts = new Int32Array(to);
  const exact = new Float64Array(to * stride);
  for (let i = 0; i < to; i++) {
    const center = scale * (i + 0.5);
    const start = Math.max(Math.trunc(center - support + 0.5), 0);
    const count = Math.min(Math.min(Math.trunc(center + support + 0.5), from) - start, stride);
    let total = 0;
    for (let j = 0; j < count; j++) {
      const weight = Math.max(0, 1 - Math.abs((j + start - center + 0.5) / support));
      exact[i * stride + j] = weight;
      total += weight;
    }
    for (let j = i * stride; j < i * stride + count; j++) exact[j] = (exact[j] ?? 0) / total;
    starts[i] = start;
    counts[i] = count;
  }
  const weights = Int32Array.from(exact, (weight) => Math.trunc(0.5 + weight * 2 ** PRECISION));
  return { starts, counts, weights, stride };
}

/** Resizes one picture. */
export class Resizer {
  /** uint8 [size, size, 3], RGB, complete when all rows were pushed. */
  readonly result: Uint8Array<ArrayBuffer>;
  private readonly across: Axis;
  private readonly down: Axis;
  /** The last rows in the result's width: row y is at y modulo the number of rows that fit. */
  private readonly rowBuffer: Uint8Array;
  private readonly bufferedRows: number;
  private rowsIn = 0;
  private rowsOut = 0;

  /**
   * A picture of `width` × `height` becomes `size` × `size`, whatever its shape, as in the reference.
   * @throws RangeError for sides that are not positive integers
   */
  constructor(
    private readonly width: number,
    private readonly height: number,
    private readonly size: number,
  ) {
    for (const side of [width, height, size])
      if (!Number.isSafeInteger(side) || side < 1) throw new RangeError(`${side} is not a picture's side`);
    this.across = makeAxis(width, size);
    this.down = makeAxis(height, size);
    this.bufferedRows = Math.min(this.down.stride, height);
    this.rowBuffer = new Uint8Array(this.bufferedRows * size * 3);
    this.result = new Uint8Array(size * size * 3);
  }

  /**
   * The next rows, from the top.
   * @param pixels uint8 [rows, width, channels].
   * @param channels 3 for RGB; 4 for RGBA, whose alpha is ignored.
   * @throws RangeError for bytes that are not whole rows, and for more rows than the picture has
   */
  push(pixels: Uint8Array | Uint8ClampedArray, channels: 3 | 4): void {
    const stride = this.width * channels;
    const rows = pixels.length / stride;
    if (!Number.isInteger(rows) || this.rowsIn + rows > this.height)
      throw new RangeError(`${pixels.length} bytes are not rows of a picture of ${this.width}×${this.height}`);
    for (let row = 0; row < rows; row++) {
      this.narrowRow(pixels, row * stride, channels);
      this.rowsIn++;
      this.finishRows();
    }
  }

  private narrowRow(pixels: Uint8Array | Uint8ClampedArray, offset: number, channels: number): void {
    const { size, rowBuffer } = this;
    const { starts, counts, weights, stride } = this.across;
    let out = (this.rowsIn % this.bufferedRows) * size * 3;
    for (let x = 0; x < size; x++) {
      let at = offset + (starts[x] ?? 0) * channels;
      let r = HALF;
      let g = HALF;
      let b = HALF;
      const end = x * stride + (counts[x] ?? 0);
      for (let j = x * stride; j < end; j++, at += channels) {
        const weight = weights[j] ?? 0;
        r += weight * (pixels[at] ?? 0);
        g += weight * (pixels[at + 1] ?? 0);
        b += weight * (pixels[at + 2] ?? 0);
      }
      rowBuffer[out++] = clamp(r >> PRECISION);
      rowBuffer[out++] = clamp(g >> PRECISION);
      rowBuffer[out++] = clamp(b >> PRECISION);
    }
  }

  /** Computes the rows of the result whose last source row has arrived. */
  private finishRows(): void {
    const { size, rowBuffer, result, bufferedRows } = this;
    const { starts, counts, weights, stride } = this.down;
    const line = size * 3;
    for (; this.rowsOut < size; this.rowsOut++) {
      const y = this.rowsOut;
      const start = starts[y] ?? 0;
      const count = counts[y] ?? 0;
      if (start + count > this.rowsIn) return;
      for (let i = 0; i < line; i++) {
        let sum = HALF;
        for (let j = 0; j < count; j++)
          sum += (weights[y * stride + j] ?? 0) * (rowBuffer[((start + j) % bufferedRows) * line + i] ?? 0);
        result[y * line + i] = clamp(sum >> PRECISION);
      }
    }
  }
}

// Each weight is rounded by itself, so their sum may be a little more than one.
const clamp = (value: number): number => (value > 255 ? 255 : value);

/**
 * Resizes a whole picture.
 * @param pixels uint8 [height, width, channels].
 * @param width of the picture, in pixels.
 * @param height of the picture, in pixels.
 * @param channels bytes of a pixel, of which the first three are its colour.
 * @param size of the result's sides, in pixels.
 * @returns uint8 [size, size, 3]
 * @throws RangeError as Resizer
 */
export function resize(
  pixels: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
  channels: 3 | 4,
  size: number,
): Uint8Array<ArrayBuffer> {
  const resizer = new Resizer(width, height, size);
  resizer.push(pixels, channels);
  if (pixels.length !== width * height * channels) throw new RangeError('the picture is not complete');
  return resizer.result;
}
