/**
 * npm run parity -- FOLDER [--dtype fp32|q4|q4f16] [--device webgpu|wasm] [--bound 1e-3] [--image-attention …] [--only
 * NAME,NAME…] [--json]
 *
 * Exports the checkpoint in FOLDER, runs its cases in a real headless browser through the app's own engine, and
 * compares logits and greedy tokens with the reference, for many ways of cutting the prompt into chunks.
 *
 * fp32 is compared with FOLDER's reference.safetensors (the reference implementation's fp32 logits). 4-bit weights are
 * other weights, so q4 and q4f16 are compared with what they stand for: on WebGPU with the same graph on the CPU, on
 * the CPU with an fp32 graph of the rounded weights; their KL divergence to the reference is printed beside.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Device } from '../../protocol/engine.ts';
import { type ExportDtype, exportModel } from '../export/export-model.ts';
import { type ReferenceCase, readCases } from './cases.ts';
import { maxAbsDifference, meanKl } from './compare.ts';
import { readReference, type Reference } from './reference.ts';
import { type Run, runInBrowser } from './run-in-browser.ts';
import { startParityServer } from './server.ts';

const USAGE =
  'npm run parity -- FOLDER [--dtype fp32|q4|q4f16] [--device webgpu|wasm] [--bound 1e-3] ' +
  '[--image-attention bidirectional|causal] [--only NAME,NAME…] [--json]';

interface Options {
  folder: string;
  dtype: ExportDtype;
  device: Device;
  bound: number;
  imageAttention: 'bidirectional' | 'causal';
  /** Names of the cases to run; all if empty. */
  only: string[];
  json: boolean;
}

interface CaseReport {
  name: string;
  max_abs_diff: number;
  greedy_equal: number;
  greedy_total: number;
  /** Mean KL divergence of the reference to this dtype, nats a token; only for 4-bit. */
  kl?: number;
}

function readOptions(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      dtype: { type: 'string', default: 'fp32' },
      device: { type: 'string', default: 'webgpu' },
      bound: { type: 'string', default: '1e-3' },
      'image-attention': { type: 'string', default: 'bidirectional' },
      only: { type: 'string', default: '' },
      json: { type: 'boolean', default: false },
    },
  });
  const oneOf = <T extends string>(name: string, value: string, allowed: readonly T[]): T => {
    const found = allowed.find((a) => a === value);
    if (!found) throw new Error(`--${name} is ${value}: it must be one of ${allowed.join(', ')}`);
    return found;
  };
  const [folder] = positionals;
  if (!folder || positionals.length > 1) throw new Error(USAGE);
  const bound = Number(values.bound);
  if (!(bound > 0)) throw new Error(`--bound is ${values.bound}: it must be a positive number`);
  return {
    folder,
    bound,
    dtype: oneOf('dtype', values.dtype, ['fp32', 'q4', 'q4f16']),
    device: oneOf('device', values.device, ['webgpu', 'wasm']),
    imageAttention: oneOf('image-attention', values['image-attention'], ['bidirectional', 'causal']),
    only: values.only.split(',').filter((name) => name !== ''),
    json: values.json,
  };
}

function report(
  cases: ReferenceCase[],
  run: Run,
  want: { logits: (c: ReferenceCase) => Float32Array; greedy: (c: ReferenceCase) => number[] },
  klTo: ((c: ReferenceCase) => Float32Array) | null,
): CaseReport[] {
  return cases.map((c) => {
    const wanted = want.logits(c);
    const differences = c.chunkings.map((_, i) =>
      maxAbsDifference(run.logits.get(`${c.name}/${i}`) ?? new Float32Array(0), wanted),
    );
    const got = run.greedy.get(c.name) ?? [];
    const greedy = want.greedy(c);
    const first = run.logits.get(`${c.name}/0`) ?? new Float32Array(0);
    return {
      name: c.name,
      max_abs_diff: Math.max(...differences),
      greedy_equal: greedy.filter((id, i) => got[i] === id).length,
      greedy_total: greedy.length,
      ...(klTo ? { kl: meanKl(klTo(c), first, wanted.length / c.comparedPositions) } : {}),
    };
  });
}

