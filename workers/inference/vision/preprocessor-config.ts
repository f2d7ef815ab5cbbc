/** How a model's pictures are prepared: preprocessor_config.json. */
import { EngineError } from '../../../protocol/engine.ts';
import { isObject, type JsonObject } from '../../../protocol/json.ts';

type Triple = readonly [number, number, number];

/** How pictures are prepared. */
export interface PictureOptions {
  /** Side of the square that a picture is resized to, in pixels. */
  size: number;
  /** Subtracted from rescaled values, for each channel. */
  mean: Triple;
  /** Rescaled values less the mean are divided by it, for each channel. */
  std: Triple;
  /** Bytes are multiplied by it. */
  rescaleFactor: number;
}

const unsupported = (why: string) => new EngineError('model-unsupported', `preprocessor_config.json: ${why}`);

// The defaults of Gemma3ImageProcessor (transformers, IMAGENET_STANDARD_MEAN and _STD).
const HALVES: Triple = [0.5, 0.5, 0.5];
/** PIL's number of the filter. */
const BILINEAR = 2;

function triple(value: unknown, key: string): Triple {
  if (value === undefined || value === null) return HALVES;
  const numbers = Array.isArray(value) ? (value as unknown[]) : [value, value, value];
  if (numbers.length !== 3 || !numbers.every((n) => typeof n === 'number' && Number.isFinite(n)))
    throw unsupported(`${key} is not three numbers`);
  return numbers as unknown as Triple;
}

function side(size: unknown, fallback: number): number {
  if (size === undefined || size === null) return fallback;
  const { height, width, shortest_edge: edge } = isObject(size) ? size : ({ shortest_edge: size } as JsonObject);
  const found = height ?? width ?? edge;
  if (typeof found !== 'number' || !Number.isSafeInteger(found) || found < 1 || (width ?? found) !== found)
    throw unsupported(`size ${JSON.stringify(size)} is not that of a square`);
  return found;
}

/**
 * Reads a preprocessor_config.json.
 * @param json the file, parsed, or undefined for Gemma 3's own settings.
 * @param fallbackSize the vision encoder's image size, in pixels, where the file names none.
 * @returns the model's options for pictures
 * @throws EngineError `model-unsupported`
 */
export function parsePreprocessorConfig(json: unknown, fallbackSize: number): PictureOptions {
  const config = isObject(json) ? json : {};
  const { resample = BILINEAR, rescale_factor: factor = 1 / 255 } = config;
  if (resample !== BILINEAR && resample !== null)
    throw unsupported(`resample ${JSON.stringify(resample)} is not Gemma 3's ${BILINEAR}, bilinear`);
  if (typeof factor !== 'number' || !(factor > 0)) throw unsupported('rescale_factor is not a number above 0');
  const normalises = config['do_normalize'] !== false;
  const std: Triple = normalises ? triple(config['image_std'], 'image_std') : [1, 1, 1];
  if (std.includes(0)) throw unsupported('image_std has a 0');
  return {
    size: side(config['size'], fallbackSize),
    mean: normalises ? triple(config['image_mean'], 'image_mean') : [0, 0, 0],
    std,
    rescaleFactor: config['do_rescale'] === false ? 1 : factor,
  };
}
