/**
 * npm run make-self-test: writes the known answers of the self-test that adapters run
 * (workers/inference/model/self-test/): 4-bit exports of tiny seeded models, their logits and picture features as the
 * CPU computes them in a browser.
 */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ParityJob } from '../../protocol/parity.ts';
import { exportModel } from '../export/export-model.ts';
import { makeCheckpoint, randomNormals } from '../make-checkpoint/make-checkpoint.ts';
import type { Size } from '../make-checkpoint/sizes.ts';
import { type Run, runInBrowser } from '../parity/run-in-browser.ts';
import { startParityServer } from '../parity/server.ts';

const OUT = fileURLToPath(new URL('../../workers/inference/model/self-test/', import.meta.url));
const CASE = 'known-answer';

/** Wrong attention shows from 32 tokens on. The last token is read alone, as in decoding. */
const TOKENS = 49;
/** Number of values that the pixels repeat: a prime, so that no two patches are alike. */
const PATTERN = 97;

const work = await mkdtemp(join(tmpdir(), 'fournil-self-test-'));
const server = await startParityServer(work);
const rounded = (values: Iterable<number>) => Array.from(values, (value) => Number(value.toFixed(5)));

/** Computes the CPU's answer of a tiny model. @param change changes of its config.json */
async function answer(size: Size, change: object, job: Pick<ParityJob, 'cases' | 'pixelValues'>) {
  const checkpoint = join(work, size, 'checkpoint');
  const shape = await makeCheckpoint({ out: checkpoint, size, layers: 2, seed: 3 });
  const path = join(checkpoint, 'config.json');
  const config = { ...(JSON.parse(await readFile(path, 'utf8')) as object), ...change };
  await writeFile(path, JSON.stringify(config));
  await exportModel({ checkpoint, out: join(work, size, 'model'), dtype: 'q4' });
  const run = await runInBrowser(server, {
    folder: `/parity-files/${size}/model/`,
    device: 'wasm',
    dtype: 'q4',
    results: `/parity-results/${size}`,
    ...job,
  });
  return { config, shape, run };
}

const found = (run: Run, name: string, size: number): number[] => {
  const values = run.logits.get(name);
  if (values?.length !== size) throw new Error(`the browser gave no ${name}`);
  return rounded(values);
};

async function decoder() {
  const vocabulary = 512;
  const ids = Array.from({ length: TOKENS }, (_, i) => (i * i * 7 + 3 * i + 2) % vocabulary);
  const chunkings = [[ids.length - 1, ids.length]];
  const { config, run } = await answer(
    'tiny',
    // One sliding and one full layer cover both kinds of attention.
    { sliding_window_pattern: 2 },
    { pixelValues: null, cases: [{ name: CASE, ids, pictures: [], comparedPositions: 2, chunkings, greedy: 0 }] },
  );
  const logits = found(run, `${CASE}/0`, 2 * vocabulary);
  return {
    config,
    ids: ids.slice(0, -1),
    next: ids.at(-1),
    logits: [logits.slice(0, vocabulary), logits.slice(vocabulary)],
  };
}

async function encoder() {
  const side = 112;
  const pattern = rounded(randomNormals(5, PATTERN).map((value) => Math.max(-1, Math.min(1, value / 2))));
  const pixels = Float32Array.from({ length: 3 * side * side }, (_, i) => pattern[i % PATTERN] ?? 0);
  await writeFile(join(work, 'pixels.bin'), pixels);
  // The browser returns features only beside a case.
  const cases = [{ name: CASE, ids: [2, 3], pictures: [], comparedPositions: 1, chunkings: [[2]], greedy: 0 }];
  const { config, shape, run } = await answer('tiny-vision', {}, { pixelValues: '/parity-files/pixels.bin', cases });
  const { tokensPerImage, imageSize } = shape.vision ?? { tokensPerImage: 0, imageSize: 0 };
  if (imageSize !== side) throw new Error(`the tiny model takes pictures of ${imageSize} pixels`);
  return { config, pattern, features: found(run, 'features/0', tokensPerImage * shape.text.hiddenSize) };
}

try {
  const keep = async (folder: string, known: object, size: Size, graph: string) => {
    await mkdir(join(OUT, folder), { recursive: true });
    await writeFile(join(OUT, folder, 'known-answer.json'), `${JSON.stringify(known)}\n`);
    for (const file of [`${graph}_q4.onnx`, `${graph}_q4.onnx_data`])
      await copyFile(join(work, size, 'model/onnx', file), join(OUT, folder, file));
  };
  await keep('decoder', await decoder(), 'tiny', 'model');
  await keep('encoder', await encoder(), 'tiny-vision', 'vision_encoder');
} finally {
  await server.close();
  await rm(work, { recursive: true, force: true });
}
