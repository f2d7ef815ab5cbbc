import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Manifest } from '../../protocol/manifest.ts';
import type { BundleFile } from '../../protocol/store.ts';
import { fileAt, folderOf, openSync, writeFile } from './directory.ts';
import { bundleFilesOf, writeBundle } from './offline-bundle.ts';
import { bundleReadme, GEMMA_NOTICE, isGemma } from './offline-bundle-readme.ts';
import { Progress } from './progress.ts';
import { type TestModel, testModel } from './testing/model.ts';
import { type Disk, useDisk } from './testing/opfs.ts';

vi.mock('../../protocol/sizes.ts', () => ({ PART_BYTES: 100, BUNDLE_FILE_BYTES: 200 }));

let disk: Disk;
let model: TestModel;
const { signal } = new AbortController();

const store = async (manifest: Partial<Manifest> = {}) => {
  const folder = await folderOf('models', 'k', true);
  for (const [path, bytes] of model.files) {
    const file = await openSync(await fileAt(folder, path, true));
    file.write(bytes, { at: 0 });
    file.close();
  }
  await writeFile(folder, 'manifest.json', JSON.stringify({ ...model.manifest, ...manifest }));
};
const bytesOf = async (blob: Blob) => Buffer.from(await blob.arrayBuffer());
const named = async (path: string) => (await bundleFilesOf('k')).find((file) => file.path === path);

beforeEach(() => {
  disk = useDisk();
  model = testModel({ 'config.json': 20, 'onnx/model_q4.onnx': 200, 'onnx/model_q4.onnx_data': 450 });
});
afterEach(() => vi.unstubAllGlobals());

describe('a bundle', () => {
  it('has the model’s files, cut where they are large, and the manifest last', async () => {
    await store();
    const files = await bundleFilesOf('k');
    expect(files.map(({ path, blob }) => [path, blob.size])).toEqual([
      ['config.json', 20],
      ['onnx/model_q4.onnx', 200],
      ['onnx/model_q4.onnx_data.001', 200],
      ['onnx/model_q4.onnx_data.002', 200],
      ['onnx/model_q4.onnx_data.003', 50],
      ['README-LISEZMOI.txt', expect.any(Number)],
      ['manifest.json', expect.any(Number)],
    ]);
    const pieces = await Promise.all(files.slice(2, 5).map(({ blob }) => bytesOf(blob)));
    expect(Buffer.concat(pieces).equals(model.files.get('onnx/model_q4.onnx_data') ?? new Uint8Array())).toBe(true);
    expect(await files.at(-1)?.blob.text()).toBe(JSON.stringify(model.manifest));
  });

  it('carries a note in both languages, and Gemma’s notice where it applies', async () => {
    await store({ id: 'org/gemma-3', revision: 'abc', licence: 'gemma' });
    const note = await (await named('README-LISEZMOI.txt'))?.blob.text();
    expect(note).toBe(bundleReadme({ ...model.manifest, id: 'org/gemma-3', revision: 'abc', licence: 'gemma' }));
    expect(note).toMatch(/^org\/gemma-3\nrevision abc, licence gemma\n/);
    expect(note).toContain('Import a folder');
    expect(note).toContain('Importer un dossier');
    expect(await (await named('NOTICE'))?.blob.text()).toBe(GEMMA_NOTICE);
    expect(GEMMA_NOTICE).toContain('Gemma Terms of Use found at ai.google.dev/gemma/terms');
  });

  it('knows Gemma by its licence, or by its names where that is unknown', () => {
    const gemma = (licence: string, id = 'x', baseModel = '') => isGemma({ ...model.manifest, licence, id, baseModel });
    expect(gemma('Gemma')).toBe(true);
    expect(gemma('apache-2.0', 'gemma', 'google/gemma')).toBe(false);
    expect(gemma('unknown', 'my-Gemma')).toBe(true);
    expect(gemma('unknown', 'x', 'google/gemma-3')).toBe(true);
    expect(gemma('unknown')).toBe(false);
  });

  it('is not made of a model that is not whole', async () => {
    await folderOf('models', 'k', true);
    await expect(bundleFilesOf('k')).rejects.toMatchObject({ code: 'missing', detail: 'k is not whole' });
  });
});

describe('writing a bundle', () => {
  let directory: FileSystemDirectoryHandle;
  let updates: number[];
  let received: [number, number][];
  const progress = () => {
    const made = new Progress({ key: 'k', id: 'k', phase: 'copying', total: 1 }, () => undefined);
    vi.spyOn(made, 'update').mockImplementation((done) => updates.push(done));
    vi.spyOn(made, 'addReceived').mockImplementation((bytes, done) => received.push([bytes, done]));
    return made;
  };
  const bundle = (...contents: [string, string][]): BundleFile[] =>
    contents.map(([path, content]) => ({ path, blob: new Blob([content]) }));

  beforeEach(async () => {
    directory = (await disk.root.getDirectoryHandle('stick', { create: true })) as unknown as FileSystemDirectoryHandle;
    updates = [];
    received = [];
  });

  it('copies every file, and tells of each byte', async () => {
    await writeBundle(bundle(['a', 'first'], ['onnx/b', 'second']), directory, progress(), signal);
    expect(Buffer.from(disk.file('stick/a')).toString()).toBe('first');
    expect(Buffer.from(disk.file('stick/onnx/b')).toString()).toBe('second');
    expect(received).toEqual([
      [5, 5],
      [6, 11],
    ]);
    expect(updates).toEqual([5, 11]);
  });

  it('leaves files that are there and right', async () => {
    const files = bundle(['a', 'first'], ['b', 'second'], ['c', 'third']);
    await writeBundle(files, directory, progress(), signal);
    disk.file('stick/b')[0] = 0;
    const short = await openSync(await fileAt(directory, 'c'));
    short.truncate(2);
    short.close();
    disk.replaced.length = received.length = 0;
    await writeBundle(files, directory, progress(), signal);
    expect(disk.replaced).toEqual(['b', 'c']);
    expect(Buffer.from(disk.file('stick/b')).toString()).toBe('second');
    expect(received).toEqual([
      [6, 11],
      [5, 16],
    ]);
    expect(updates.slice(-3)).toEqual([5, 11, 16]);
  });

  it('compares large files to their end', async () => {
    const large = new Uint8Array(33 * 1024 * 1024);
    const files = [{ path: 'l', blob: new Blob([large]) }];
    await writeBundle(files, directory, progress(), signal);
    disk.replaced.length = 0;
    await writeBundle(files, directory, progress(), signal);
    expect(disk.replaced).toEqual([]);
    disk.file('stick/l')[large.length - 1] = 1;
    await writeBundle(files, directory, progress(), signal);
    expect(disk.replaced).toEqual(['l']);
  });

  it('stops between files and within one', async () => {
    const stop = new AbortController();
    stop.abort();
    await expect(writeBundle(bundle(['a', 'x']), directory, progress(), stop.signal)).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(disk.paths).toEqual([]);
    const later = new AbortController();
    const stopping = progress();
    vi.spyOn(stopping, 'addReceived').mockImplementation(() => {
      later.abort();
    });
    await expect(writeBundle(bundle(['a', 'x']), directory, stopping, later.signal)).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(disk.replaced).toEqual([]);
  });
});
