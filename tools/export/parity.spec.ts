/** @file Compares exports of the reference checkpoints, run on the CPU, with the reference implementation's logits. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportModel, type ExportOptions } from './export-model.ts';
import { makeCheckpoint } from '../make-checkpoint/make-checkpoint.ts';
import { fillWeight } from './testing/fill-weight.ts';
import { NodeModel } from './testing/node-model.ts';
import { type Case, cuttings, maxDifference, openReference, type ReferenceFolder } from './testing/reference.ts';

const referenceFolder = (name: string) => fileURLToPath(new URL(`../../reference/${name}`, import.meta.url));

/** Largest difference over all cases and ways of cutting them into chunks. */
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

/** Tolerance between 4-bit weights and fp32 weights of the same values. */
const Q4_BOUND = 1e-4;
/** Tolerance between fp16 and fp32 attention and MLP inputs. Logits of these models reach ±4. */
const Q4F16_BOUND = 0.05;

/** Largest difference between two models' logits over all cases. The first model computes the prompt in chunks. */
async function between(a: NodeModel, b: NodeModel, cases: Case[]): Promise<number> {
  let most = 0;
  for (const { prompt } of cases) {
    const cuts = cuttings(prompt).at(-1) ?? [];
    const [one, other] = [await a.logits(prompt, cuts), await b.logits(prompt, [prompt.ids.length])];
    most = Math.max(most, maxDifference(one, other));
  }
  return most;
}

