/** The tensors that go into a vision encoder's graph and come out of it. */
import { expect, it, vi } from 'vitest';
import type { VisionConfig } from '../../../../protocol/gemma3-config.ts';
import { floatsToHalves } from '../../onnx/float16.ts';
import { OrtEncoderSession } from './encoder-session.ts';
import type { Graph } from './graph-io.ts';
import type { Ort } from './ort.ts';

const config = { imageSize: 2, channels: 3 } as VisionConfig;
const pixels = Float32Array.from({ length: 12 }, (_, i) => i / 4);
const disposed = vi.fn();
class FakeTensor {
  constructor(
    readonly type: string,
    readonly data: Float32Array | Uint16Array,
    readonly dims: readonly number[],
  ) {}
  dispose = disposed;
}
const ort = { Tensor: FakeTensor } as unknown as Ort;

function fakeGraph(type: string, data: Float32Array | Uint16Array | null) {
  const output = { type, getData: () => Promise.resolve(data) };
  const run = vi.fn((_: Record<string, FakeTensor>) => Promise.resolve(data ? { features: output } : {}));
  const release = vi.fn(() => Promise.resolve());
  const inputMetadata = [{ name: 'pixel_values', isTensor: true, type }];
  return { inputMetadata, outputMetadata: [], outputNames: ['features', 'more'], run, release };
}
const open = (graph: object) => new OrtEncoderSession(ort, graph as unknown as Graph, config);

it.each([
  ['float32', pixels, Float32Array.of(1, 0.5)],
  ['float16', floatsToHalves(pixels), floatsToHalves(Float32Array.of(1, 0.5))],
])('runs a graph of %s', async (type, given, features) => {
  const graph = fakeGraph(type, features);
  disposed.mockClear();
  expect(await open(graph).run(pixels)).toEqual(Float32Array.of(1, 0.5));
  expect(graph.run.mock.calls[0]?.[0]['pixel_values']).toMatchObject({ type, data: given, dims: [1, 3, 2, 2] });
  expect(disposed).toHaveBeenCalledOnce();
});

it('releases the graph', async () => {
  const graph = fakeGraph('float32', pixels);
  await open(graph).release();
  expect(graph.release).toHaveBeenCalledOnce();
});

it('refuses a graph without an input, and one that gives nothing', async () => {
  const withoutInput = open({ ...fakeGraph('float32', pixels), inputMetadata: [] });
  await expect(withoutInput.run(pixels)).rejects.toThrow(/^model-unsupported/);
  await expect(open(fakeGraph('float32', null)).run(pixels)).rejects.toThrow(/^internal/);
});

it('frees the input also where the run fails', async () => {
  const graph = fakeGraph('float32', pixels);
  graph.run.mockRejectedValue(new Error('failed'));
  disposed.mockClear();
  await expect(open(graph).run(pixels)).rejects.toThrow('failed');
  expect(disposed).toHaveBeenCalledOnce();
});
