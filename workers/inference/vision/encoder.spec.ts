/** When the vision encoder's session is made, and let go of. */
import { expect, it, vi } from 'vitest';
import type { VisionConfig } from '../../../protocol/gemma3-config.ts';
import type { Graph } from '../backends/ort/graph-io.ts';
import type { Ort } from '../backends/ort/ort.ts';
import { VisionEncoder } from './encoder.ts';

const config = { imageSize: 2, channels: 3 } as VisionConfig;
const pixels = new Float32Array(12);
class FakeTensor {
  dispose = () => undefined;
}
const ort = { Tensor: FakeTensor } as unknown as Ort;

function graph() {
  const output = { type: 'float32', getData: () => Promise.resolve(Float32Array.of(1, 2)) };
  const run = vi.fn(() => Promise.resolve({ image_features: output }));
  const release = vi.fn(() => Promise.resolve());
  const inputMetadata = [{ name: 'pixel_values', isTensor: true, type: 'float32' }];
  return { inputMetadata, outputMetadata: [], outputNames: ['image_features'], run, release };
}

it('makes one session, and encodes a picture once', async () => {
  const session = graph();
  const create = vi.fn(() => Promise.resolve(session as unknown as Graph));
  const encoder = new VisionEncoder(ort, create, config);
  expect(create).not.toHaveBeenCalled();
  void encoder.open();
  expect(await encoder.encode('a', pixels)).toEqual(Float32Array.of(1, 2));
  expect(encoder.recall('a')).toEqual(Float32Array.of(1, 2));
  await encoder.encode('b', pixels);
  expect(create).toHaveBeenCalledTimes(1);
  expect(session.run).toHaveBeenCalledTimes(2);
});

it('tells a picture what went wrong, and tries again with the next', async () => {
  const create = vi.fn<() => Promise<Graph>>();
  create.mockRejectedValueOnce(new Error('the line broke'));
  create.mockResolvedValue(graph() as unknown as Graph);
  const encoder = new VisionEncoder(ort, create, config);
  await expect(encoder.encode('a', pixels)).rejects.toThrow('the line broke');
  await encoder.encode('a', pixels);
  expect(create).toHaveBeenCalledTimes(2);
});

it('looks at no picture where it is wrong', async () => {
  const session = graph();
  const prove = () => Promise.reject(new Error('wrong'));
  const encoder = new VisionEncoder(ort, () => Promise.resolve(session as unknown as Graph), config, prove);
  await expect(encoder.encode('a', pixels)).rejects.toThrow('wrong');
  expect(session.run).not.toHaveBeenCalled();
});

it('lets go of a session that is still being made', async () => {
  const session = graph();
  let made = (_: Graph): void => undefined;
  const encoder = new VisionEncoder(ort, () => new Promise((resolve) => (made = resolve)), config);
  void encoder.open();
  const gone = encoder.dispose();
  made(session as unknown as Graph);
  await gone;
  expect(session.release).toHaveBeenCalledTimes(1);
  // There was none.
  await new VisionEncoder(ort, () => Promise.reject(new Error('never')), config).dispose();
});
