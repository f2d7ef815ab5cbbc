import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { folderOf } from './directory.ts';
import { OpenFiles } from './open-files.ts';
import { PartVerifier } from './part-verifier.ts';
import { type Part, PartRecord, type PartState, partsOf } from './parts.ts';
import type { Plan, PlannedFile } from './plan.ts';
import { type Disk, useDisk } from './testing/opfs.ts';

vi.mock('../../protocol/sizes.ts', () => ({ PART_BYTES: 10 }));

const right = Uint8Array.from({ length: 25 }, (_, i) => i + 1);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const gitSha1 = (bytes: Uint8Array) => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

let disk: Disk;
let parts: Part[];
let record: PartRecord;
let files: OpenFiles;
let verifier: PartVerifier;
/** Indices of parts that were downloaded once more, and the bytes that the source gives then. */
let again: number[];
let source: (part: Part) => Uint8Array;

const open = async (file: Omit<PlannedFile, 'path' | 'size'>, size = right.length, passes = 3) => {
  parts = partsOf({ files: [{ path: 'w', size, ...file }] } as Plan);
  record = new PartRecord(parts, new Uint8Array());
  files = new OpenFiles(await folderOf('models', 'k', true));
  verifier = new PartVerifier(record, files, passes);
};
const part = (index: number): Part => parts[index] as Part;
const sliceOf = ({ offset, length }: Part, bytes = right) => bytes.slice(offset, offset + length);
const downloadAgain = async (wanted: Part, onPart: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>) => {
  again.push(wanted.index);
  await onPart(Uint8Array.from(source(wanted)));
};
/** Puts bytes into the file and has them verified, as a download does. */
const verify = async (index: number, bytes = sliceOf(part(index))) => {
  (await files.handleOf(part(index).file)).write(bytes, { at: part(index).offset });
  return verifier.verify(part(index), bytes, downloadAgain);
};
const states = (): PartState[] => parts.map((each) => record.state(each));
const wrong = (index: number) => sliceOf(part(index)).map((byte) => byte ^ 1);

beforeEach(() => {
  disk = useDisk();
  again = [];
  source = (wanted) => sliceOf(wanted);
});
afterEach(() => vi.unstubAllGlobals());

describe('where each part’s hash is known', () => {
  beforeEach(() => open({ parts: [0, 10, 20].map((at) => sha256(right.slice(at, at + 10))), sha256: 'of the whole' }));

  it('verifies each part by its own', async () => {
    expect(await verify(1)).toBe(true);
    expect(states()).toEqual(['missing', 'verified', 'missing']);
    expect(record.hash(part(1))).toBe(sha256(sliceOf(part(1))));
  });

  it('refuses another', async () => {
    expect(await verify(1, sliceOf(part(0)))).toBe(false);
    expect(states()).toEqual(['missing', 'missing', 'missing']);
  });
});

describe('where the file fits in a part', () => {
  it('verifies it by the SHA-256 of the file', async () => {
    await open({ sha256: sha256(right.slice(0, 10)) }, 10);
    expect(await verify(0, wrong(0))).toBe(false);
    expect(await verify(0)).toBe(true);
    expect(states()).toEqual(['verified']);
  });

  it('verifies it by git’s SHA-1, which is all that the hub tells of small files', async () => {
    await open({ gitSha1: gitSha1(right.slice(0, 7)) }, 7);
    expect(await verify(0, wrong(0))).toBe(false);
    expect(states()).toEqual(['missing']);
    expect(await verify(0)).toBe(true);
    expect(states()).toEqual(['verified']);
    expect(record.hash(part(0))).toBe(sha256(right.slice(0, 7)));
  });

  it('goes by SHA-256 where both are known', async () => {
    await open({ sha256: sha256(right.slice(0, 7)), gitSha1: 'of something else' }, 7);
    expect(await verify(0)).toBe(true);
  });
});

it('believes files of which nothing is known', async () => {
  await open({});
  expect(await verify(2)).toBe(true);
  expect(states()).toEqual(['missing', 'missing', 'verified']);
});

describe('where only the hash of a file of several parts is known', () => {
  beforeEach(() => open({ sha256: sha256(right) }));

  it('verifies all parts together once the last is there, in any order', async () => {
    expect(await verify(2)).toBe(true);
    expect(await verify(0)).toBe(true);
    expect(states()).toEqual(['downloaded', 'missing', 'downloaded']);
    expect(await verify(1)).toBe(true);
    expect(states()).toEqual(['verified', 'verified', 'verified']);
    expect(record.hash(part(2))).toBe(sha256(sliceOf(part(2))));
    expect(again).toEqual([]);
  });

  it('finds the wrong part by downloading each again, and mends it in the file', async () => {
    await verify(0);
    await verify(1, wrong(1));
    expect(await verify(2)).toBe(true);
    expect(again).toEqual([0, 1]);
    expect(states()).toEqual(['verified', 'verified', 'verified']);
    expect([...disk.file('models/k/w')]).toEqual([...right]);
    expect(record.hash(part(1))).toBe(sha256(sliceOf(part(1))));
  });

  it('mends several parts', async () => {
    await verify(0, wrong(0));
    await verify(1);
    await verify(2, wrong(2));
    expect(again).toEqual([0, 1, 2]);
    expect([...disk.file('models/k/w')]).toEqual([...right]);
  });

  it('gives up where the source gives the same wrong bytes again', async () => {
    source = (wanted) => (wanted.index === 1 ? wrong(1) : sliceOf(wanted));
    await verify(0);
    await verify(1, wrong(1));
    await expect(verify(2)).rejects.toMatchObject({
      ...{ code: 'source-bad', detail: 'w: its SHA-256 is not the one that was announced' },
    });
    expect(again).toEqual([0, 1, 2]);
    expect(states()).toEqual(['missing', 'missing', 'missing']);
  });

  it('gives up after some passes where the source gives other wrong bytes each time', async () => {
    let salt = 1;
    source = (wanted) => (wanted.index === 1 ? sliceOf(wanted).fill(100 + salt++) : sliceOf(wanted));
    await verify(0);
    await verify(1, wrong(1));
    await expect(verify(2)).rejects.toMatchObject({ code: 'source-bad' });
    expect(again).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2]);
  });

  it('verifies later what was downloaded when the store was closed', async () => {
    for (const index of [0, 1, 2]) {
      (await files.handleOf(part(index).file)).write(sliceOf(part(index)), { at: part(index).offset });
      record.set(part(index), 'downloaded', sha256(sliceOf(part(index))));
    }
    await verifier.verifyDownloaded(downloadAgain);
    expect(states()).toEqual(['verified', 'verified', 'verified']);
    expect(again).toEqual([]);
  });

  it('mends then, too', async () => {
    for (const index of [0, 1, 2]) {
      const bytes = index === 0 ? wrong(0) : sliceOf(part(index));
      (await files.handleOf(part(index).file)).write(bytes, { at: part(index).offset });
      record.set(part(index), 'downloaded', sha256(bytes));
    }
    await verifier.verifyDownloaded(downloadAgain);
    expect(again).toEqual([0]);
    expect(states()).toEqual(['verified', 'verified', 'verified']);
  });

  it('opens nothing where a part is missing, or all are verified', async () => {
    record.set(part(0), 'downloaded', sha256(sliceOf(part(0))));
    await verifier.verifyDownloaded(downloadAgain);
    expect(states()).toEqual(['downloaded', 'missing', 'missing']);
    for (const each of parts) record.set(each, 'verified', '');
    await verifier.verifyDownloaded(downloadAgain);
    expect(disk.paths).toEqual([]);
  });
});
