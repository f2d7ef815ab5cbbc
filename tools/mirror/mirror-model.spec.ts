import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseManifest } from '../../protocol/manifest.ts';
import { mirrorModel, type MirrorOptions } from './mirror-model.ts';
import { type Content, fromBytes, readAll } from '../test-hub/content.ts';
import type { Fault } from '../test-hub/faults.ts';
import { startHub, type TestHub } from '../test-hub/hub.ts';
import { stockRepo } from '../test-hub/model-repo.ts';
import type { HubRequest } from '../test-hub/request.ts';

const BUILT_IN = 'public/models/built-in';
const REPO = 'test/gemma-3-tiny-ONNX';
const DECODER = 'onnx/decoder_model_merged_q4.onnx_data';
/** The files of the built-in model, without the manifest. */
const builtIn = await stockRepo(BUILT_IN);
const whole = Object.values(builtIn).reduce((sum, { size }) => sum + size, 0);
const manifestFile = fromBytes(readFileSync(join(BUILT_IN, 'manifest.json')));

let hub: TestHub;
let commit: string;
let work: string;
let folder: string;
let notices: string[];

beforeEach(async () => {
  hub = await startHub();
  const others = { 'README.md': fromBytes('# a model card\n'), 'onnx/model_fp16.onnx': fromBytes(Buffer.alloc(1000)) };
  const card = { license: 'gemma', base_model: ['google/gemma-3-tiny-it'] };
  commit = await hub.addRepo(REPO, { ...others, ...builtIn }, card);
  work = await mkdtemp(join(tmpdir(), 'fournil-mirror-'));
  folder = join(work, 'tiny');
  notices = [];
});
afterEach(async () => {
  await hub.close();
  await rm(work, { recursive: true });
});

const mirror = (more: Partial<MirrorOptions> = {}) =>
  mirrorModel({ model: REPO, folder, hub: hub.url, firstWait: 1, onNotice: (text) => notices.push(text), ...more });
const fail = (path: string, ...faults: Fault[]) => hub.faultsInTurn(path, ...faults);
const push = async (files: Record<string, Content | null>) => (commit = await hub.push(REPO, files));
const read = (path: string) => readFile(join(folder, path), 'utf8');
/** Requests that were answered with a file, or for which a fault gave the answer. */
const fileRequests = (path?: string): HubRequest[] =>
  hub.requests.filter((asked) => asked.kind !== 'api' && asked.status !== 302 && (path ?? asked.path) === asked.path);

/**
 * Checks that the folder is a complete mirror: a manifest that parses, and every file as listed.
 * @returns the manifest
 */
async function expectWhole(files: Record<string, Content> = builtIn) {
  const manifest = parseManifest(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')));
  for (const { path, size, sha256, parts } of manifest.files) {
    const bytes = readFileSync(join(folder, path));
    expect([path, bytes.length, createHash('sha256').update(bytes).digest('hex')]).toEqual([path, size, sha256]);
    expect(parts).toEqual([sha256]);
    expect(bytes.equals(await readAll(files[path] ?? fromBytes('')))).toBe(true);
  }
  const left = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => /\.(part|new)$/.test(path));
  expect(left).toEqual([]);
  return manifest;
}

it('makes a repository without a manifest into a folder with one, pinned to the commit', async () => {
  const seen: number[] = [];
  const result = await mirror({ onProgress: ({ done, total }) => seen.push(done / total) });
  const manifest = await expectWhole();
  expect(manifest).toMatchObject({
    id: REPO,
    revision: commit,
    licence: 'gemma',
    baseModel: 'google/gemma-3-tiny-it',
    imageAttention: 'causal',
    cache: 'dynamic',
  });
  expect(Object.keys(manifest.sessions)).toEqual(['q4']);
  // The mirror has the dtype's files and no others.
  expect(manifest.files.map(({ path }) => path)).toEqual(Object.keys(builtIn).sort());
  expect(result).toMatchObject({ received: whole, wasComplete: false });
  expect(seen.at(-1)).toBe(1);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect(await read('NOTICE')).toContain('ai.google.dev/gemma/terms');
});

it('uses the manifest of a repository that has one', async () => {
  await push({ 'manifest.json': manifestFile });
  await mirror();
  expect(await expectWhole()).toMatchObject({
    id: REPO,
    revision: commit,
    imageAttention: 'bidirectional',
    cache: 'static',
  });
});

