import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { checkParts } from './check-parts.ts';
import { fileAt, folderOf, openSync } from './directory.ts';
import { type Part, PartRecord, partsOf } from './parts.ts';
import type { Plan } from './plan.ts';
import { Progress } from './progress.ts';
import { type Disk, useDisk } from './testing/opfs.ts';

vi.mock('../../protocol/sizes.ts', () => ({ PART_BYTES: 10 }));

const plan = {
  key: 'k',
  files: [
    { path: 'a', size: 25 },
    { path: 'b', size: 5 },
    { path: 'onnx/c', size: 0 },
  ],
} as Plan;
const { signal } = new AbortController();
const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let disk: Disk;
let parts: Part[];
let record: PartRecord;
let done: number[];
let progress: Progress;

beforeEach(async () => {
  disk = useDisk();
  parts = partsOf(plan);
  record = new PartRecord(parts, new Uint8Array());
  done = [];
  progress = new Progress({ key: 'k', id: 'k', phase: 'checking', total: 30 }, () => undefined);
  vi.spyOn(progress, 'update').mockImplementation((bytes) => done.push(bytes));
  const folder = await folderOf('models', 'k', true);
  for (const { path, size } of plan.files) {
    const file = await openSync(await fileAt(folder, path, true));
    file.write(Uint8Array.from({ length: size }, (_, i) => i));
    file.close();
  }
  for (const part of parts) {
    const bytes = disk.file(`models/k/${part.file.path}`).slice(part.offset, part.offset + part.length);
    record.set(part, 'verified', hash(bytes));
  }
});
afterEach(() => vi.unstubAllGlobals());

const check = () => checkParts(plan, record, progress, signal);

it('finds nothing where everything is as it was', async () => {
  expect(await check()).toEqual([]);
  expect(record.complete).toBe(true);
  expect(done).toHaveLength(5);
  expect(done.at(-1)).toBe(30);
  expect(new Set(done)).toEqual(new Set([10, 20, 25, 30]));
});

it('marks damaged parts as missing and names their files once', async () => {
  const bytes = disk.file('models/k/a');
  bytes[3] = 99;
  bytes[24] = 99;
  expect(await check()).toEqual(['a']);
  expect(parts.map((part) => record.state(part))).toEqual(['missing', 'verified', 'missing', 'verified', 'verified']);
});

it('takes a file that is gone or too short for damaged', async () => {
  const folder = await folderOf('models', 'k');
  await folder.removeEntry('b');
  const file = await openSync(await fileAt(folder, 'a'));
  file.truncate(24);
  expect((await check()).sort()).toEqual(['a', 'b']);
  expect(parts.map((part) => record.state(part))).toEqual(['verified', 'verified', 'missing', 'missing', 'verified']);
});

it('takes a disk that cannot be read for damaged', async () => {
  const folder = await folderOf('models', 'k');
  const file = await fileAt(folder, 'b');
  const broken = { slice: () => ({ arrayBuffer: () => Promise.reject(new Error('read error')) }) };
  vi.spyOn(file, 'getFile').mockResolvedValue(broken as unknown as File);
  expect(await check()).toEqual(['b']);
});

it('reads only what the record calls stored', async () => {
  record.set(parts[1] as Part, 'missing');
  record.set(parts[3] as Part, 'downloaded', record.hash(parts[3] as Part));
  expect(await check()).toEqual([]);
  expect(done.at(-1)).toBe(20);
});

it('opens each file once, and reads two parts at a time', async () => {
  const folder = await folderOf('models', 'k');
  const file = await fileAt(folder, 'a');
  const content = await file.getFile();
  let reading = 0;
  let most = 0;
  const slice = (from: number, to: number) => ({
    arrayBuffer: async () => {
      most = Math.max(most, ++reading);
      const bytes = await content.slice(from, to).arrayBuffer();
      reading--;
      return bytes;
    },
  });
  const getFile = vi.spyOn(file, 'getFile').mockResolvedValue({ slice } as unknown as File);
  await check();
  expect(getFile).toHaveBeenCalledOnce();
  expect(most).toBe(2);
});

it('stops when it is told to', async () => {
  const stop = new AbortController();
  stop.abort('stopped');
  await expect(checkParts(plan, record, progress, stop.signal)).rejects.toBe('stopped');
  expect(done).toEqual([]);
});
