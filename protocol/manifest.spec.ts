import { describe, expect, it } from 'vitest';
import { parseManifest } from './manifest.ts';
import { PART_BYTES } from './sizes.ts';

const hash = 'a'.repeat(64);
const good = () => ({
  format: 1,
  id: 'm',
  revision: 'r',
  licence: 'l',
  baseModel: '',
  contextLength: 128,
  imageAttention: 'none',
  cache: 'static',
  sessions: { q4: { model: { graph: 'onnx/model_q4.onnx', data: [] as string[] } } },
  files: [{ path: 'onnx/model_q4.onnx', size: 10, sha256: hash, parts: [hash] }],
});
type Manifest = ReturnType<typeof good>;

describe('parseManifest', () => {
  it('takes a good one', () => {
    expect(parseManifest(good()).id).toBe('m');
  });

  const bad: [string, (manifest: Manifest) => unknown, RegExp][] = [
    ['no object', () => [], /not an object/],
    ['another format', (m) => ({ ...m, format: 2 }), /format 2/],
    ['a context of no length', (m) => ({ ...m, contextLength: 0 }), /contextLength/],
    ['an unknown cache', (m) => ({ ...m, cache: 'ring' }), /cache/],
    ...['../secret', '/etc/passwd', 'a//b', 'a\\b', '.'].map(
      (path): [string, (manifest: Manifest) => unknown, RegExp] => [
        `the path ${path}`,
        (m) => ({ ...m, files: [{ path, size: 1, sha256: hash, parts: [hash] }] }),
        /leaves the folder/,
      ],
    ),
    ['a file twice', (m) => ({ ...m, files: [...m.files, ...m.files] }), /twice/],
    ['a hash that is none', (m) => ({ ...m, files: m.files.map((f) => ({ ...f, sha256: 'x' })) }), /no SHA-256/],
    ['too few parts', (m) => ({ ...m, files: m.files.map((f) => ({ ...f, size: PART_BYTES + 1 })) }), /part hashes/],
    ['a graph that is not there', (m) => ({ ...m, files: [] }), /not among the files/],
    [
      'data that is not there',
      (m) => ({ ...m, sessions: { q4: { model: { graph: 'onnx/model_q4.onnx', data: ['onnx/x'] } } } }),
      /not among the files/,
    ],
  ];
  for (const [name, spoil, sentence] of bad)
    it(`refuses ${name}`, () => {
      expect(() => parseManifest(spoil(good()))).toThrow(sentence);
    });
});
