import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseManifest } from '../../protocol/manifest.ts';
import { mirrorModel, type MirrorOptions } from './mirror-model.ts';
import { type Fault, type Repository, TestHub } from './testing/hub.ts';

const BUILT_IN = 'public/models/built-in';
const REPO = 'test/gemma-3-tiny-ONNX';
const COMMIT = 'c0ffee'.padEnd(40, '0');
const DECODER = 'onnx/decoder_model_merged_q4.onnx_data';
const bytesOf = (path: string): Uint8Array => new Uint8Array(readFileSync(join(BUILT_IN, path)));

const builtIn = new Map(
  readdirSync(BUILT_IN, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path !== 'manifest.json' && path !== 'onnx')
    .map((path) => [path, bytesOf(path)]),
);
const whole = [...builtIn.values()].reduce((sum, { length }) => sum + length, 0);

let hub: TestHub;
let repository: Repository;
let work: string;
let folder: string;
let notices: string[];

beforeEach(async () => {
  hub = await new TestHub().start();
  const others: [string, Uint8Array][] = [
    ['README.md', Buffer.from('# a model card\n')],
    ['onnx/model_fp16.onnx', Buffer.alloc(1000)],
  ];
  repository = {
    commit: COMMIT,
    card: { license: 'gemma', base_model: ['google/gemma-3-tiny-it'] },
    files: new Map([...others, ...builtIn]),
  };
  hub.repositories.set(REPO, repository);
  work = await mkdtemp(join(tmpdir(), 'fournil-mirror-'));
  folder = join(work, 'tiny');
  notices = [];
});
afterEach(async () => {
  await hub.stop();
  await rm(work, { recursive: true });
});

const mirror = (more: Partial<MirrorOptions> = {}) =>
  mirrorModel({ model: REPO, folder, hub: hub.url, firstWait: 1, onNotice: (text) => notices.push(text), ...more });
const fail = (path: string, ...faults: Fault[]) => hub.faults.set(path, faults);
const read = (path: string) => readFile(join(folder, path), 'utf8');

/** The folder is a whole mirror: a manifest that parses, and every file as it says. */
function expectWhole() {
  const manifest = parseManifest(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')));
  for (const { path, size, sha256, parts } of manifest.files) {
    const bytes = readFileSync(join(folder, path));
    expect([path, bytes.length, createHash('sha256').update(bytes).digest('hex')]).toEqual([path, size, sha256]);
    expect(parts).toEqual([sha256]);
    expect(bytes.equals(repository.files.get(path) ?? Buffer.of())).toBe(true);
  }
  const left = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => /\.(part|new)$/.test(path));
  expect(left).toEqual([]);
  return manifest;
}

it('makes a repository without a manifest into a folder with one, pinned to the commit', async () => {
  const seen: number[] = [];
  const result = await mirror({ onProgress: ({ done, total }) => seen.push(done / total) });
  const manifest = expectWhole();
  expect(manifest).toMatchObject({
    id: REPO,
    revision: COMMIT,
    licence: 'gemma',
    baseModel: 'google/gemma-3-tiny-it',
    imageAttention: 'causal',
    cache: 'dynamic',
  });
  expect(Object.keys(manifest.sessions)).toEqual(['q4']);
  // The dtype's files and no others.
  expect(manifest.files.map(({ path }) => path)).toEqual([...builtIn.keys()].sort());
  expect(result).toMatchObject({ received: whole, wasWhole: false });
  expect(seen.at(-1)).toBe(1);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect(await read('NOTICE')).toContain('ai.google.dev/gemma/terms');
});

it('uses the manifest of a repository that has one', async () => {
  repository.files.set('manifest.json', bytesOf('manifest.json'));
  await mirror();
  expect(expectWhole()).toMatchObject({ id: REPO, revision: COMMIT, imageAttention: 'bidirectional', cache: 'static' });
});

it('a second run checks, says so and asks the hub for nothing', async () => {
  await mirror();
  hub.requests = 0;
  expect(await mirror()).toMatchObject({ wasWhole: true, received: 0 });
  expect(hub.requests).toBe(0);
});

it('a damaged file of a whole mirror is fetched again, alone', async () => {
  await mirror();
  await writeFile(join(folder, 'tokenizer.json'), '{}');
  hub.asked.length = 0;
  await mirror();
  expectWhole();
  expect(notices.join()).toContain('tokenizer.json');
  expect(hub.asked.map(({ path }) => path).filter((path) => path !== 'config.json')).toEqual(['tokenizer.json']);
});

it('goes on where the connection was cut', async () => {
  fail(DECODER, { kind: 'cut', after: 700_000 }, { kind: 'cut', after: 1_000_000 });
  const { received } = await mirror();
  expectWhole();
  expect(received).toBe(whole);
  const ranges = hub.asked.filter(({ path }) => path === DECODER).map(({ range }) => range);
  expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/), expect.stringMatching(/^bytes=\d+-$/)]);
  // What was on its way when the connection was cut may be lost with it.
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
  // Upstream has moved on; the commit is still there for who asks for it.
  hub.repositories.set(REPO, { ...repository, commit: 'f00d'.padEnd(40, '0'), older: [COMMIT] });
  const { received } = await mirror();
  expect(expectWhole().revision).toBe(COMMIT);
  expect(received).toBeLessThan(whole - 500_000);
  expect(hub.asked.some(({ path, range }) => path === DECODER && range !== undefined)).toBe(true);
});