it('a second run checks, says so and asks the hub for nothing', async () => {
  await mirror();
  hub.reset();
  expect(await mirror()).toMatchObject({ wasComplete: true, received: 0 });
  expect(hub.requests).toEqual([]);
});

it('a damaged file of a whole mirror is fetched again, alone', async () => {
  await mirror();
  await writeFile(join(folder, 'tokenizer.json'), '{}');
  hub.reset();
  await mirror();
  await expectWhole();
  expect(notices.join()).toContain('tokenizer.json');
  const paths = fileRequests().map(({ path }) => path);
  expect(paths.filter((path) => path !== 'config.json')).toEqual(['tokenizer.json']);
});

it('goes on where the connection was cut', async () => {
  fail(DECODER, { cutAfter: 700_000 }, { cutAfter: 1_000_000 });
  const { received } = await mirror();
  await expectWhole();
  expect(received).toBe(whole);
  const ranges = fileRequests(DECODER).map(({ range }) => range);
  expect(ranges).toEqual([null, expect.stringMatching(/^bytes=\d+-$/), expect.stringMatching(/^bytes=\d+-$/)]);
  // Bytes in flight may be lost with the connection.
  const [first = 0, second = 0] = ranges.slice(1).map((range) => Number(range?.slice('bytes='.length, -1)));
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThanOrEqual(700_000);
  expect(second).toBeGreaterThan(first);
  expect(second).toBeLessThanOrEqual(first + 1_000_000);
});

it('goes on in another run, with the commit that the first one began', async () => {
  const stop = new AbortController();
  const first = mirror({
    signal: stop.signal,
    onProgress: ({ tensor, done }) => {
      if (tensor === DECODER && done > 1_500_000) stop.abort(new Error('stopped'));
    },
  });
  await expect(first).rejects.toThrow('stopped');
  expect(existsSync(join(folder, 'manifest.json'))).toBe(false);
  // Upstream moves on, and the first commit is still there.
  const begun = commit;
  await push({ 'README.md': fromBytes('# another model card\n') });
  const { received } = await mirror();
  expect((await expectWhole()).revision).toBe(begun);
  expect(received).toBeLessThan(whole - 500_000);
  expect(fileRequests(DECODER).some(({ range }) => range !== null)).toBe(true);
});

it('what an earlier run left is hashed, too: wrong bytes in it are found', async () => {
  await mirror();
  const part = (await readAll(builtIn[DECODER] ?? fromBytes(''))).subarray(0, 1_000_000);
  part[1000] = (part[1000] ?? 0) ^ 1;
  await rm(join(folder, DECODER));
  await writeFile(join(folder, `${DECODER}.part`), part);
  await mirror();
  await expectWhole();
  expect(notices.join()).toContain('wrong bytes');
});

it('servers that know no ranges send all of it again', async () => {
  const model = hub.addMirror('plain', { ...builtIn, 'manifest.json': manifestFile }, { ranges: false });
  fail(DECODER, { cutAfter: 700_000 });
  const { received } = await mirror({ model });
  await expectWhole();
  expect(received).toBe(whole);
});

it.each([DECODER, 'tokenizer_config.json'])('wrong bytes of %s are fetched again, from scratch', async (path) => {
  fail(path, { flip: 100 }, { flip: 100 });
  await mirror();
  await expectWhole();
  expect(fileRequests(path).map(({ range }) => range)).toEqual([null, null, null]);
});

it('bytes that are wrong three times end it, without a manifest', async () => {
  fail(DECODER, { flip: 100 }, { flip: 100 }, { flip: 100 });
  await expect(mirror()).rejects.toThrow(/decoder_model_merged_q4.onnx_data sends wrong bytes/);
  expect(existsSync(join(folder, 'manifest.json'))).toBe(false);
  await mirror();
  await expectWhole();
});

it('a file that is shorter than the hub says is wrong', async () => {
  hub.fault(DECODER, { truncate: 1000 }, 6);
  await expect(mirror()).rejects.toThrow(/wrong bytes/);
});

it('waits as a busy server asks', async () => {
  fail(DECODER, { status: 429, retryAfter: 1 }, { status: 429 });
  const start = Date.now();
  await mirror();
  await expectWhole();
  expect(Date.now() - start).toBeGreaterThanOrEqual(1000);
  expect(notices.join()).toContain('429');
});

