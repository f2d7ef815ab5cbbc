/**
 * npm run make-proof: writes the known answer that adapters are proven with (workers/inference/model/proof/): a tiny
 * seeded model's 4-bit export, and its logits as the CPU computes them in a browser.
 */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exportModel } from '../export/export-model.ts';
import { makeCheckpoint } from '../make-checkpoint/make-checkpoint.ts';
import { runInBrowser } from '../parity/run-in-browser.ts';
import { startParityServer } from '../parity/server.ts';

const OUT = fileURLToPath(new URL('../../workers/inference/model/proof/', import.meta.url));
const CASE = 'known-answer';

/** Longer than the 32 tokens from which wrong attention shows; the last is read alone, as decoding does. */
const TOKENS = 49;

const work = await mkdtemp(join(tmpdir(), 'fournil-proof-'));
const server = await startParityServer(work);
try {
  const checkpoint = join(work, 'checkpoint');
  const { text } = await makeCheckpoint({ out: checkpoint, size: 'tiny', layers: 2, seed: 3 });
  // One sliding and one full layer say it all.
  const made = JSON.parse(await readFile(join(checkpoint, 'config.json'), 'utf8')) as object;
  const config = { ...made, sliding_window_pattern: 2 };
  await writeFile(join(checkpoint, 'config.json'), JSON.stringify(config));
  const ids = Array.from({ length: TOKENS }, (_, i) => (i * i * 7 + 3 * i + 2) % text.vocabSize);
  await exportModel({ checkpoint, out: join(work, 'model'), dtype: 'q4' });
  const run = await runInBrowser(server, {
    folder: '/parity-files/model/',
    device: 'wasm',
    dtype: 'q4',
    pixelValues: null,
    cases: [{ name: CASE, ids, pictures: [], covered: 2, chunkings: [[ids.length - 1, ids.length]], greedy: 0 }],
    results: '/parity-results/proof',
  });
  const logits = run.logits.get(`${CASE}/0`);
  if (logits?.length !== 2 * text.vocabSize) throw new Error('the browser gave no logits');
  const rounded = Array.from(logits, (value) => Number(value.toFixed(5)));
  const answer = {
    config,
    ids: ids.slice(0, -1),
    next: ids.at(-1),
    logits: [rounded.slice(0, text.vocabSize), rounded.slice(text.vocabSize)],
  };
  await mkdir(OUT, { recursive: true });
  await writeFile(join(OUT, 'known-answer.json'), `${JSON.stringify(answer)}\n`);
  for (const file of ['model_q4.onnx', 'model_q4.onnx_data'])
    await copyFile(join(work, 'model', 'onnx', file), join(OUT, file));
} finally {
  await server.close();
  await rm(work, { recursive: true, force: true });
}
