/** Exports of the reference checkpoints, run on the CPU, against the reference implementation's logits. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportModel, type ExportOptions } from './export-model.ts';
import { NodeModel } from './testing/node-model.ts';
import { type Case, cuttings, maxDifference, openReference, type ReferenceFolder } from './testing/reference.ts';

const referenceFolder = (name: string) => fileURLToPath(new URL(`../../reference/${name}`, import.meta.url));

/** What differs at most, over all cases and ways of cutting them. */
async function worst(model: NodeModel, cases: Case[], want: (c: Case) => Promise<Float32Array>): Promise<number> {
  let most = 0;
  for (const c of cases) {
    const wanted = await want(c);
    for (const cuts of cuttings(c.prompt)) {
      const got = await model.logits(c.prompt, cuts);
      most = Math.max(most, maxDifference(got.subarray(got.length - wanted.length), wanted));
    }
  }
  return most;
}

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'fournil-export-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

async function exported(folder: string, options: Partial<ExportOptions> & Pick<ExportOptions, 'dtype'>) {
  const out = join(work, Object.values({ folder, ...options }).join('-'));
  await exportModel({ checkpoint: referenceFolder(folder), out, ...options });
  return NodeModel.load(out, options.dtype ?? 'q4');
}

/** The same rounding, computed in fp32 by other operators: what 4-bit weights stand for. */
const BOUND = 1e-3;

describe('text', () => {
  let reference: ReferenceFolder;
  beforeAll(async () => {
    reference = await openReference(referenceFolder('text'));
  });
  afterAll(() => reference.close());

  it('fp32 gives the reference logits and greedy tokens, however the prompt is cut', async () => {
    const model = await exported('text', { dtype: 'fp32' });
    const most = await worst(model, reference.cases, (c) => reference.tensor(c.logits));
    console.info(`text fp32: ${most.toExponential(1)}`);
    expect(most).toBeLessThan(1e-4);
    for (const c of reference.cases) expect(await model.greedy(c.prompt, c.greedy.length)).toEqual(c.greedy);
  });
});

describe('vision', () => {
  let reference: ReferenceFolder;
  beforeAll(async () => {
    reference = await openReference(referenceFolder('vision'));
    const features = await reference.tensor('image_features');
    for (const c of reference.cases) c.prompt.features = features;
  });
  afterAll(() => reference.close());

  it('fp32 gives the reference features, logits and greedy tokens, picture tokens attending both ways', async () => {
    const model = await exported('vision', { dtype: 'fp32' });
    const features = await model.encode(await reference.tensor('pixel_values'));
    const off = maxDifference(features, await reference.tensor('image_features'));
    const most = await worst(model, reference.cases, (c) => reference.tensor(c.logits));
    console.info(`vision fp32: features ${off.toExponential(1)}, logits ${most.toExponential(1)}`);
    expect(off).toBeLessThan(1e-4);
    expect(most).toBeLessThan(1e-4);
    for (const c of reference.cases) expect(await model.greedy(c.prompt, c.greedy.length)).toEqual(c.greedy);
  });

  it('a causal export gives the logits of a causal engine', async () => {
    const model = await exported('vision', { dtype: 'fp32', imageAttention: 'causal' });
    const most = await worst(model, reference.cases, (c) => reference.tensor(c.logitsCausal));
    console.info(`vision causal fp32: ${most.toExponential(1)}`);
    expect(most).toBeLessThan(1e-4);
  });
});

void BOUND;
