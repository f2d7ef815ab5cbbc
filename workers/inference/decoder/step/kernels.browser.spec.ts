/** Kernels alone, held against plain arithmetic: shapes of real models, and pasts longer than a test's model has. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../sampling/random.ts';
import { partsOf } from './decode-step.ts';
import { type Constants, type KernelName, Kernels, productShape } from './kernels.ts';

const TILE = 32;
const MOST_PARTS = 64;

let device: GPUDevice;
let kernels: Kernels;
beforeAll(async () => {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error('this browser offers no GPU');
  device = await adapter.requestDevice();
  kernels = new Kernels(device);
});
afterAll(() => {
  device.destroy();
});

type Values = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
const { STORAGE, COPY_DST, COPY_SRC, MAP_READ } = globalThis.GPUBufferUsage;

function upload(values: Values): GPUBuffer {
  const buffer = device.createBuffer({ size: values.byteLength, usage: STORAGE | COPY_DST | COPY_SRC });
  device.queue.writeBuffer(buffer, 0, values);
  return buffer;
}

async function run(
  name: KernelName,
  { constants, buffers, groups }: { constants: Constants; buffers: GPUBuffer[]; groups: [number, number] },
): Promise<void> {
  const pipeline = await kernels.get(name, constants);
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(...groups);
  pass.end();
  device.queue.submit([encoder.finish()]);
}

async function download(buffer: GPUBuffer): Promise<Float32Array> {
  const staging = device.createBuffer({ size: buffer.size, usage: MAP_READ | COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const values = new Float32Array(staging.getMappedRange().slice());
  staging.destroy();
  return values;
}

const random = seededRandom(11);
const floats = (count: number) => Float32Array.from({ length: count }, () => 2 * random() - 1);
const farthest = (a: Float32Array, b: ArrayLike<number>) =>
  a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (b[i] ?? NaN))), 0);

/** A random 4-bit matrix, and its product with x. */
function matrix(rows: number, columns: number, { withZeros = false } = {}) {
  const zerosInRow = Math.ceil(columns / 64);
  const zeros = Uint8Array.from({ length: Math.ceil((rows * zerosInRow) / 4) * 4 }, () => Math.floor(random() * 256));
  const zero = (row: number, block: number) =>
    withZeros ? ((zeros[row * zerosInRow + (block >> 1)] ?? 0) >> (4 * (block & 1))) & 15 : 8;
  const words = Uint32Array.from({ length: (rows * columns) / 8 }, () => Math.floor(random() * 2 ** 32));
  const scales = floats((rows * columns) / 32).map((value) => value / 8);
  const times = (x: Float32Array) =>
    Array.from({ length: rows }, (_, row) => {
      let sum = 0;
      for (let c = 0; c < columns; c++) {
        const at = row * columns + c;
        const weight = (((words[at >> 3] ?? 0) >>> (4 * (at & 7))) & 15) - zero(row, c >> 5);
        sum += weight * (scales[at >> 5] ?? 0) * (x[c] ?? 0);
      }
      return sum;
    });
  return { times, buffers: [upload(words), upload(scales)], zeros: upload(new Uint32Array(zeros.buffer)) };
}

const gelu = (g: number) => 0.5 * g * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (g + 0.044715 * g ** 3)));

describe('a product in 4 bits', () => {
  it.each([
    [1, 32],
    [7, 64],
    [100, 640],
    [2048, 640],
    [640, 2048],
    [1152, 1152],
    [33, 6912],
    [5000, 256],
  ])('%d rows of %d', async (rows, columns) => {
    const x = floats(columns);
    const { times, buffers } = matrix(rows, columns);
    const out = upload(new Float32Array(rows));
    const { groups, ...shape } = productShape(rows, columns);
    const constants = { COLUMNS: columns, N: rows, START: 0, ...shape };
    await run('plain', { constants, buffers: [upload(x), out, ...buffers], groups: [groups, 1] });
    expect(farthest(await download(out), times(x))).toBeLessThan(1e-4);
  });

  it.each([
    [100, 640],
    [7, 32],
    [33, 1152],
  ])('%d rows of %d with zeros of their own, from the second place on', async (rows, columns) => {
    const x = floats(columns);
    const { times, buffers, zeros } = matrix(rows, columns, { withZeros: true });
    const out = upload(new Float32Array(rows + 1));
    const { groups, ...shape } = productShape(rows, columns);
    const constants = { COLUMNS: columns, N: rows, START: 1, ...shape };
    await run('plainZeros', { constants, buffers: [upload(x), out, ...buffers, zeros], groups: [groups, 1] });
    expect(farthest(await download(out), [0, ...times(x)])).toBeLessThan(1e-4);
  });

  it('three one after another, of other heights', async () => {
    const x = floats(256);
    const parts = [100, 33, 7].map((rows) => matrix(rows, 256));
    const out = upload(new Float32Array(140));
    const { groups, ...shape } = productShape(140, 256);
    const buffers = [upload(x), out, ...parts.flatMap((part) => part.buffers)];
    const constants = { COLUMNS: 256, N: 100, N_B: 33, N_C: 7, ...shape };
    await run('three', { constants, buffers, groups: [groups, 1] });
    const wanted = parts.flatMap(({ times }) => times(x));
    expect(farthest(await download(out), wanted)).toBeLessThan(1e-4);
  });

  it.each([false, true])('gated, also where the gate is far from zero (with zeros: %s)', async (withZeros) => {
    // Gates from -60 to 60: tanh must not give what is no number.
    const x = floats(640).map((value) => 20 * value);
    const [gate, up] = [matrix(77, 640, { withZeros }), matrix(77, 640, { withZeros })];
    const out = upload(new Float32Array(77));
    const { groups, ...shape } = productShape(77, 640);
    const zeros = withZeros ? [gate.zeros, up.zeros] : [];
    const buffers = [upload(x), out, ...gate.buffers, ...up.buffers, ...zeros];
    await run(withZeros ? 'gatedZeros' : 'gated', {
      constants: { COLUMNS: 640, N: 77, ...shape },
      buffers,
      groups: [groups, 1],
    });
    const by = up.times(x);
    const wanted = gate.times(x).map((g, i) => gelu(g) * (by[i] ?? 0));
    const largest = Math.max(...wanted.map(Math.abs));
    expect(farthest(await download(out), wanted) / largest).toBeLessThan(1e-5);
  });
});

