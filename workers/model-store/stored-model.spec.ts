import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseManifest } from '../../protocol/manifest.ts';
import { fileAt, folderOf, openSync, writeFile } from './directory.ts';
import type { Part, PartRecord } from './parts.ts';
import { type Plan, planManifest } from './plan.ts';
import {
  deleteManifest,
  describeStored,
  readPlan,
  recordUse,
  withRecord,
  writeManifest,
  writePlan,
} from './stored-model.ts';
import { type TestModel, testModel } from './testing/model.ts';
import { type Disk, useDisk } from './testing/opfs.ts';

vi.mock('../../protocol/sizes.ts', () => ({ PART_BYTES: 100 }));

const GRAPH = 'onnx/model_q4.onnx';
let disk: Disk;
let model: TestModel;
let plan: Plan;

beforeEach(() => {
  disk = useDisk();
  model = testModel({ 'config.json': 20, [GRAPH]: 250 });
  plan = planManifest(model.manifest, { kind: 'mirror', url: 'https://a.test/' });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const hashes = (path: string) => model.manifest.files.find((file) => file.path === path)?.parts ?? [];
const storeAll = async (record: PartRecord) => {
  const folder = await folderOf('models', plan.key, true);
  for (const part of record.parts) {
    const file = await openSync(await fileAt(folder, part.file.path, true));
    file.write(model.files.get(part.file.path) ?? new Uint8Array(), { at: 0 });
    file.close();
    record.set(part, 'verified', hashes(part.file.path)[part.index]);
  }
};
const readManifest = () =>
  parseManifest(JSON.parse(Buffer.from(disk.file(`models/${plan.key}/manifest.json`)).toString()));

describe('a plan', () => {
  it('is kept with the model’s record', async () => {
    expect(await readPlan(plan.key)).toBeNull();
    await writePlan(plan);
    expect(await readPlan(plan.key)).toEqual(plan);
    expect(disk.paths).toEqual([`records/${plan.key}/plan.json`]);
  });

  it('that was cut off while it was written is none', async () => {
    await writeFile(await folderOf('records', 'k', true), 'plan.json', '{"key":');
    expect(await readPlan('k')).toBeNull();
    await folderOf('records', 'empty', true);
    expect(await readPlan('empty')).toBeNull();
  });
});

describe('what is stored of a model', () => {
  it('is nothing at first', async () => {
    expect(await describeStored(plan)).toMatchObject({ key: plan.key, present: 0, complete: false, lastUsed: null });
  });

  it('is what its record says, and whole once it has a manifest', async () => {
    await withRecord(plan, async (record) => {
      record.set(record.parts[0] as Part, 'verified', '');
      expect(await describeStored(plan)).toMatchObject({ present: 20, complete: false });
      await storeAll(record);
      expect(await describeStored(plan)).toMatchObject({ present: 270, complete: false });
      await writeManifest(plan, record);
    });
    expect(await describeStored(plan)).toMatchObject({ present: 270, size: 270, complete: true });
    await deleteManifest(plan.key);
    expect(await describeStored(plan)).toMatchObject({ present: 270, complete: false });
    await deleteManifest(plan.key);
  });

  it('tells when it was last used', async () => {
    vi.useFakeTimers({ now: 123_456, toFake: ['Date'] });
    await writePlan(plan);
    await recordUse(plan.key);
    expect(await describeStored(plan)).toMatchObject({ lastUsed: 123_456 });
    await writeFile(await folderOf('records', plan.key), 'used.json', '');
    expect(await describeStored(plan)).toMatchObject({ lastUsed: null });
    await writeFile(await folderOf('records', plan.key), 'used.json', '"yesterday"');
    expect(await describeStored(plan)).toMatchObject({ lastUsed: null });
  });
});

describe('the record', () => {
  it('is open while it is used, and closed whatever happens', async () => {
    await withRecord(plan, (record) => {
      record.set(record.parts[2] as Part, 'downloaded', 'ff'.repeat(32));
      return Promise.resolve();
    });
    const failing = withRecord(plan, (record) => {
      expect(record.parts.map((part) => record.state(part))).toEqual(['missing', 'missing', 'downloaded', 'missing']);
      return Promise.reject(new Error('x'));
    });
    await expect(failing).rejects.toThrow('x');
    expect(await withRecord(plan, (record) => Promise.resolve(record.present))).toBe(100);
    expect(disk.file(`records/${plan.key}/parts.bin`)).toHaveLength(4 * 40);
  });
});

describe('the manifest', () => {
  it('has what the plan says, and the hashes of what is stored', async () => {
    await withRecord(plan, async (record) => {
      await storeAll(record);
      await writeManifest(plan, record);
    });
    expect(readManifest()).toEqual(model.manifest);
  });

  it('of files whose hash nobody told is computed from what is stored', async () => {
    plan = { ...plan, files: plan.files.map(({ path, size }) => ({ path, size })) };
    await withRecord(plan, async (record) => {
      await storeAll(record);
      await writeManifest(plan, record);
    });
    expect(readManifest().files).toEqual(model.manifest.files);
    const graph = model.files.get(GRAPH) ?? new Uint8Array();
    expect(readManifest().files[1]?.sha256).toBe(createHash('sha256').update(graph).digest('hex'));
  });

  it('of a file in one part has that part’s hash, whatever the plan says', async () => {
    plan = { ...plan, files: plan.files.map((file) => ({ ...file, sha256: '0'.repeat(64) })) };
    await withRecord(plan, async (record) => {
      await storeAll(record);
      await writeManifest(plan, record);
    });
    expect(readManifest().files.map(({ sha256 }) => sha256)).toEqual([hashes('config.json')[0], '0'.repeat(64)]);
  });

  it('is not written for files that are not in the record', async () => {
    const error = await withRecord(plan, async (record) => {
      await folderOf('models', plan.key, true);
      const more = { ...plan, files: [...plan.files, { path: 'x', size: 1 }] };
      return writeManifest(more, record).catch((cause: unknown) => cause);
    });
    expect(error).toMatchObject({ code: 'internal', detail: 'x is not in the plan' });
  });
});
