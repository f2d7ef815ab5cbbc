import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../protocol/manifest.ts';
import { chooseDtype, describePlan, keyOf, makePlan, planManifest, sizeOf } from './plan.ts';

const session = (graph: string) => ({ graph, data: [`${graph}_data`] });
const manifest = {
  format: 1,
  ...{
    id: 'org/gemma 3',
    revision: 'abcdef0123456789',
    licence: 'gemma',
    baseModel: 'google/gemma',
    contextLength: 99,
  },
  ...{ imageAttention: 'causal', cache: 'dynamic' },
  sessions: {
    q4: { embed_tokens: session('onnx/shared.onnx'), vision_encoder: session('onnx/v_q4.onnx') },
    fp32: { embed_tokens: session('onnx/shared.onnx'), model: session('onnx/m.onnx') },
  },
  files: ['onnx/v_q4.onnx', 'config.json', 'onnx/m.onnx', 'onnx/m.onnx_data', 'onnx/shared.onnx', 'other.txt'].map(
    (path, i) => ({ path, size: 10 ** i, sha256: '', parts: [] }),
  ),
} as Manifest;
const source = { kind: 'mirror', url: 'https://a.test/' } as const;

describe('chooseDtype', () => {
  it('takes what is asked for, or the best there is', () => {
    expect(chooseDtype({ fp32: {}, q4: {} }, 'fp32')).toBe('fp32');
    expect(chooseDtype({ fp32: {}, fp16: {}, q4f16: {}, q4: {} }, undefined)).toBe('q4');
    expect(chooseDtype({ fp32: {}, fp16: {}, q4f16: {} }, undefined)).toBe('q4f16');
    expect(chooseDtype({ fp32: {}, fp16: {} }, undefined)).toBe('fp16');
    expect(chooseDtype({ fp32: {} }, undefined)).toBe('fp32');
  });

  it('refuses what is not there, and says what was looked for', () => {
    expect(() => chooseDtype({ q4: {} }, 'fp16')).toThrow('no ONNX graphs of dtype fp16');
    expect(() => chooseDtype({}, undefined)).toThrow('no ONNX graphs of dtype q4, q4f16, fp16, fp32');
  });
});

describe('keyOf', () => {
  it('is a readable file name, another for each revision and dtype', () => {
    expect(keyOf('org/gemma 3.1-it', 'abcdef0123456789', 'q4')).toBe('org~gemma~3.1-it_q4_abcdef012345');
    expect(keyOf('a', 'feature/x-1!', 'fp16')).toBe('a_fp16_featurex1');
    expect(keyOf('é'.repeat(3) + 'a'.repeat(100), 'r', 'q4')).toBe(`~${'a'.repeat(79)}_q4_r`);
  });
});

describe('planManifest', () => {
  it('takes one dtype’s files and those that belong to none, in the order of their paths', () => {
    const plan = planManifest(manifest, source);
    expect(plan.files.map(({ path }) => path)).toEqual([
      'config.json',
      'onnx/shared.onnx',
      'onnx/v_q4.onnx',
      'other.txt',
    ]);
    expect(plan).toMatchObject({
      ...{ key: 'org~gemma~3_q4_abcdef012345', id: 'org/gemma 3', revision: 'abcdef0123456789', licence: 'gemma' },
      ...{ baseModel: 'google/gemma', contextLength: 99, imageAttention: 'causal', cache: 'dynamic', dtype: 'q4' },
      source: { ...source, dtype: 'q4' },
    });
    expect(plan.sessions).toEqual({ q4: manifest.sessions.q4 });
  });

  it('takes the dtype that the source names', () => {
    const plan = planManifest(manifest, { ...source, dtype: 'fp32' });
    expect(plan.files.map(({ path }) => path)).toEqual([
      ...['config.json', 'onnx/m.onnx', 'onnx/m.onnx_data', 'onnx/shared.onnx', 'other.txt'],
    ]);
    expect(plan.source).toEqual({ ...source, dtype: 'fp32' });
  });
});

it('describes a plan for the page', () => {
  const plan = planManifest(manifest, source);
  expect(sizeOf(plan)).toBe(10 + 10_000 + 1 + 100_000);
  expect(describePlan(plan, 7)).toEqual({
    ...{ key: plan.key, id: plan.id, revision: plan.revision, licence: 'gemma', dtype: 'q4', vision: true },
    ...{ contextLength: 99, size: 110_011, present: 7, source: plan.source },
  });
  expect(describePlan(planManifest(manifest, { ...source, dtype: 'fp32' }), 0).vision).toBe(false);
  expect(describePlan({ ...plan, sessions: {} }, 0).vision).toBe(false);
});

it('sorts files without changing what it was given', () => {
  const files = [
    { path: 'b', size: 1 },
    { path: 'a', size: 2 },
    { path: 'c', size: 3 },
  ];
  expect(makePlan({ ...planManifest(manifest, source), files }).files.map(({ path }) => path)).toEqual(['a', 'b', 'c']);
  expect(files[0]?.path).toBe('b');
});
