import { readFileSync } from 'node:fs';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { hashPicture, normalise, parsePreprocessorConfig, preparePicture } from './preprocess.ts';
import { resize } from './resize.ts';

const VISION = '../../../reference/vision/';
const file = (name: string) => readFileSync(new URL(VISION + name, import.meta.url));

/** One tensor of a safetensors file, as float32. */
function tensor(path: string, name: string): Float32Array {
  const bytes = file(path);
  const header = Number(bytes.readBigUInt64LE(0));
  const entry = (
    JSON.parse(bytes.toString('utf8', 8, 8 + header)) as Record<string, { data_offsets: [number, number] }>
  )[name];
  if (!entry) throw new Error(`no ${name}`);
  const [from, to] = entry.data_offsets;
  return new Float32Array(new Uint8Array(bytes.subarray(8 + header + from, 8 + header + to)).buffer);
}

describe('pixel values', () => {
  const options = parsePreprocessorConfig(undefined, 112);

  it('are the reference’s', () => {
    const expected = tensor('reference.safetensors', 'pixel_values');
    const pictures = ['image0.png', 'image1.png'].map((name) => {
      const { data, width, height } = PNG.sync.read(file(name));
      return normalise(resize(data, width, height, 4, 112), options);
    });
    pictures.forEach((pixels, i) => {
      expect(pixels).toEqual(expected.subarray(i * pixels.length, (i + 1) * pixels.length));
    });
  });

  it('need a whole picture', () => {
    expect(() => normalise(new Uint8Array(3), options)).toThrow(RangeError);
  });
});

describe('parsePreprocessorConfig', () => {
  const gemma = { size: 896, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], rescaleFactor: 1 / 255 };

  it('reads every spelling of the size', () => {
    for (const size of [{ height: 896, width: 896 }, { shortest_edge: 896 }, 896, undefined, null])
      expect(parsePreprocessorConfig({ size, resample: 2 }, 896)).toEqual(gemma);
    expect(parsePreprocessorConfig(undefined, 896)).toEqual(gemma);
    expect(() => parsePreprocessorConfig({ size: { height: 2, width: 3 } }, 896)).toThrow(/^model-unsupported/);
  });

  it('reads how bytes become numbers', () => {
    const given = { image_mean: [0.1, 0.2, 0.3], image_std: [1, 2, 3], rescale_factor: 0.5 };
    expect(parsePreprocessorConfig(given, 8)).toEqual({
      size: 8,
      mean: [0.1, 0.2, 0.3],
      std: [1, 2, 3],
      rescaleFactor: 0.5,
    });
    const off = parsePreprocessorConfig({ ...given, do_rescale: false, do_normalize: false }, 8);
    expect(off).toEqual({ size: 8, mean: [0, 0, 0], std: [1, 1, 1], rescaleFactor: 1 });
  });

  it.each([{ resample: 3 }, { image_mean: [1] }, { image_std: [0, 1, 1] }, { rescale_factor: 0 }, { size: 'big' }])(
    'refuses %j',
    (config) => {
      expect(() => parsePreprocessorConfig(config, 896)).toThrow(/^model-unsupported/);
    },
  );
});

describe('checks before decoding', () => {
  const options = parsePreprocessorConfig(undefined, 112);

  it('is the hash', async () => {
    const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    expect(await hashPicture(new Blob([]))).toBe(empty);
  });

  it('is that a file is too large, or would unfold into too much', async () => {
    const large = new Blob([new Uint8Array(50_000_001)]);
    await expect(preparePicture(large, options)).rejects.toThrow(/^picture-too-large: 51 MB/);
    await expect(hashPicture(large)).rejects.toThrow(/^picture-too-large/);
    const bomb = Buffer.from(file('image0.png'));
    bomb.writeUInt32BE(20_000, 16);
    bomb.writeUInt32BE(20_000, 20);
    await expect(preparePicture(new Blob([new Uint8Array(bomb)]), options)).rejects.toThrow(
      /^picture-too-large: 20000×/,
    );
  });
});
