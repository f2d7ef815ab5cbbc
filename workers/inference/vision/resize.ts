/**
 * Bilinear resizing with antialiasing, to the bit as the reference's pictures were resized: Pillow's `BILINEAR`
 * (src/libImaging/Resample.c; torchvision's antialiased `resize` differs from it by one in a pixel of 100,000). A triangle
 * as wide as the shrinking, weights in fixed point of 22 bits, rows first, then columns, each result rounded to a byte.
 *
 * Rows are given from top to bottom in strips, and only those that an unfinished row of the result needs are held: a
 * picture of any height takes a few megabytes.
 */

/** Weights add up to 2 to the power of it: with a byte's 8 bits and 2 to spare, as many as 32 bits hold. */
const PRECISION = 32 - 8 - 2;
const HALF = 1 << (PRECISION - 1);

/** One axis: for each place of the result, the first source place, how many, and their weights. */
interface Axis {
  starts: Int32Array;
  counts: Int32Array;
  /** `most` a place. */
  weights: Int32Array;
  most: number;
}

function makeAxis(from: number, to: number): Axis {
  const scale = from / to;
  const support = Math.max(scale, 1);
  const most = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(to);
  const counts = new Int32Array(to);
  const exact = new Float64Array(to * most);
  for (let i = 0; i < to; i++) {
    const center = scale * (i + 0.5);
    const start = Math.max(Math.trunc(center - support + 0.5), 0);
    const count = Math.min(Math.min(Math.trunc(center + support + 0.5), from) - start, most);
    let total = 0;
    for (let j = 0; j < count; j++) {
      const weight = Math.max(0, 1 - Math.abs((j + start - center + 0.5) / support));
      exact[i * most + j] = weight;
      total += weight;
    }
    for (let j = i * most; j < i * most + count; j++) exact[j] = (exact[j] ?? 0) / total;
    starts[i] = start;
    counts[i] = count;
  }
  const weights = Int32Array.from(exact, (weight) => Math.trunc(0.5 + weight * 2 ** PRECISION));
  return { starts, counts, weights, most };
}

export class Resizer {
  /** RGB of the result, [size, size, 3], complete when all rows were pushed. */
  readonly result: Uint8Array<ArrayBuffer>;
  private readonly across: Axis;
  private readonly down: Axis;
  /** Rows that were narrowed, row y at y modulo the number of rows held. */
  private readonly held: Uint8Array;
  private readonly rowsHeld: number;
  private rowsIn = 0;
  private rowsOut = 0;

  /** A picture of `width` × `height` to `size` × `size`, whatever its shape: that is what the reference does. */
  constructor(
    private readonly width: number,
    private readonly height: number,
    private readonly size: number,
  ) {
    for (const side of [width, height, size])
      if (!Number.isSafeInteger(side) || side < 1) throw new RangeError(`${side} is not a picture's side`);
    this.across = makeAxis(width, size);
    this.down = makeAxis(height, size);
    this.rowsHeld = Math.min(this.down.most, height);
    this.held = new Uint8Array(this.rowsHeld * size * 3);
    this.result = new Uint8Array(size * size * 3);
  }

  /**
   * The next rows, from the top.
   * @param pixels [rows, width, channels] bytes.
   * @param channels 3 for RGB; 4 for RGBA, whose alpha is not looked at.
   */
  push(pixels: Uint8Array | Uint8ClampedArray, channels: 3 | 4): void {
    const stride = this.width * channels;
    const rows = pixels.length / stride;
    if (!Number.isInteger(rows) || this.rowsIn + rows > this.height)
      throw new RangeError(`${pixels.length} bytes are not rows of a picture of ${this.width}×${this.height}`);
    for (let row = 0; row < rows; row++) {
      this.narrow(pixels, row * stride, channels);
      this.rowsIn++;
      this.finishRows();
    }
  }

  private narrow(pixels: Uint8Array | Uint8ClampedArray, offset: number, channels: number): void {
    const { size, held } = this;
    const { starts, counts, weights, most } = this.across;
    let out = (this.rowsIn % this.rowsHeld) * size * 3;
    for (let x = 0; x < size; x++) {
      let at = offset + (starts[x] ?? 0) * channels;
      let r = HALF;
      let g = HALF;
      let b = HALF;
      const end = x * most + (counts[x] ?? 0);
      for (let j = x * most; j < end; j++, at += channels) {
        const weight = weights[j] ?? 0;
        r += weight * (pixels[at] ?? 0);
        g += weight * (pixels[at + 1] ?? 0);
        b += weight * (pixels[at + 2] ?? 0);
      }
      held[out++] = clamp(r >> PRECISION);
      held[out++] = clamp(g >> PRECISION);
      held[out++] = clamp(b >> PRECISION);
    }
  }

  /** Makes each row of the result whose last source row has come. */
  private finishRows(): void {
    const { size, held, result, rowsHeld } = this;
    const { starts, counts, weights, most } = this.down;
    const line = size * 3;
    for (; this.rowsOut < size; this.rowsOut++) {
      const y = this.rowsOut;
      const start = starts[y] ?? 0;
      const count = counts[y] ?? 0;
      if (start + count > this.rowsIn) return;
      for (let i = 0; i < line; i++) {
        let sum = HALF;
        for (let j = 0; j < count; j++)
          sum += (weights[y * most + j] ?? 0) * (held[((start + j) % rowsHeld) * line + i] ?? 0);
        result[y * line + i] = clamp(sum >> PRECISION);
      }
    }
  }
}

// Weights are rounded each for itself: their sum may be a little more than one.
const clamp = (value: number): number => (value > 255 ? 255 : value);

/** A whole picture at once. @see Resizer */
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
