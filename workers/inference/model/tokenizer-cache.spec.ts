import { describe, expect, it } from 'vitest';
import { parseManifest } from '../../../protocol/manifest.ts';
import { openTokenizer } from './tokenizer-cache.ts';
import type { DerivedFiles, ModelFolder } from './model-folder.ts';

const TOKENIZER = {
  model: { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: [['a', 'b']] },
  added_tokens: [{ id: 3, content: '<bos>', special: true }],
};

/** A folder that counts how often its tokenizer.json is read, and the files derived from it. */
function folder(overrides: Partial<DerivedFiles> = {}) {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const derivedFiles: DerivedFiles = {
    read: (name) => Promise.resolve(files.get(name)?.slice().buffer ?? null),
    write: async (name, parts) => {
      files.set(name, new Uint8Array(await new Blob([...parts]).arrayBuffer()));
    },
    ...overrides,
  };
  const sha256 = 'a'.repeat(64);
  const manifest = { files: [{ path: 'tokenizer.json', size: 1, sha256 }] } as unknown as ReturnType<
    typeof parseManifest
  >;
  let reads = 0;
  const json = () => {
    reads++;
    return Promise.resolve(TOKENIZER);
  };
  return { files, reads: () => reads, folder: { manifest, json, derivedFiles } as unknown as ModelFolder };
}

describe('a stored model’s tokenizer', () => {
  it('is derived once', async () => {
    const model = folder();
    const derived = await openTokenizer(model.folder);
    expect(await openTokenizer(model.folder)).toEqual(derived);
    expect(model.reads()).toBe(1);
    expect([...model.files.keys()]).toEqual([`tokenizer-${'a'.repeat(64)}.bin`]);
  });

  it('is derived again where the stored one is damaged', async () => {
    const model = folder();
    const derived = await openTokenizer(model.folder);
    for (const bytes of model.files.values()) bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    expect(await openTokenizer(model.folder)).toEqual(derived);
    expect(model.reads()).toBe(2);
    await openTokenizer(model.folder);
    expect(model.reads()).toBe(2);
  });

  it('is derived where nothing can be stored', async () => {
    const refused = folder({ write: () => Promise.reject(new DOMException('full', 'QuotaExceededError')) });
    expect((await openTokenizer(refused.folder)).bpe.unknownId).toBeNull();
    const onServer = folder();
    onServer.folder.derivedFiles = null;
    expect((await openTokenizer(onServer.folder)).rest['added_tokens']).toHaveLength(1);
  });
});