describe('text', () => {
  let reference: ReferenceFolder;
  beforeAll(async () => {
    reference = await openReference(referenceFolder('text'));
  });
  afterAll(() => reference.close());

  it('has the reference logits and greedy tokens in fp32, however the prompt is cut', async () => {
    const model = await exported('text', { dtype: 'fp32' });
    const most = await worst(model, reference.cases, (c) => reference.tensor(c.logits));
    console.info(`text fp32: ${most.toExponential(1)}`);
    expect(most).toBeLessThan(1e-4);
    for (const c of reference.cases) expect(await model.greedy(c.prompt, c.greedy.length)).toEqual(c.greedy);
  });

  it('computes in q4 what its rounded weights stand for, and nearly that in q4f16', async () => {
    const rounded = await exported('text', { dtype: 'fp32', roundWeights: true });
    const q4 = await exported('text', { dtype: 'q4' });
    const q4f16 = await exported('text', { dtype: 'q4f16' });
    const off = await between(q4, rounded, reference.cases);
    const halves = await between(q4f16, q4, reference.cases);
    console.info(`text q4: ${off.toExponential(1)}, q4f16: ${halves.toExponential(1)}`);
    expect(off).toBeLessThan(Q4_BOUND);
    expect(halves).toBeLessThan(Q4F16_BOUND);
  });

  it('gives the logits of as many last positions as asked for, 0 meaning all', async () => {
    const model = await exported('text', { dtype: 'fp32', contextLength: 64 });
    const ids = [2, 920, 48, 570, 240];
    const all = await model.logits({ ids }, [ids.length]);
    for (const keep of [1, 3, 5, 9]) {
      const some = await model.lastLogits({ ids }, keep);
      const wanted = all.subarray(Math.max(0, ids.length - keep) * model.config.text.vocabSize);
      expect(maxDifference(some, wanted)).toBeLessThan(1e-5);
    }
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

  it('has the reference features, logits and greedy tokens in fp32, with bidirectional picture tokens', async () => {
    const model = await exported('vision', { dtype: 'fp32' });
    const features = await model.encode(await reference.tensor('pixel_values'));
    const off = maxDifference(features, await reference.tensor('image_features'));
    const most = await worst(model, reference.cases, (c) => reference.tensor(c.logits));
    console.info(`vision fp32: features ${off.toExponential(1)}, logits ${most.toExponential(1)}`);
    expect(off).toBeLessThan(1e-4);
    expect(most).toBeLessThan(1e-4);
    for (const c of reference.cases) expect(await model.greedy(c.prompt, c.greedy.length)).toEqual(c.greedy);
  });

  it('has the logits of a causal engine where it is exported causal', async () => {
    const model = await exported('vision', { dtype: 'fp32', imageAttention: 'causal' });
    const most = await worst(model, reference.cases, (c) => reference.tensor(c.logitsCausal));
    console.info(`vision causal fp32: ${most.toExponential(1)}`);
    expect(most).toBeLessThan(1e-4);
  });

  it('computes in q4 what its rounded weights stand for, and nearly that in q4f16', async () => {
    const pixels = await reference.tensor('pixel_values');
    const rounded = await exported('vision', { dtype: 'fp32', roundWeights: true });
    const q4 = await exported('vision', { dtype: 'q4' });
    const q4f16 = await exported('vision', { dtype: 'q4f16' });
    const [features, wanted, halved] = [
      await q4.encode(pixels),
      await rounded.encode(pixels),
      await q4f16.encode(pixels),
    ];
    const [off, halves] = [maxDifference(features, wanted), maxDifference(halved, features)];
    const cases = reference.cases.map((c) => ({ ...c, prompt: { ...c.prompt, features } }));
    const [logits, logitsHalf] = [await between(q4, rounded, cases), await between(q4f16, q4, cases)];
    console.info(
      `vision q4: features ${off.toExponential(1)}, logits ${logits.toExponential(1)}; ` +
        `q4f16: features ${halves.toExponential(1)}, logits ${logitsHalf.toExponential(1)}`,
    );
    expect(Math.max(off, logits)).toBeLessThan(Q4_BOUND);
    expect(Math.max(halves, logitsHalf)).toBeLessThan(Q4F16_BOUND);
  });
});

it('pads a vision MLP whose width 4-bit blocks do not divide, exactly', async () => {
  const checkpoint = join(work, 'odd');
  await makeCheckpoint({ out: checkpoint, size: 'tiny-vision' });
  const outs = { q4: join(work, 'odd-q4'), fp32: join(work, 'odd-fp32'), q4f16: join(work, 'odd-q4f16') };
  for (const dtype of ['q4', 'fp32', 'q4f16'] as const)
    await exportModel({ checkpoint, out: outs[dtype], dtype, roundWeights: dtype === 'fp32' });
  const [q4, rounded, halves] = [
    await NodeModel.load(outs.q4, 'q4'),
    await NodeModel.load(outs.fp32, 'fp32'),
    await NodeModel.load(outs.q4f16, 'q4f16'),
  ];
  const pixels = Float32Array.from({ length: 3 * 112 * 112 }, (_, i) => Math.sin(i));
  const features = await q4.encode(pixels);
  expect(maxDifference(features, await rounded.encode(pixels))).toBeLessThan(Q4_BOUND);
  const prompt = { ids: [2, 9, 502, 502, 502, 502, 7], pictures: [{ start: 2, length: 4, image: 0 }], features };
  const logits = await q4.logits(prompt, [7]);
  expect(maxDifference(logits, await rounded.logits(prompt, [2, 6, 7]))).toBeLessThan(Q4_BOUND);
  expect(maxDifference(await halves.logits(prompt, [7]), logits)).toBeLessThan(Q4F16_BOUND);
});

it('does not overflow in q4f16 where fp16 would: in the residual stream and in the gated product', async () => {
  const checkpoint = join(work, 'large');
  await makeCheckpoint({ out: checkpoint, size: 'tiny' });
  const layer = 'model.layers.0';
  await fillWeight(checkpoint, `${layer}.pre_feedforward_layernorm.weight`, 3000);
  await fillWeight(checkpoint, `${layer}.post_feedforward_layernorm.weight`, 90_000);
  const [q4, q4f16] = [join(work, 'large-q4'), join(work, 'large-q4f16')];
  await exportModel({ checkpoint, out: q4, dtype: 'q4' });
  await exportModel({ checkpoint, out: q4f16, dtype: 'q4f16' });
  const prompt = { ids: [2, 9, 300, 41] };
  const wanted = await (await NodeModel.load(q4, 'q4')).logits(prompt, [4]);
  const got = await (await NodeModel.load(q4f16, 'q4f16')).logits(prompt, [4]);
  const off = maxDifference(got, wanted);
  console.info(`beyond fp16's range: ${off.toExponential(1)}`);
  expect(off).toBeLessThan(Q4F16_BOUND);
});
