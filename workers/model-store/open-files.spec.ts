import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { folderOf } from './directory.ts';
import { OpenFiles } from './open-files.ts';
import { type Disk, useDisk } from './testing/opfs.ts';

let disk: Disk;
let files: OpenFiles;
beforeEach(async () => {
  disk = useDisk();
  files = new OpenFiles(await folderOf('models', 'k', true));
});
afterEach(() => vi.unstubAllGlobals());

it('opens each file once, at its full length', async () => {
  const file = { path: 'onnx/a', size: 30 };
  const [handle, same] = await Promise.all([files.handleOf(file), files.handleOf(file)]);
  expect(handle).toBe(same);
  expect(disk.file('models/k/onnx/a')).toHaveLength(30);
});

it('keeps what a file of the right length holds', async () => {
  const file = { path: 'a', size: 3 };
  const first = await files.handleOf(file);
  first.write(Uint8Array.of(1, 2, 3), { at: 0 });
  await files.close();
  expect(disk.flushed).toEqual(['a']);
  await new OpenFiles(await folderOf('models', 'k')).handleOf(file);
  expect([...disk.file('models/k/a')]).toEqual([1, 2, 3]);
});

it('does not hold a file that finds no space, and closes the others all the same', async () => {
  disk.quota = 10;
  await files.handleOf({ path: 'small', size: 10 });
  const large = { path: 'large', size: 1 };
  await expect(files.handleOf(large)).rejects.toMatchObject({ name: 'QuotaExceededError' });
  await files.close();
  disk.quota = Infinity;
  const again = new OpenFiles(await folderOf('models', 'k'));
  for (const file of [large, { path: 'small', size: 10 }]) await again.handleOf(file);
});
