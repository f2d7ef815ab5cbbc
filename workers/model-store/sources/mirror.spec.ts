import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { testModel } from '../testing/model.ts';
import { mirrorBytes, planMirror } from './mirror.ts';
import { SourceFailure } from './source.ts';

const { signal } = new AbortController();
const { manifest } = testModel({ 'config.json': 20, 'onnx/model_q4.onnx': 30 });
let asked: { url: string; range: string | undefined }[];
let answers: Record<string, () => Response>;

beforeEach(() => {
  asked = [];
  answers = {};
  vi.stubGlobal('self', { location: { href: 'https://school.test/app/index.html' } });
  vi.stubGlobal('fetch', (url: string, { headers }: { headers: Record<string, string> }) => {
    asked.push({ url, range: headers['Range'] });
    return Promise.resolve((answers[url] ?? (() => new Response('', { status: 404 })))());
  });
});
afterEach(() => vi.unstubAllGlobals());

it('plans what the folder’s manifest says, wherever the folder is', async () => {
  answers['https://school.test/app/models/one/manifest.json'] = () => Response.json(manifest);
  const plan = await planMirror({ kind: 'mirror', url: 'models/one' }, signal);
  expect(plan.files.map(({ path }) => path)).toEqual(['config.json', 'onnx/model_q4.onnx']);
  expect(plan.source).toEqual({ kind: 'mirror', url: 'https://school.test/app/models/one/', dtype: 'q4' });
  answers['https://mirror.test/a/manifest.json'] = () => Response.json(manifest);
  expect((await planMirror({ kind: 'mirror', url: 'https://mirror.test/a/' }, signal)).id).toBe('test/model');
});

it('refuses what is no address, no manifest, or another model', async () => {
  const plan = (url: string, dtype?: 'fp16') =>
    planMirror({ kind: 'mirror', url, ...(dtype ? { dtype } : {}) }, signal);
  await expect(plan('http://[')).rejects.toMatchObject({ code: 'not-found', detail: 'http://[ is not an address' });
  answers['https://m.test/manifest.json'] = () => Response.json({ ...manifest, format: 9 });
  await expect(plan('https://m.test')).rejects.toMatchObject({
    ...{ code: 'not-a-model', detail: 'manifest.json: format 9 is not 1' },
  });
  answers['https://m.test/manifest.json'] = () => new Response('no JSON');
  await expect(plan('https://m.test')).rejects.toMatchObject({ code: 'not-a-model' });
  answers['https://m.test/manifest.json'] = () => Response.json(manifest);
  await expect(plan('https://m.test', 'fp16')).rejects.toMatchObject({
    ...{ code: 'not-a-model', detail: 'no ONNX graphs of dtype fp16' },
  });
});

it('passes on why the manifest does not come', async () => {
  await expect(planMirror({ kind: 'mirror', url: 'https://m.test' }, signal)).rejects.toBeInstanceOf(SourceFailure);
  const stop = new AbortController();
  answers['https://m.test/manifest.json'] = () => {
    stop.abort('stopped');
    return new Response('no JSON');
  };
  await expect(planMirror({ kind: 'mirror', url: 'https://m.test' }, stop.signal)).rejects.toBe('stopped');
});

it('reads ranges of files under their encoded paths, and notices a server without ranges', async () => {
  const url = 'https://m.test/a/on%20nx/b%23c';
  answers[url] = () => new Response(Uint8Array.of(3, 4), { status: 206 });
  const source = mirrorBytes({ kind: 'mirror', url: 'https://m.test/a' });
  expect(source).toMatchObject({ ranges: true, tries: 3 });
  const file = { path: 'on nx/b#c', size: 10 };
  const read = async () => {
    const all: number[] = [];
    for await (const piece of await source.read(file, 3, 2, signal)) all.push(...piece);
    return all;
  };
  expect(await read()).toEqual([3, 4]);
  expect(asked).toEqual([{ url, range: 'bytes=3-4' }]);
  expect(source.ranges).toBe(true);
  answers[url] = () => new Response(Uint8Array.of(0, 1, 2, 3, 4));
  expect(await read()).toEqual([3, 4]);
  expect(source.ranges).toBe(false);
});
