import { describe, expect, it } from 'vitest';
import { MANIFEST_FORMAT, parseManifest } from './manifest.ts';
import { PART_BYTES } from './sizes.ts';

const hash = 'a'.repeat(64);
const PATH = 'onnx/model_q4.onnx';
const good = () => ({
  format: 1,
  id: 'm',
  revision: 'r',
  licence: 'l',
  baseModel: '',
  contextLength: 128,
  imageAttention: 'none',
  cache: 'static',
  sessions: { q4: { model: { graph: PATH, data: [] as string[] } } },
  files: [{ path: PATH, size: 10, sha256: hash, parts: [hash] }],
});
type Manifest = ReturnType<typeof good>;
const withFile = (more: object) => (m: Manifest) => ({ ...m, files: [{ ...m.files[0], ...more }] });
const withSession = (session: unknown) => (m: Manifest) => ({ ...m, sessions: { q4: { model: session } } });

describe('parseManifest', () => {
  it('takes a good one as it is', () => {
    expect(MANIFEST_FORMAT).toBe(1);
    expect(parseManifest(good())).toEqual(good());
  });

  const alsoGood: [string, (manifest: Manifest) => unknown][] = [
    ['each way in which pictures attend', (m) => ({ ...m, imageAttention: 'bidirectional' })],
    ['causal pictures', (m) => ({ ...m, imageAttention: 'causal' })],
    ['a growing cache', (m) => ({ ...m, cache: 'dynamic' })],
    ['a context of one token', (m) => ({ ...m, contextLength: 1 })],
    ['an empty file in one part', withFile({ size: 0 })],
    ['a file that fills its part', withFile({ size: PART_BYTES })],
    ['a file of two parts', withFile({ size: PART_BYTES + 1, parts: [hash, hash] })],
    ['names with dots', (m) => ({ ...m, files: [...m.files, { ...m.files[0], path: 'a.b/..c/.d' }] })],
    ['no sessions', (m) => ({ ...m, sessions: {} })],
    ['data that is there', withSession({ graph: PATH, data: [PATH] })],
    ['fields that it does not know', (m) => ({ ...m, more: 1 })],
  ];
  for (const [name, change] of alsoGood)
    it(`takes ${name}`, () => {
      expect(parseManifest(change(good()))).toEqual(change(good()));
    });

  const bad: [string, (manifest: Manifest) => unknown, string][] = [
    ['a list', () => [], 'not an object'],
    ['nothing', () => null, 'not an object'],
    ['another format', (m) => ({ ...m, format: 2 }), 'format 2 is not 1'],
    ['no format', (m) => ({ ...m, format: undefined }), 'format undefined is not 1'],
    ['no id', (m) => ({ ...m, id: 1 }), 'id is not a text'],
    ['no revision', (m) => ({ ...m, revision: null }), 'revision is not a text'],
    ['no licence', (m) => ({ ...m, licence: undefined }), 'licence is not a text'],
    ['no base model', (m) => ({ ...m, baseModel: 3 }), 'baseModel is not a text'],
    ['a context of no length', (m) => ({ ...m, contextLength: 0 }), 'contextLength is not a positive whole number'],
    ['half a context', (m) => ({ ...m, contextLength: 1.5 }), 'contextLength is not a positive whole number'],
    ['unknown attention', (m) => ({ ...m, imageAttention: 'both' }), 'imageAttention is unknown'],
    ['an unknown cache', (m) => ({ ...m, cache: 'ring' }), 'cache is unknown'],
    ['no files', (m) => ({ ...m, files: {} }), 'files is not a list'],
    ['a file that is none', (m) => ({ ...m, files: [PATH] }), 'a file has no path'],
    ['a file without a path', withFile({ path: 7 }), 'a file has no path'],
    ...['../secret', '/etc/passwd', '/', 'a//b', 'a\\b', '.', 'a/./b', 'a/..', ''].map(
      (path): [string, (manifest: Manifest) => unknown, string] => [
        `the path "${path}"`,
        withFile({ path }),
        `${path} leaves the folder`,
      ],
    ),
    ['a file twice', (m) => ({ ...m, files: [...m.files, ...m.files] }), `${PATH} is listed twice`],
    ['a negative size', withFile({ size: -1 }), `${PATH} has no size`],
    ['half a byte', withFile({ size: 0.5 }), `${PATH} has no size`],
    ['a hash that is none', withFile({ sha256: 'x' }), `${PATH} has no SHA-256`],
    ['a hash with more', withFile({ sha256: `${hash}a` }), `${PATH} has no SHA-256`],
    ['a hash after something', withFile({ sha256: ` ${hash}` }), `${PATH} has no SHA-256`],
    ['a hash that is no text', withFile({ sha256: [hash] }), `${PATH} has no SHA-256`],
    ['no part hashes', withFile({ parts: hash }), `${PATH} has no part hashes`],
    ['a part hash that is none', withFile({ parts: ['x'] }), `${PATH} has no part hashes`],
    ['a part hash that is no text', withFile({ parts: [[hash]] }), `${PATH} has no part hashes`],
    ['too few parts', withFile({ size: PART_BYTES + 1 }), `${PATH} has 1 part hashes for ${PART_BYTES + 1} bytes`],
    ['too many parts', withFile({ parts: [hash, hash] }), `${PATH} has 2 part hashes for 10 bytes`],
    ['an empty file without a part', withFile({ size: 0, parts: [] }), `${PATH} has 0 part hashes for 0 bytes`],
    ['no sessions', (m) => ({ ...m, sessions: [] }), 'sessions is not an object'],
    ['a dtype without sessions', (m) => ({ ...m, sessions: { q4: null } }), 'sessions.q4 is not an object'],
    ['a session that is none', withSession(null), 'sessions.q4.model has no graph'],
    ['a session without a graph', withSession({ data: [] }), 'sessions.q4.model has no graph'],
    ['a session without data', withSession({ graph: PATH }), 'sessions.q4.model has no graph'],
    ['a graph that is not there', (m) => ({ ...m, files: [] }), `sessions.q4.model names ${PATH}, not among the files`],
    [
      'data that is not there',
      withSession({ graph: PATH, data: ['x'] }),
      'sessions.q4.model names x, not among the files',
    ],
    ['data that is no path', withSession({ graph: PATH, data: [1] }), 'sessions.q4.model names 1, not among the files'],
  ];
  for (const [name, change, sentence] of bad)
    it(`refuses ${name}`, () => {
      expect(() => parseManifest(change(good()))).toThrow(new Error(`manifest.json: ${sentence}`));
    });
});
