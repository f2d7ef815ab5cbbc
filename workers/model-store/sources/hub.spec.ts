import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { testModel } from '../testing/model.ts';
import { hubBytes, planHub } from './hub.ts';
import { SourceFailure } from './source.ts';

const REPO = 'owner/gemma';
const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const { signal } = new AbortController();
const config = JSON.stringify({ model_type: 'gemma3_text', max_position_embeddings: 777 });
const GRAPHS = ['onnx/model_q4.onnx', 'onnx/model_q4.onnx_data', 'onnx/model_fp16.onnx'];

interface Entry {
  path: string;
  size: number;
  oid?: string;
  lfs?: { oid: string; size: number; pointerSize: number };
}
const gitSha1 = (text: string) =>
  createHash('sha1')
    .update(`blob ${Buffer.byteLength(text)}\0`)
    .update(text)
    .digest('hex');
const small = (path: string, text: string): Entry => ({ path, size: Buffer.byteLength(text), oid: gitSha1(text) });
const large = (path: string, size: number): Entry => ({
  ...{ path, size: 130, oid: 'pointer', lfs: { oid: `sha256 of ${path}`, size, pointerSize: 130 } },
});

let entries: Entry[];
let contents: Record<string, string>;
let info: Record<string, unknown>;
let asked: string[];
let infoStatus: number;

beforeEach(() => {
  asked = [];
  infoStatus = 200;
  contents = { 'config.json': config, 'tokenizer.json': '{}', 'tokenizer_config.json': '{}', 'README.md': 'Hello' };
  entries = [
    ...Object.entries(contents).map(([path, text]) => small(path, text)),
    ...GRAPHS.map((path, i) => large(path, 1000 * (i + 1))),
  ];
  info = { license: 'gemma', base_model: ['google/gemma-3'] };
  vi.stubGlobal('fetch', (input: string) => {
    const url = new URL(input);
    asked.push(url.pathname + url.search);
    const [, api] = url.pathname.split('/');
    if (api !== 'api') {
      const path = decodeURIComponent(url.pathname.slice(`/${REPO}/resolve/${COMMIT}/`.length));
      return Promise.resolve(new Response(contents[path] ?? '', { status: path in contents ? 200 : 404 }));
    }
    if (url.pathname.includes('/tree/'))
      return Promise.resolve(
        Response.json([{ type: 'directory', path: 'onnx', size: 0 }, ...entries.map((e) => ({ type: 'file', ...e }))]),
      );
    const answer = {
      id: REPO,
      _id: 'x',
      sha: COMMIT,
      cardData: info,
      private: false,
      gated: false,
      downloads: 0,
      likes: 0,
    };
    return Promise.resolve(Response.json({ ...answer, lastModified: 0 }, { status: infoStatus }));
  });
});
afterEach(() => vi.unstubAllGlobals());

const plan = (more: { revision?: string; dtype?: 'fp16' | 'fp32' } = {}) =>
  planHub({ kind: 'hub', repo: REPO, ...more }, signal);