it('what an earlier run left is hashed, too: wrong bytes in it are found', async () => {
  await mirror();
  const part = Buffer.from(bytesOf(DECODER).subarray(0, 1_000_000));
  part[1000] = (part[1000] ?? 0) ^ 1;
  await rm(join(folder, DECODER));
  await writeFile(join(folder, `${DECODER}.part`), part);
  await mirror();
  expectWhole();
  expect(notices.join()).toContain('wrong bytes');
});

it('servers that know no ranges send all of it again', async () => {
  hub.ranges = false;
  fail(DECODER, { kind: 'cut', after: 700_000 });
  const { received } = await mirror();
  expectWhole();
  expect(received).toBe(whole);
});

it.each([DECODER, 'tokenizer_config.json'])('wrong bytes of %s are fetched again, from scratch', async (path) => {
  fail(path, { kind: 'wrong' }, { kind: 'wrong' });
  await mirror();
  expectWhole();
  expect(hub.asked.filter((each) => each.path === path).map(({ range }) => range)).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

it('bytes that are wrong three times end it, without a manifest', async () => {
  fail(DECODER, { kind: 'wrong' }, { kind: 'wrong' }, { kind: 'wrong' });
  await expect(mirror()).rejects.toThrow(/decoder_model_merged_q4.onnx_data sends wrong bytes/);
  expect(existsSync(join(folder, 'manifest.json'))).toBe(false);
  await mirror();
  expectWhole();
});

it('a file that is shorter than the hub says is wrong', async () => {
  fail(DECODER, ...Array.from({ length: 6 }, () => ({ kind: 'short', size: 1000 }) as const));
  await expect(mirror()).rejects.toThrow(/wrong bytes/);
});

it('waits as a busy server asks', async () => {
  fail(DECODER, { kind: 'busy', retryAfter: '1' }, { kind: 'busy' });
  const start = Date.now();
  await mirror();
  expectWhole();
  expect(Date.now() - start).toBeGreaterThanOrEqual(1000);
  expect(notices.join()).toContain('429');
});

it('gives up on a server that stays busy, and keeps what arrived', async () => {
  fail(DECODER, { kind: 'cut', after: 700_000 }, ...Array.from({ length: 8 }, () => ({ kind: 'busy' }) as const));
  await expect(mirror()).rejects.toThrow(/429.*What arrived is kept/);
  // A cut connection may lose what was on its way.
  const kept = readFileSync(join(folder, `${DECODER}.part`));
  expect(kept.length).toBeGreaterThan(0);
  expect(kept.length).toBeLessThanOrEqual(700_000);
  expect(kept.equals(repository.files.get(DECODER)?.subarray(0, kept.length) ?? Buffer.of())).toBe(true);
});

it('asks for a new signed URL when one has expired', async () => {
  fail(DECODER, { kind: 'cut', after: 700_000 }, { kind: 'expired' });
  expect((await mirror()).received).toBe(whole);
  expectWhole();
});

it('knows the page of a network that asks to log in', async () => {
  fail(DECODER, { kind: 'web-page' });
  await expect(mirror()).rejects.toThrow(/asks? to log in/);
});

it('a repository that is no Gemma 3 leaves nothing', async () => {
  repository.files.set('config.json', Buffer.from('{"model_type":"llama"}'));
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
  repository.files.set('onnx/decoder_model_merged_q4.onnx_data_/../../../../outside', Buffer.from('x'));
  await mirror();
  expectWhole();
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
  hub.repositories.set('test/other', repository);
  await expect(mirror({ model: 'test/other' })).rejects.toThrow(/choose another folder/);
  hub.repositories.set(REPO, { ...repository, commit: 'f00d'.padEnd(40, '0') });
  await expect(mirror({ revision: 'main' })).rejects.toThrow(/choose another folder for revision f00d/);
  expectWhole();
});

it('mirrors a mirror by its URL', async () => {
  await mirror();
  const manifest = expectWhole();
  // The test hub serves files of any repository; its signed URLs are a plain web server.
  repository.files.set('manifest.json', readFileSync(join(folder, 'manifest.json')));
  await rm(folder, { recursive: true });
  const model = `${hub.url}/${REPO}/signed/${COMMIT}`;
  fail(DECODER, { kind: 'cut', after: 700_000 });
  expect((await mirror({ model })).received).toBe(whole);
  expect(expectWhole()).toEqual(manifest);
  expect(await mirror({ model })).toMatchObject({ wasWhole: true });
});

it('adds itself once to the catalogue beside it', async () => {
  const path = join(work, 'catalogue.json');
  const listed = async () => JSON.parse(await readFile(path, 'utf8')) as unknown;
  await mirror();
  expect(existsSync(path)).toBe(false);
  const first = { url: 'models/first/', name: 'First' };
  await writeFile(path, JSON.stringify({ models: [first] }));
  expect((await mirror()).catalogued).toBe(true);
  expect((await mirror()).catalogued).toBe(false);
  expect(await listed()).toEqual({ models: [first, { url: 'models/tiny/', name: 'gemma-3-tiny-ONNX' }] });
  await writeFile(path, 'not a list');
  await expect(mirror()).rejects.toThrow(/not a list of models/);
  expect(await readFile(path, 'utf8')).toBe('not a list');
});

it('a file cut short on the disk is found', async () => {
  await mirror();
  await truncate(join(folder, DECODER), 100);
  await mirror();
  expectWhole();
});