it('an embedding with zeros of its own, and its norm', async () => {
  const [ROWS, SIZE, token] = [9, 160, 5];
  const { times, buffers, zeros } = matrix(ROWS, SIZE, { withZeros: true });
  const wanted = Array.from({ length: SIZE }, (_, i) => {
    const unit = new Float32Array(SIZE);
    unit[i] = 3;
    return times(unit)[token] ?? NaN;
  });
  const weight = floats(SIZE);
  const [x, next] = [upload(new Float32Array(SIZE)), upload(new Float32Array(SIZE))];
  const constants = { SIZE, EPSILON: '1e-6f', VOCABULARY: ROWS, BLOCKS: SIZE / 32, FACTOR: '3e+0f' };
  const bound = [upload(Uint32Array.of(token)), ...buffers, x, upload(weight), next, zeros];
  await run('embedZeros', { constants, buffers: bound, groups: [1, 1] });
  expect(farthest(await download(x), wanted)).toBeLessThan(1e-5);
  const root = Math.sqrt(wanted.reduce((sum, value) => sum + value * value, 0) / SIZE);
  const normed = wanted.map((value, i) => (value / root) * (weight[i] ?? 0));
  expect(farthest(await download(next), normed)).toBeLessThan(1e-4);
});

/** softmax(q kᵀ) v over the tokens that are seen. */
function attention(q: Float32Array, k: Float32Array, v: Float32Array, tokens: number[], dim: number): number[] {
  const scores = tokens.map((t) => q.reduce((sum, value, i) => sum + value * (k[t * dim + i] ?? 0), 0));
  const most = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - most));
  const all = weights.reduce((a, b) => a + b, 0);
  return Array.from({ length: dim }, (_, i) =>
    tokens.reduce((sum, t, n) => sum + ((weights[n] ?? 0) / all) * (v[t * dim + i] ?? 0), 0),
  );
}

describe('attention over a long past', () => {
  const CAPACITY = 5000;
  const [HEADS, KV_HEADS] = [4, 2];

  it.each([
    { DIM: 64, WINDOW: 0, position: 0 },
    { DIM: 64, WINDOW: 0, position: 2047 },
    { DIM: 64, WINDOW: 0, position: 2048 },
    { DIM: 64, WINDOW: 0, position: 4999 },
    { DIM: 64, WINDOW: 512, position: 511 },
    { DIM: 64, WINDOW: 512, position: 512 },
    { DIM: 256, WINDOW: 512, position: 4321 },
    { DIM: 16, WINDOW: 0, position: 100 },
  ])('$DIM dimensions, a window of $WINDOW, at $position', async ({ DIM, WINDOW, position }) => {
    const q = floats(HEADS * DIM);
    const k = floats(KV_HEADS * CAPACITY * DIM);
    const v = floats(KV_HEADS * CAPACITY * DIM);
    const span = { DIM, HEADS, KV_HEADS, CAPACITY, WINDOW, TILE, MOST_PARTS };
    const empty = (count: number) => upload(new Float32Array(count).fill(NaN));
    const moment = upload(Uint32Array.of(position, 0, 0, 0));
    const [parts, stats, out] = [empty(HEADS * MOST_PARTS * DIM), empty(HEADS * MOST_PARTS * 2), empty(HEADS * DIM)];
    const count = partsOf(position, WINDOW || null);
    const buffers = [upload(q), upload(k), upload(v), moment, parts, stats];
    await run('attend', { constants: span, buffers, groups: [KV_HEADS, count] });
    await run('combine', { constants: span, buffers: [parts, stats, moment, out], groups: [HEADS, 1] });
    const first = WINDOW ? Math.max(0, position + 1 - WINDOW) : 0;
    const tokens = Array.from({ length: position + 1 - first }, (_, i) => first + i);
    const row = CAPACITY * DIM;
    const wanted = [0, 1, 2, 3].flatMap((head) => {
      const at = (head >> 1) * row;
      const query = q.subarray(head * DIM, (head + 1) * DIM);
      return attention(query, k.subarray(at, at + row), v.subarray(at, at + row), tokens, DIM);
    });
    expect(farthest(await download(out), wanted)).toBeLessThan(1e-5);
    for (const buffer of [...buffers, out]) buffer.destroy();
  });
});