describe('planHub', () => {
  it('plans a folder that others made, pinned to its commit', async () => {
    const planned = await plan();
    expect(planned).toMatchObject({
      ...{ id: REPO, revision: COMMIT, licence: 'gemma', baseModel: 'google/gemma-3', dtype: 'q4', contextLength: 777 },
      source: { kind: 'hub', repo: REPO, revision: COMMIT, dtype: 'q4' },
    });
    expect(planned.files).toEqual(
      [
        small('config.json', config),
        { path: 'onnx/model_q4.onnx', size: 1000, sha256: 'sha256 of onnx/model_q4.onnx' },
        { path: 'onnx/model_q4.onnx_data', size: 2000, sha256: 'sha256 of onnx/model_q4.onnx_data' },
        small('tokenizer.json', '{}'),
        small('tokenizer_config.json', '{}'),
      ].map(({ path, size, ...known }) =>
        'oid' in known ? { path, size, gitSha1: known.oid } : { path, size, ...known },
      ),
    );
    expect(asked[0]).toContain('/revision/main');
    expect(asked.some((path) => path.includes(`/tree/${COMMIT}`) && path.includes('recursive=true'))).toBe(true);
  });

  it('takes the revision and dtype that are asked for', async () => {
    const planned = await plan({ revision: 'v2', dtype: 'fp16' });
    expect(asked[0]).toContain('/revision/v2');
    expect(planned.files.map(({ path }) => path)).toContain('onnx/model_fp16.onnx');
    expect(planned).toMatchObject({ dtype: 'fp16', source: { revision: COMMIT, dtype: 'fp16' } });
  });

  it('reads licence and base model in the card’s spellings', async () => {
    info = { license_name: 'own terms', license: 'other', base_model: 'x/y' };
    expect(await plan()).toMatchObject({ licence: 'own terms', baseModel: 'x/y' });
    info = { license: 3 };
    expect(await plan()).toMatchObject({ licence: 'unknown', baseModel: '' });
  });

  it('plans by the manifest where there is one, under the repository’s name', async () => {
    const { manifest } = testModel({ 'config.json': 20, 'onnx/model_q4.onnx': 30 });
    contents['manifest.json'] = JSON.stringify(manifest);
    entries.push(small('manifest.json', contents['manifest.json']));
    const planned = await plan();
    expect(planned).toMatchObject({ id: REPO, revision: COMMIT, licence: 'apache-2.0' });
    expect(planned.files.map(({ parts }) => parts)).toEqual(manifest.files.map(({ parts }) => parts));
    expect(asked.filter((path) => path.includes('/resolve/'))).toEqual([`/${REPO}/resolve/${COMMIT}/manifest.json`]);
  });

  it('refuses a small file whose git SHA-1 is not the listed one', async () => {
    contents['config.json'] = config.replace('777', '778');
    await expect(plan()).rejects.toMatchObject({
      ...{ code: 'source-bad', detail: 'config.json is not the file that the hub lists' },
    });
    const { manifest } = testModel({ 'config.json': 20, 'onnx/model_q4.onnx': 30 });
    contents['manifest.json'] = JSON.stringify(manifest);
    entries.push(small('manifest.json', `${contents['manifest.json']} `));
    await expect(plan()).rejects.toMatchObject({ code: 'source-bad' });
  });

  it('says why a repository is no model', async () => {
    await expect(plan({ dtype: 'fp32' })).rejects.toMatchObject({
      ...{ code: 'not-a-model', detail: `${REPO}: no ONNX graphs of dtype fp32` },
    });
    entries = entries.filter(({ path }) => path !== 'config.json');
    await expect(plan()).rejects.toMatchObject({ code: 'not-a-model', detail: `${REPO}: there is no config.json` });
  });

  it('passes on failures of the hub', async () => {
    infoStatus = 503;
    await expect(plan()).rejects.toMatchObject({ kind: 'server-busy' });
    infoStatus = 200;
    delete contents['config.json'];
    await expect(plan()).rejects.toBeInstanceOf(SourceFailure);
  });
});

it('reads ranges of files at the pinned commit', async () => {
  const source = hubBytes({ kind: 'hub', repo: REPO, revision: 'a b' });
  expect(source).toMatchObject({ ranges: true, tries: 3 });
  vi.stubGlobal('fetch', (url: string) => {
    asked.push(url);
    return Promise.resolve(new Response(Uint8Array.of(1, 2), { status: 206 }));
  });
  const file = { path: 'onnx/a b.onnx', size: 10 };
  await source.read(file, 0, 2, signal);
  expect(asked).toEqual([`https://huggingface.co/${REPO}/resolve/a%20b/onnx/a%20b.onnx`]);
  expect(source.ranges).toBe(true);
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(Uint8Array.of(1, 2))));
  await source.read(file, 0, 2, signal);
  expect(source.ranges).toBe(false);
  vi.stubGlobal('fetch', (url: string) => {
    asked.push(url);
    return Promise.resolve(new Response(''));
  });
  await hubBytes({ kind: 'hub', repo: REPO }).read({ path: 'x', size: 1 }, 0, 1, signal);
  expect(asked.at(-1)).toBe(`https://huggingface.co/${REPO}/resolve/main/x`);
});