it('gives up on a server that stays busy, and keeps what arrived', async () => {
  fail(DECODER, { cutAfter: 700_000 });
  hub.fault(({ path, range }) => path === DECODER && range !== null, { status: 429 }, 8);
  await expect(mirror()).rejects.toThrow(/429.*What arrived is kept/);
  // Bytes in flight may be lost with the connection.
  const kept = readFileSync(join(folder, `${DECODER}.part`));
  expect(kept.length).toBeGreaterThan(0);
  expect(kept.length).toBeLessThanOrEqual(700_000);
  const right = await readAll(builtIn[DECODER] ?? fromBytes(''));
  expect(kept.equals(right.subarray(0, kept.length))).toBe(true);
});

it('asks for a new signed URL when one has expired', async () => {
  fail(DECODER, { cutAfter: 700_000 });
  hub.fault(({ kind, path, range }) => kind === 'cdn' && path === DECODER && range !== null, { status: 403 });
  expect((await mirror()).received).toBe(whole);
  await expectWhole();
});

it('knows the page of a network that asks to log in', async () => {
  fail(DECODER, { html: true });
  await expect(mirror()).rejects.toThrow(/asks? to log in/);
});

it('a repository that is no Gemma 3 leaves nothing', async () => {
  await push({ 'config.json': fromBytes('{"model_type":"llama"}') });
  await expect(mirror()).rejects.toThrow(/no Gemma 3.*"llama"/);
  expect(existsSync(folder)).toBe(false);
});

it.each([
  [{ dtype: 'q4f16' } as const, /has no q4f16; it has fp16, q4/],
  [{ model: 'test/nothing' }, /nothing.*is not there/],
  [{ model: 'gemma' }, /no model: name one/],
  [{ revision: 'no-such-branch' }, /is not there/],
])('%o ends in a sentence', async (options, said) => {
  await expect(mirror(options)).rejects.toThrow(said);
});

it('listings cannot lead out of the folder', async () => {
  await push({ 'onnx/decoder_model_merged_q4.onnx_data_/../../../../outside': fromBytes('x') });
  await mirror();
  await expectWhole();
  expect(existsSync(join(work, 'outside'))).toBe(false);
});

it('leaves folders alone that hold something else', async () => {
  await mkdir(folder);
  await writeFile(join(folder, 'config.json'), 'mine');
  await expect(mirror()).rejects.toThrow(/not empty/);
  expect(await read('config.json')).toBe('mine');
});

it('does not put another model or revision in the place of a mirror', async () => {
  await mirror();
  await hub.addRepo('test/other', builtIn);
  await expect(mirror({ model: 'test/other' })).rejects.toThrow(/choose another folder/);
  const next = await push({ 'README.md': fromBytes('# another model card\n') });
  await expect(mirror({ revision: 'main' })).rejects.toThrow(`choose another folder for revision ${next}`);
  await expectWhole();
});

it('mirrors a mirror by its URL', async () => {
  await mirror();
  const manifest = await expectWhole();
  const copy = fromBytes(readFileSync(join(folder, 'manifest.json')));
  await rm(folder, { recursive: true });
  const model = hub.addMirror('school', { ...builtIn, 'manifest.json': copy });
  fail(DECODER, { cutAfter: 700_000 });
  expect((await mirror({ model })).received).toBe(whole);
  expect(await expectWhole()).toEqual(manifest);
  expect(await mirror({ model })).toMatchObject({ wasComplete: true });
});

it('adds itself once to the catalogue beside it', async () => {
  const path = join(work, 'catalogue.json');
  const listed = async () => JSON.parse(await readFile(path, 'utf8')) as unknown;
  await mirror();
  expect(existsSync(path)).toBe(false);
  const first = { url: 'models/first/', name: 'First' };
  await writeFile(path, JSON.stringify({ models: [first] }));
  expect((await mirror()).addedToCatalogue).toBe(true);
  expect((await mirror()).addedToCatalogue).toBe(false);
  expect(await listed()).toEqual({ models: [first, { url: 'models/tiny/', name: 'gemma-3-tiny-ONNX' }] });
  await writeFile(path, 'not a list');
  await expect(mirror()).rejects.toThrow(/not a list of models/);
  expect(await readFile(path, 'utf8')).toBe('not a list');
});

it('a file cut short on the disk is found', async () => {
  await mirror();
  await truncate(join(folder, DECODER), 100);
  await mirror();
  await expectWhole();
});
