/** KernelPipelines alone, held against plain arithmetic: shapes of real models, and pasts longer than a test's model has. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseGemma3Config } from '../../../../protocol/gemma3-config.ts';
import known from '../../model/self-test/decoder/known-answer.json';
import { seededRandom } from '../../sampling/random.ts';
import { type Constants, type KernelName, KernelPipelines, gemvShape } from './kernels.ts';
import { StepParams, splitAttention, TILE } from './step-params.ts';
import { gemmGroups, gemmShape, GEMM_TOKENS } from './gemm-q4.ts';

let device: GPUDevice;
let kernels: KernelPipelines;
beforeAll(async () => {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error('this browser offers no GPU');
  device = await adapter.requestDevice();
  kernels = new KernelPipelines(device);
});
afterAll(() => {
  device.destroy();
});

type Values = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
const { STORAGE, UNIFORM, COPY_DST, COPY_SRC, MAP_READ } = globalThis.GPUBufferUsage;

function upload(values: Values): GPUBuffer {
  const buffer = device.createBuffer({ size: values.byteLength, usage: STORAGE | UNIFORM | COPY_DST | COPY_SRC });
  device.queue.writeBuffer(buffer, 0, values);
  return buffer;
}

async function run(
  name: KernelName,
  { constants, buffers, groups }: { constants: Constants; buffers: GPUBuffer[]; groups: [number, number?, number?] },
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

describe('a product of a 4-bit matrix', () => {
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
    const { groups, ...shape } = gemvShape(rows, columns);
    const constants = { COLUMNS: columns, N: rows, START: 0, ...shape };
    await run('gemv', { constants, buffers: [upload(x), out, ...buffers], groups: [groups, 1] });
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
    const { groups, ...shape } = gemvShape(rows, columns);
    const constants = { COLUMNS: columns, N: rows, START: 1, ...shape };
    await run('gemvZeros', { constants, buffers: [upload(x), out, ...buffers, zeros], groups: [groups, 1] });
    expect(farthest(await download(out), [0, ...times(x)])).toBeLessThan(1e-4);
  });

  it('qkv: three matrices of different heights', async () => {
    const x = floats(256);
    const parts = [100, 33, 7].map((rows) => matrix(rows, 256));
    const out = upload(new Float32Array(140));
    const { groups, ...shape } = gemvShape(140, 256);
    const buffers = [upload(x), out, ...parts.flatMap((part) => part.buffers)];
    const constants = { COLUMNS: 256, N: 100, N_B: 33, N_C: 7, ...shape };
    await run('qkv', { constants, buffers, groups: [groups, 1] });
    const wanted = parts.flatMap(({ times }) => times(x));
    expect(farthest(await download(out), wanted)).toBeLessThan(1e-4);
  });

  it.each([
    [7, 64, 1],
    [100, 640, 8],
    [640, 2048, 17],
    [65, 32, 9],
  ])('%d rows of %d, with %d vectors', async (rows, columns, tokens) => {
    for (const withZeros of [false, true]) {
      const x = floats(columns * Math.ceil(tokens / GEMM_TOKENS) * GEMM_TOKENS);
      const [gate, up] = [matrix(rows, columns, { withZeros }), matrix(rows, columns, { withZeros })];
      // Another product is before these rows, as queries are before keys.
      const stride = rows + 3;
      const out = upload(new Float32Array(stride * Math.ceil(tokens / GEMM_TOKENS) * GEMM_TOKENS));
      const shape = (gated: boolean) => upload(gemmShape({ rows, columns }, { start: 3, stride, geglu: gated }));
      const groups: [number, number] = [gemmGroups(rows), Math.ceil(tokens / GEMM_TOKENS)];
      const multiply = ({ buffers, zeros }: typeof up, gated: boolean) =>
        run(withZeros ? 'gemmZeros' : 'gemm', {
          constants: {},
          buffers: [upload(x), out, ...buffers, shape(gated), ...(withZeros ? [zeros] : [])],
          groups,
        });
      const row = (values: Float32Array, token: number) => values.subarray(token * stride, (token + 1) * stride);
      const vector = (token: number) => x.subarray(token * columns, (token + 1) * columns);
      await multiply(gate, false);
      const plain = await download(out);
      await multiply(up, true);
      const gated = await download(out);
      for (let token = 0; token < tokens; token++) {
        const gates = gate.times(vector(token));
        expect(farthest(row(plain, token), [0, 0, 0, ...gates])).toBeLessThan(1e-4);
        const ups = up.times(vector(token));
        const wanted = gates.map((g, i) => gelu(g) * (ups[i] ?? 0));
        expect(farthest(row(gated, token), [0, 0, 0, ...wanted]) / Math.max(1, ...wanted)).toBeLessThan(1e-4);
      }
    }
  });

  it.each([false, true])('gated, also where the gate is far from zero (with zeros: %s)', async (withZeros) => {
    // Gates from -60 to 60: tanh must not give what is no number.
    const x = floats(640).map((value) => 20 * value);
    const [gate, up] = [matrix(77, 640, { withZeros }), matrix(77, 640, { withZeros })];
    const out = upload(new Float32Array(77));
    const { groups, ...shape } = gemvShape(77, 640);
    const zeros = withZeros ? [gate.zeros, up.zeros] : [];
    const buffers = [upload(x), out, ...gate.buffers, ...up.buffers, ...zeros];
    await run(withZeros ? 'gegluZeros' : 'geglu', {
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
  const constants = {
    SIZE,
    EPSILON: '1e-6f',
    VOCABULARY: ROWS,
    BLOCKS: SIZE / 32,
    FACTOR: '3e+0f',
    NO_TOKEN_ID: 2 ** 32 - 1,
  };
  const bound = [upload(Uint32Array.of(token)), ...buffers, x, upload(weight), next, zeros];
  await run('embeddingZeros', { constants, buffers: bound, groups: [1, 1] });
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
  const SLOTS = 64;
  const [HEADS, KV_HEADS] = [4, 2];

  it.each([
    { DIM: 64, WINDOW: 0, position: 0, tokens: 1, QUERIES: 1 },
    { DIM: 64, WINDOW: 0, position: 2047, tokens: 1, QUERIES: 1 },
    { DIM: 64, WINDOW: 0, position: 2048, tokens: 1, QUERIES: 1 },
    { DIM: 64, WINDOW: 0, position: 4999, tokens: 1, QUERIES: 1 },
    { DIM: 64, WINDOW: 512, position: 511, tokens: 1, QUERIES: 1 },
    { DIM: 64, WINDOW: 512, position: 512, tokens: 1, QUERIES: 1 },
    { DIM: 256, WINDOW: 512, position: 4321, tokens: 1, QUERIES: 1 },
    { DIM: 16, WINDOW: 0, position: 100, tokens: 1, QUERIES: 1 },
    { DIM: 64, WINDOW: 0, position: 0, tokens: 9, QUERIES: 4 },
    { DIM: 64, WINDOW: 0, position: 3000, tokens: 17, QUERIES: 8 },
    { DIM: 16, WINDOW: 100, position: 60, tokens: 64, QUERIES: 4 },
    // Here the cache is a ring of fewer rows than there are tokens.
    { DIM: 64, WINDOW: 100, position: 900, tokens: 30, QUERIES: 4, ringRows: 200 },
  ])(
    '$DIM dimensions, a window of $WINDOW, $tokens at $position, $QUERIES at once',
    async ({ DIM, WINDOW, position, tokens, QUERIES, ringRows }) => {
      const rows = ringRows ?? CAPACITY;
      const q = floats(tokens * HEADS * DIM);
      const k = floats(KV_HEADS * rows * DIM);
      const v = floats(KV_HEADS * rows * DIM);
      const constants = { DIM, HEADS, KV_HEADS, TILE, SLOTS, QUERIES };
      const kind = upload(Uint32Array.of(WINDOW ? 0 : 1));
      const empty = (count: number) => upload(new Float32Array(count).fill(NaN));
      // Four tokens in the middle see each other, as a picture's do.
      const attentionEnds = Array.from(
        { length: tokens },
        (_, i) => position + (i >= 3 && i < 7 && tokens > 7 ? 7 : i + 1),
      );
      const split = splitAttention(
        { position, attentionEnds },
        { window: WINDOW || null, rows, queries: QUERIES, partitions: SLOTS },
      );
      const stepParams = upload(stepParamsOf(DIM).write({ position, attentionEnds }, [split, split]));
      const [parts, stats, out] = [empty(HEADS * SLOTS * DIM), empty(HEADS * SLOTS * 2), empty(tokens * HEADS * DIM)];
      const buffers = [upload(q), upload(k), upload(v), stepParams, parts, stats, kind];
      await run('attention', { constants, buffers, groups: [KV_HEADS, split.parts, Math.ceil(tokens / QUERIES)] });
      await run('attentionCombine', {
        constants,
        buffers: [parts, stats, stepParams, out, kind],
        groups: [HEADS, tokens],
      });
      const wanted = attentionEnds.flatMap((end, token) => {
        const first = WINDOW ? Math.max(0, position + token + 1 - WINDOW) : 0;
        const seen = Array.from({ length: end - first }, (_, i) => (first + i) % rows);
        return [0, 1, 2, 3].flatMap((head) => {
          const at = (head >> 1) * rows * DIM;
          const query = q.subarray((token * HEADS + head) * DIM, (token * HEADS + head + 1) * DIM);
          return attention(query, k.subarray(at, at + rows * DIM), v.subarray(at, at + rows * DIM), seen, DIM);
        });
      });
      expect(farthest(await download(out), wanted)).toBeLessThan(1e-5);
      for (const buffer of [...buffers, out]) buffer.destroy();
    },
  );
});

function stepParamsOf(headDim: number): StepParams {
  const text = { ...parseGemma3Config(known.config).text, headDim };
  return new StepParams({ ...parseGemma3Config(known.config), text });
}
