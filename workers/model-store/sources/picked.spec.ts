import { describe, expect, it, vi } from 'vitest';
import type { PickedFile } from '../../../protocol/store.ts';
import { testModel } from '../testing/model.ts';
import { pickedBytes, PickedFiles, piecePathOf } from './picked.ts';

vi.mock('../../../protocol/sizes.ts', () => ({ PART_BYTES: 50, BUNDLE_FILE_BYTES: 100 }));

const { signal } = new AbortController();
const pick = (path: string, content: string | Uint8Array<ArrayBuffer> = path): PickedFile => ({
  path,
  file: new File([content], path.slice(path.lastIndexOf('/') + 1), { lastModified: 5 }),
});
const text = async (blob: Blob | null) => (blob ? await blob.text() : null);
const config = JSON.stringify({ model_type: 'gemma3_text' });
const source = { kind: 'files' } as const;

describe('PickedFiles.bytesOf', () => {
  it('finds a file by its path, its path in a folder, or its name', async () => {
    const find = (paths: string[]) =>
      text(new PickedFiles(paths.map((path) => pick(path))).bytesOf({ path: 'onnx/a', size: 9 }));
    expect(await find(['x/onnx/a', 'b/a', 'onnx/a'])).toBe('onnx/a');
    expect(await find(['b/a', 'x/onnx/a'])).toBe('x/onnx/a');
    expect(await find(['b/a', 'a'])).toBe('b/a');
    expect(await find(['xonnx/a2', 'onnx/b'])).toBeNull();
  });

  it('joins the pieces of a file that an offline bundle had to cut', async () => {
    expect(piecePathOf('w', 0)).toBe('w.001');
    expect(piecePathOf('w', 41)).toBe('w.042');
    const pieces = ['w.001', 'w.002', 'w.003'].map((path) => pick(path));
    const file = (size: number) => ({ path: 'w', size });
    expect(await text(new PickedFiles(pieces).bytesOf(file(201)))).toBe('w.001w.002w.003');
    expect(await text(new PickedFiles(pieces).bytesOf(file(200)))).toBe('w.001w.002');
    expect(new PickedFiles(pieces.slice(0, 2)).bytesOf(file(201))).toBeNull();
    // So small a file is never cut.
    expect(new PickedFiles(pieces).bytesOf(file(100))).toBeNull();
  });
});

it('names picked files that nothing asked for, but for what systems and bundles leave there', () => {
  const ignored = [
    '.DS_Store',
    'a/Thumbs.db',
    'DESKTOP.INI',
    'a/._weights',
    'README-LISEZMOI.txt',
    'NOTICE.txt',
    '.gitattributes',
  ];
  const files = new PickedFiles(
    [...ignored, 'a/w', 'a/x.README', 'holiday.jpg', 'desktop.ini.jpg'].map((path) => pick(path)),
  );
  expect(files.unrelated).toEqual(['a/w', 'a/x.README', 'holiday.jpg', 'desktop.ini.jpg']);
  files.bytesOf({ path: 'w', size: 1 });
  expect(files.unrelated).toEqual(['a/x.README', 'holiday.jpg', 'desktop.ini.jpg']);
});