function printTable(reports: CaseReport[]): void {
  const width = Math.max(...reports.map((r) => r.name.length), 4);
  const line = (name: string, ...cells: string[]) =>
    process.stdout.write(`${name.padEnd(width)}  ${cells.map((c) => c.padStart(13)).join('  ')}\n`);
  const withKl = reports.some((r) => r.kl !== undefined);
  line('case', 'max |Δlogit|', 'greedy equal', ...(withKl ? ['KL to fp32'] : []));
  for (const r of reports)
    line(
      r.name,
      r.max_abs_diff.toExponential(2),
      `${r.greedy_equal}/${r.greedy_total}`,
      ...(r.kl === undefined ? [] : [r.kl.toExponential(2)]),
    );
}

async function main(): Promise<boolean> {
  const options = readOptions();
  const { dtype, device } = options;
  const log = (text: string) => process.stderr.write(`${text}\n`);
  const reference: Reference = await readReference(options.folder);
  const all = await readCases(options.folder, reference);
  const unknown = options.only.filter((name) => !all.some((c) => c.name === name));
  if (unknown.length > 0) throw new Error(`There is no case ${unknown.join(', ')} in ${options.folder}.`);
  const cases = options.only.length > 0 ? all.filter((c) => options.only.includes(c.name)) : all;
  const causal = options.imageAttention === 'causal';
  const referenceLogits = (c: ReferenceCase) => reference.tensor(causal && c.logitsCausal ? c.logitsCausal : c.logits);

  const work = await mkdtemp(join(tmpdir(), 'fournil-parity-'));
  const server = await startParityServer(work);
  try {
    const seen = cases.some((c) => c.pictures.length > 0);
    if (seen) await writeFile(join(work, 'pixels.f32'), new Uint8Array(reference.tensor('pixel_values').buffer));
    const run = async (name: string, on: Device, as: ExportDtype, roundWeights: boolean): Promise<Run> => {
      log(`exporting ${as}${roundWeights ? ' of the rounded weights' : ''}`);
      const out = join(work, name);
      await exportModel({
        checkpoint: options.folder,
        out,
        dtype: as,
        imageAttention: options.imageAttention,
        roundWeights,
      });
      log(`running ${as} on ${on}`);
      return runInBrowser(server, {
        folder: `/parity-files/${name}/`,
        device: on,
        dtype: as,
        pixelValues: seen ? '/parity-files/pixels.f32' : null,
        cases: cases.map(({ name, ids, pictures, comparedPositions, chunkings, greedy }) => ({
          name,
          ids,
          pictures,
          comparedPositions,
          chunkings,
          greedy,
        })),
        results: `/parity-results/${name}-${on}`,
      });
    };
    const main = await run(dtype, device, dtype, false);
    let reports: CaseReport[];
    if (dtype === 'fp32') {
      const greedy = (c: ReferenceCase) =>
        causal && c.logitsCausal ? (main.greedy.get(c.name) ?? []) : c.greedyTokens;
      reports = report(cases, main, { logits: referenceLogits, greedy }, null);
    } else {
      const same =
        device === 'webgpu'
          ? await run(`${dtype}-cpu`, 'wasm', dtype, false)
          : await run('rounded', 'wasm', 'fp32', true);
      const want = {
        logits: (c: ReferenceCase) => same.logits.get(`${c.name}/0`) ?? new Float32Array(0),
        greedy: (c: ReferenceCase) => same.greedy.get(c.name) ?? [],
      };
      reports = report(cases, main, want, referenceLogits);
    }
    const pass = reports.every((r) => r.max_abs_diff <= options.bound && r.greedy_equal === r.greedy_total);
    if (main.adapter) log(`adapter: ${main.adapter}`);
    if (options.json)
      process.stdout.write(`${JSON.stringify({ pass, bound: options.bound, device, dtype, cases: reports })}\n`);
    else {
      printTable(reports);
      process.stdout.write(`${pass ? 'within' : 'PAST'} the bound of ${options.bound}\n`);
    }
    return pass;
  } finally {
    await server.close();
    await rm(work, { recursive: true, force: true });
  }
}

main().then(
  (pass) => {
    process.exitCode = pass ? 0 : 1;
  },
  (cause: unknown) => {
    process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`);
    process.exitCode = 2;
  },
);
