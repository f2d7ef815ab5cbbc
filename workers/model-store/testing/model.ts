/** @file A small model folder of random bytes with a manifest. The store never looks into files. */
import { createHash, randomBytes } from 'node:crypto';
import { MANIFEST_FORMAT, type Manifest } from '../../../protocol/manifest.ts';
import { PART_BYTES } from '../../../protocol/sizes.ts';

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A model folder in memory. */
export interface TestModel {
  manifest: Manifest;
  files: Map<string, Uint8Array<ArrayBuffer>>;
}

/**
 * Makes a model folder.
 * @param sizes of its files in bytes, by path.
 * @returns the manifest, and the files' contents by path.
 */
export function testModel(sizes: Record<string, number>): TestModel {
  const files = new Map(Object.entries(sizes).map(([path, size]) => [path, new Uint8Array(randomBytes(size))]));
  const graph = 'onnx/model_q4.onnx';
  const manifest: Manifest = {
    format: MANIFEST_FORMAT,
    id: 'test/model',
    revision: 'abcdef0123456789',
    licence: 'apache-2.0',
    baseModel: '',
    contextLength: 128,
    imageAttention: 'none',
    cache: 'static',
    sessions: { q4: { model: { graph, data: [...files.keys()].filter((path) => path.startsWith(`${graph}_data`)) } } },
    files: [...files].map(([path, bytes]) => ({
      path,
      size: bytes.length,
      sha256: hash(bytes),
      parts: Array.from({ length: Math.max(1, Math.ceil(bytes.length / PART_BYTES)) }, (_, i) =>
        hash(bytes.subarray(i * PART_BYTES, (i + 1) * PART_BYTES)),
      ),
    })),
  };
  return { manifest, files };
}
