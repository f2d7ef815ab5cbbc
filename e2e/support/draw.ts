/** @file Draws pictures of shapes, so that the model has never seen them. */
import { PNG } from 'pngjs';

type Rgb = readonly [number, number, number];

export interface Shape {
  kind: 'circle' | 'square' | 'triangle';
  colour: Rgb;
  /** Centre, as a share of the picture's side. */
  x: number;
  y: number;
  /** Half the width, as a share of the picture's side. */
  r: number;
}

const inside = (shape: Shape, x: number, y: number): boolean => {
  const dx = (x - shape.x) / shape.r;
  const dy = (y - shape.y) / shape.r;
  if (shape.kind === 'circle') return dx * dx + dy * dy <= 1;
  if (shape.kind === 'square') return Math.abs(dx) <= 1 && Math.abs(dy) <= 1;
  return dy <= 1 && dy >= -1 && Math.abs(dx) <= (dy + 1) / 2;
};

/** @returns a PNG of `size` × `size` pixels, anti-aliased with four samples a pixel. */
export function drawPicture(shapes: readonly Shape[], size = 320, background: Rgb = [255, 255, 255]): Buffer {
  const png = new PNG({ width: size, height: size });
  const offsets = [0.25, 0.75];
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const sum = [0, 0, 0];
      for (const oy of offsets)
        for (const ox of offsets) {
          const hit = shapes.findLast((shape) => inside(shape, (x + ox) / size, (y + oy) / size));
          (hit?.colour ?? background).forEach((value, i) => (sum[i] = (sum[i] ?? 0) + value / 4));
        }
      png.data.set([...sum.map(Math.round), 255], (y * size + x) * 4);
    }
  return PNG.sync.write(png);
}

export const RED: Rgb = [220, 30, 30];
export const BLUE: Rgb = [30, 60, 220];
export const GREEN: Rgb = [20, 150, 50];