describe('PickedFiles.plan', () => {
  const folder = (base: string) => [
    pick(`${base}config.json`, config),
    ...['tokenizer.json', 'tokenizer_config.json', 'onnx/model_q4.onnx', 'onnx/model_q4.onnx_data'].map((path) =>
      pick(base + path),
    ),
  ];

  it('goes by the manifest where there is one', async () => {
    const { manifest } = testModel({ 'onnx/model_q4.onnx': 30 });
    const plan = await new PickedFiles([
      pick('m/manifest.json', JSON.stringify(manifest)),
      pick('m/config.json', '?'),
    ]).plan(source);
    expect(plan).toMatchObject({ id: 'test/model', source: { kind: 'files', dtype: 'q4' } });
  });

  it('plans a folder in the transformers.js layout by what is in it', async () => {
    const plan = await new PickedFiles(folder('a/my-model/')).plan(source);
    expect(plan).toMatchObject({
      ...{ id: 'my-model', licence: 'unknown', baseModel: '', dtype: 'q4', source: { kind: 'files', dtype: 'q4' } },
      ...{ imageAttention: 'none', cache: 'dynamic' },
    });
    expect(plan.files).toEqual([
      { path: 'config.json', size: config.length },
      { path: 'onnx/model_q4.onnx', size: 'a/my-model/onnx/model_q4.onnx'.length },
      { path: 'onnx/model_q4.onnx_data', size: 'a/my-model/onnx/model_q4.onnx_data'.length },
      { path: 'tokenizer.json', size: 'a/my-model/tokenizer.json'.length },
      { path: 'tokenizer_config.json', size: 'a/my-model/tokenizer_config.json'.length },
    ]);
    expect(plan.revision).toMatch(/^[0-9a-f]{16}$/);
  });

  it('puts graphs and weights into onnx/ where only names are known', async () => {
    const names = [
      'tokenizer.json',
      'tokenizer_config.json',
      'model_q4.onnx',
      'model_q4.onnx_data_1',
      'weights.onnx.txt',
    ];
    const plan = await new PickedFiles([pick('config.json', config), ...names.map((name) => pick(name))]).plan(source);
    expect(plan.id).toBe('model');
    expect(plan.files.map(({ path }) => path)).toEqual([
      ...['config.json', 'onnx/model_q4.onnx', 'onnx/model_q4.onnx_data_1', 'tokenizer.json', 'tokenizer_config.json'],
    ]);
    // Beside the folder of config.json a file goes by its name.
    const beside = [pick('m/config.json', config), ...names.map((name) => pick(`other/${name}`))];
    expect((await new PickedFiles(beside).plan(source)).files).toHaveLength(5);
  });

  it('has another revision for other sizes or another time', async () => {
    const revision = async (files: PickedFile[]) => (await new PickedFiles(files).plan(source)).revision;
    const base = await revision(folder('m/'));
    expect(await revision(folder('m/'))).toBe(base);
    const longer = folder('m/');
    longer[3] = pick('m/onnx/model_q4.onnx', 'longer than it was before');
    expect(await revision(longer)).not.toBe(base);
    const later = folder('m/');
    later[0] = { path: 'm/config.json', file: new File([config], 'config.json', { lastModified: 6 }) };
    expect(await revision(later)).not.toBe(base);
  });

  it('says why the files are no model', async () => {
    const refused = (files: PickedFile[], dtype?: 'fp16') =>
      expect(new PickedFiles(files).plan({ ...source, ...(dtype ? { dtype } : {}) })).rejects;
    await refused([pick('x.jpg')]).toMatchObject({
      ...{ code: 'not-a-model', detail: 'neither manifest.json nor config.json is among the files' },
    });
    await refused([pick('manifest.json', '[]')]).toMatchObject({
      code: 'not-a-model',
      detail: 'manifest.json: not an object',
    });
    await refused([pick('config.json', '{')]).toMatchObject({ code: 'not-a-model' });
    await refused(folder('m/'), 'fp16').toMatchObject({ detail: 'no ONNX graphs of dtype fp16' });
  });
});

describe('pickedBytes', () => {
  const bytes = pickedBytes(new PickedFiles([pick('w', '0123456789')]));

  it('reads a range', async () => {
    expect(bytes).toMatchObject({ ranges: true, tries: 1 });
    let all = '';
    for await (const piece of await bytes.read({ path: 'w', size: 10 }, 3, 4, signal))
      all += new TextDecoder().decode(piece);
    expect(all).toBe('3456');
  });

  it('tells what is missing from what has another size', async () => {
    await expect(bytes.read({ path: 'v', size: 10 }, 0, 1, signal)).rejects.toMatchObject({
      kind: 'gone',
      message: 'v',
    });
    await expect(bytes.read({ path: 'w', size: 11 }, 0, 1, signal)).rejects.toMatchObject({
      ...{ kind: 'unsatisfiable', message: 'w' },
    });
  });

  it('stops reading when nothing more is wanted', async () => {
    const cancel = vi.fn();
    const file = new File([new Uint8Array(10)], 'w');
    vi.spyOn(file, 'slice').mockReturnValue({
      stream: () =>
        new ReadableStream({
          pull(controller) {
            controller.enqueue(new Uint8Array(1));
          },
          cancel,
        }),
    } as unknown as Blob);
    const source = pickedBytes(new PickedFiles([{ path: 'w', file }]));
    for await (const piece of await source.read({ path: 'w', size: 10 }, 0, 9, signal)) if (piece.length) break;
    expect(cancel).toHaveBeenCalledOnce();
  });
});
