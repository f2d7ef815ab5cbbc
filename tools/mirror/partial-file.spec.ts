import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PART_BYTES } from '../../protocol/sizes.ts';
import { HashingFile } from '../export/hashing-file.ts';
import { hashFile, PartialFile } from './partial-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fournil-part-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('over several runs, a file of several parts has the hashes of one written at once', async () => {
  const bytes = new Uint8Array(PART_BYTES + 5_000_000).map((_, at) => (at * 2654435761) >>> 24);
  const atOnce = await HashingFile.create(folder, 'onnx/at-once');
  await atOnce.write(bytes);
  const { sha256, parts } = await atOnce.close();
  expect(parts).toHaveLength(2);

  const cuts = [0, 1, 3_000_001, PART_BYTES - 1, PART_BYTES + 1, bytes.length];
  for (let run = 1; run < cuts.length; run++) {
    const file = await PartialFile.open(folder, 'onnx/data', bytes.length);
    expect(file.size).toBe(cuts[run - 1]);
    await file.write(bytes.subarray(cuts[run - 1], cuts[run]));
    if (run < cuts.length - 1) await file.leave();
    else {
      expect(await file.close()).toMatchObject({ path: 'onnx/data', size: bytes.length, sha256, parts });
      await file.keep();
    }
  }
  expect(Buffer.compare(await readFile(join(folder, 'onnx/data')), bytes)).toBe(0);
  expect(await hashFile(folder, 'onnx/data')).toMatchObject({ sha256, parts });
});

it('what is longer than the file can be is cut off', async () => {
  await writeFile(join(folder, 'data.part'), 'hello, world');
  const file = await PartialFile.open(folder, 'data', 5);
  expect(file.size).toBe(5);
  // `git hash-object` prints this hash for a file with the text hello.
  expect((await file.close()).gitSha1).toBe('b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0');
});
