/**
 * @file Others can use our exports: unmodified transformers.js loads them and generates the same greedy tokens as our
 * engine does from the same files on the CPU. Its own CPU build cannot look up 4-bit embeddings, so q4 runs on its
 * WebGPU, and there on a short prompt: it takes subgroups, whose attention is wrong on software adapters from 32 tokens
 * on.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import type { ParityJob } from '../protocol/parity.ts';
import { exportModel } from '../tools/export/export-model.ts';
import { onDemand } from '../tools/on-demand/on-demand.ts';
import { type ReferenceCase, readCases } from '../tools/parity/cases.ts';
import { readReference } from '../tools/parity/reference.ts';
import { type ParityServer, startParityServer } from '../tools/parity/server.ts';
import type { StockJob } from './stock/stock.ts';

const TOKENS = 16;
const EOS = 1;

let work: string;
let server: ParityServer;

test.beforeAll(async () => {
  // The first run downloads it.
  test.setTimeout(600_000);
  const transformers = '@huggingface/transformers';
  work = await mkdtemp(join(tmpdir(), 'fournil-stock-'));
  server = await startParityServer(work, { [transformers]: onDemand(transformers) });
});

test.afterAll(async () => {
  await server.close();
  await rm(work, { recursive: true });
});

type Dtype = StockJob['dtype'];

async function ours(page: Page, model: string, dtype: Dtype, cases: ReferenceCase[], pixels: string | null) {
  await page.goto(`${server.origin}/tools/parity/page/index.html`);
  await page.waitForFunction(() => 'runParity' in window);
  const job: ParityJob = {
    folder: `/parity-files/${model}/`,
    device: 'wasm',
    dtype,
    pixelValues: pixels,
    cases: cases.map(({ name, ids, pictures }) => ({
      name,
      ids,
      pictures,
      comparedPositions: 1,
      chunkings: [[ids.length]],
      greedy: TOKENS,
    })),
    results: '/parity-results/ours',
  };
  const outcome = await page.evaluate((j) => window.runParity(j), job);
  if (!('done' in outcome)) throw new Error(JSON.stringify(outcome));
  return new Map(outcome.done.map(({ name, greedy }) => [name, greedy]));
}

async function stock(page: Page, job: StockJob): Promise<number[]> {
  await page.goto(`${server.origin}/e2e/stock/index.html`);
  await page.waitForFunction(() => 'runStock' in window);
  return page.evaluate((j) => window.runStock(j), job);
}

/** Our engine generates a number of tokens; transformers.js stops at the end of the answer. */
const untilEos = (tokens: number[]): number[] => {
  const at = tokens.indexOf(EOS);
  return at < 0 ? tokens : tokens.slice(0, at + 1);
};

for (const { dtype, device, names } of [
  { dtype: 'fp32', device: 'wasm', names: ['len5', 'len65'] },
  { dtype: 'q4', device: 'webgpu', names: ['len5'] },
] as const)
  test(`a text export in ${dtype} gives stock transformers.js our tokens`, async ({ page }) => {
    const model = `text-${dtype}`;
    await exportModel({ checkpoint: 'reference/text', out: join(work, model), dtype, imageAttention: 'causal' });
    const all = await readCases('reference/text', await readReference('reference/text'));
    const cases = all.filter((c) => names.some((name) => name === c.name));
    expect(cases).toHaveLength(names.length);
    const expected = await ours(page, model, dtype, cases, null);
    for (const { name, ids } of cases) {
      const tokens = await stock(page, { model, dtype, device, ids, pixels: null, tokens: TOKENS });
      expect(tokens).toEqual(untilEos(expected.get(name) ?? []));
    }
  });

test('a causal export with pictures gives stock transformers.js our tokens', async ({ page }) => {
  const model = 'vision';
  await exportModel({
    checkpoint: 'reference/vision',
    out: join(work, model),
    dtype: 'fp32',
    imageAttention: 'causal',
  });
  const reference = await readReference('reference/vision');
  const cases = (await readCases('reference/vision', reference)).filter((c) => c.name === 'image-first');
  const [only] = cases;
  const { imageSize = 0 } = reference.config.vision ?? {};
  if (!only) throw new Error('no case image-first');
  const values = Array.from(reference.tensor('pixel_values').subarray(0, 3 * imageSize * imageSize));
  await writeFile(join(work, 'pixels.f32'), new Uint8Array(Float32Array.from(values).buffer));
  const expected = await ours(page, model, 'fp32', cases, '/parity-files/pixels.f32');
  const pixels = { values, dims: [1, 3, imageSize, imageSize] };
  const tokens = await stock(page, { model, dtype: 'fp32', device: 'wasm', ids: only.ids, pixels, tokens: TOKENS });
  expect(tokens).toEqual(untilEos(expected.get(only.name) ?? []));
});
