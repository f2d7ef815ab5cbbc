import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PART_BYTES } from '../../protocol/sizes.ts';
import { layOut, writeData } from './external-data.ts';
import { writeHashed } from './hashing-file.ts';
import type { LazyTensor } from './tensor.ts';

const tensor = (name: string, bytes: number): LazyTensor => ({
  name,
  type: 'uint8',
  dims: [bytes],
  pieces: () => [new Uint8Array(bytes).fill(name.charCodeAt(0))],
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fournil-data-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('layout of data files', () => {
  it('aligns tensors, begins a new file before one would grow too long, and never splits a tensor', () => {
    const { places, files } = layOut(
      [tensor('a', 100), tensor('b', 60), tensor('c', 1000), tensor('d', 5000)],
      'm.onnx',
      1100,
    );
    expect(files).toEqual(['m.onnx_data', 'm.onnx_data_1', 'm.onnx_data_2']);
    expect(Object.fromEntries(places)).toEqual({
      a: { file: 'm.onnx_data', offset: 0, length: 100 },
      b: { file: 'm.onnx_data', offset: 128, length: 60 },
      c: { file: 'm.onnx_data_1', offset: 0, length: 1000 },
      d: { file: 'm.onnx_data_2', offset: 0, length: 5000 },
    });
  });

  it('begins large tensors on a page', () => {
    const { places } = layOut([tensor('a', 100), tensor('b', 2 ** 20)], 'm.onnx');
    expect(places.get('b')?.offset).toBe(4096);
  });

  it('refuses a tensor that no browser could load', () => {
    expect(() => layOut([{ ...tensor('a', 1), dims: [3_000_000_000] }], 'm.onnx')).toThrow('a alone would have 3.0 GB');
  });

  it('writes what was laid out, and hashes it on the way', async () => {
    const layout = layOut([tensor('a', 100), tensor('b', 60), tensor('c', 1000)], 'm.onnx', 1100);
    let bytes = 0;
    const files = await writeData(layout, { folder, prefix: 'onnx/', onBytes: (n) => (bytes += n) });
    expect(bytes).toBe(1160);
    expect(files.map(({ path, size }) => [path, size])).toEqual([
      ['onnx/m.onnx_data', 188],
      ['onnx/m.onnx_data_1', 1000],
    ]);
    const first = await readFile(join(folder, 'onnx/m.onnx_data'));
    expect(first[99]).toBe('a'.charCodeAt(0));
    expect(first[127]).toBe(0);
    expect(first[128]).toBe('b'.charCodeAt(0));
    expect(files[0]?.sha256).toBe(createHash('sha256').update(first).digest('hex'));
    expect(files[0]?.parts).toEqual([files[0]?.sha256]);
  });
});

it('hashes a file in parts', async () => {
  const bytes = new Uint8Array(PART_BYTES + 10).fill(7);
  const { parts, sha256 } = await writeHashed(folder, 'long', bytes);
  const hash = (b: Uint8Array) => createHash('sha256').update(b).digest('hex');
  expect(parts).toEqual([hash(bytes.subarray(0, PART_BYTES)), hash(bytes.subarray(PART_BYTES))]);
  expect(sha256).toBe(hash(bytes));
});
