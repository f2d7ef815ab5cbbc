/** @file What an export writes, whatever the checkpoint looks like, and what it says where it cannot. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseManifest } from '../../protocol/manifest.ts';
import { makeCheckpoint } from '../make-checkpoint/make-checkpoint.ts';
import { canonicalName } from './checkpoint.ts';
import { exportModel, type ExportOptions } from './export-model.ts';

let work: string;
let text: string;
let vision: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'fournil-export-'));
  text = join(work, 'text');
  vision = join(work, 'vision');
  await makeCheckpoint({ out: text, size: 'tiny' });
  await makeCheckpoint({ out: vision, size: 'tiny-vision' });
});
afterAll(() => rm(work, { recursive: true, force: true }));

let made = 0;
const fresh = () => join(work, `out-${made++}`);

async function copyOf(checkpoint: string): Promise<string> {
  const copy = fresh();
  await cp(checkpoint, copy, { recursive: true });
  return copy;
}

type Header = Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;

/** Rewrites the header of a checkpoint's only file. The data stay. */
async function editHeader(checkpoint: string, edit: (header: Header) => Header): Promise<void> {
  const path = join(checkpoint, 'model.safetensors');
  const bytes = await readFile(path);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = Buffer.from(JSON.stringify(edit(JSON.parse(bytes.subarray(8, 8 + length).toString()) as Header)));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  await writeFile(path, Buffer.concat([size, header, bytes.subarray(8 + length)]));
}

async function editConfig(checkpoint: string, edit: (config: Record<string, unknown>) => object): Promise<void> {
  const path = join(checkpoint, 'config.json');
  await writeFile(path, JSON.stringify(edit(JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>)));
}

/** All files of a folder with their bytes, by path. */
async function contents(folder: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const name of (await readdir(folder, { recursive: true })).sort())
    if ((await stat(join(folder, name))).isFile()) files.set(name, await readFile(join(folder, name)));
  return files;
}

const run = (checkpoint: string, out: string, options: Partial<ExportOptions> = {}) =>
  exportModel({ checkpoint, out, dtype: 'q4', ...options });

describe('a model folder', () => {
  it('has a manifest that lists every file, with sizes, and the data files of each session', async () => {
    const out = fresh();
    const manifest = await run(vision, out, { licence: 'none', id: 'tiny' });
    const files = await contents(out);
    expect(parseManifest(JSON.parse(String(files.get('manifest.json'))))).toEqual(manifest);
    expect(manifest.files.map(({ path }) => path).sort()).toEqual(
      [...files.keys()].filter((name) => name !== 'manifest.json').sort(),
    );
    for (const { path, size } of manifest.files) expect(files.get(path)?.length).toBe(size);
    expect(manifest).toMatchObject({
      id: 'tiny',
      licence: 'none',
      imageAttention: 'bidirectional',
      cache: 'static',
      contextLength: 256,
    });
    const data = 'onnx/decoder_model_merged_q4.onnx_data';
    expect(manifest.sessions.q4?.decoder_model_merged).toEqual({
      graph: 'onnx/decoder_model_merged_q4.onnx',
      data: [data, 'onnx/embed_tokens_q4.onnx_data'],
    });
  });

  it('tells transformers.js how many data files each graph has; causal sessions share none', async () => {
    const out = fresh();
    const manifest = await run(vision, out, { imageAttention: 'causal' });
    expect(manifest.imageAttention).toBe('causal');
    const config = JSON.parse(await readFile(join(out, 'config.json'), 'utf8')) as Record<string, unknown>;
    expect(config['transformers.js_config']).toEqual({
      use_external_data_format: {
        'decoder_model_merged_q4.onnx': 1,
        'embed_tokens_q4.onnx': 1,
        'vision_encoder_q4.onnx': 1,
      },
    });
    for (const [name, { data }] of Object.entries(manifest.sessions.q4 ?? {}))
      expect(data).toEqual([`onnx/${name}_q4.onnx_data`]);
  });

  it('has the same bytes each time', async () => {
    const [one, other] = [fresh(), fresh()];
    await run(vision, one, { dtype: 'q4f16' });
    await run(vision, other, { dtype: 'q4f16' });
    expect(await contents(one)).toEqual(await contents(other));
  });

  it('takes one dtype after the other', async () => {
    const out = fresh();
    const first = await run(text, out, { dtype: 'q4' });
    const both = await run(text, out, { dtype: 'fp32' });
    expect(Object.keys(both.sessions)).toEqual(['q4', 'fp32']);
    expect(both.sessions.q4).toEqual(first.sessions.q4);
    expect(both.revision).not.toBe(first.revision);
    await expect(run(text, out, { dtype: 'q4' })).rejects.toThrow('holds an export in q4 already');
    await expect(run(text, out, { dtype: 'q4f16', contextLength: 64 })).rejects.toThrow('contextLength is 256');
  });

  it('is the same from shards, and from any spelling of weight names', async () => {
    const sharded = fresh();
    await makeCheckpoint({ out: sharded, size: 'tiny-vision', shardBytes: 40_000 });
    expect((await readdir(sharded)).filter((name) => name.endsWith('.safetensors')).length).toBeGreaterThan(2);
    const spelled = await copyOf(vision);
    const newer = (name: string) =>
      name
        .replace(/^language_model\.model\./, 'model.language_model.')
        .replace(/^(vision_tower|multi_modal)/, 'model.$1');
    await editHeader(spelled, (header) => Object.fromEntries(Object.entries(header).map(([k, v]) => [newer(k), v])));
    const outs = [fresh(), fresh(), fresh()];
    const manifests = [];
    for (const [i, checkpoint] of [vision, sharded, spelled].entries())
      manifests.push(await run(checkpoint, outs[i] as string, { id: 'same' }));
    expect(manifests[1]).toEqual(manifests[0]);
    expect(manifests[2]).toEqual(manifests[0]);
  });
});

describe('a language-model head that config.json ties to the embedding table', () => {
  const TABLE = 'model.embed_tokens.weight';
  const graphs = async (checkpoint: string) =>
    (await run(checkpoint, fresh(), { dtype: 'fp32' })).files.filter(({ path }) => path.startsWith('onnx/'));

  /** Adds a head whose first byte is the table's plus `change`. */
  async function addHead(checkpoint: string, change: number): Promise<void> {
    const path = join(checkpoint, 'model.safetensors');
    const bytes = await readFile(path);
    const start = 8 + Number(bytes.readBigUInt64LE(0));
    const end = bytes.length - start;
    const { [TABLE]: table } = JSON.parse(bytes.subarray(8, start).toString()) as Header;
    if (!table) throw new Error('no table');
    const head = Buffer.from(bytes.subarray(start + table.data_offsets[0], start + table.data_offsets[1]));
    head[0] = ((head[0] ?? 0) + change) % 256;
    await writeFile(path, Buffer.concat([bytes, head]));
    const data_offsets: [number, number] = [end, end + head.length];
    await editHeader(checkpoint, (header) => ({ ...header, 'lm_head.weight': { ...table, data_offsets } }));
  }

  it('is tied where both are stored alike, or only one is stored', async () => {
    const [twice, alone] = [await copyOf(text), await copyOf(text)];
    await addHead(twice, 0);
    await editHeader(alone, (header) =>
      Object.fromEntries(Object.entries(header).map(([k, v]) => [k === TABLE ? 'lm_head.weight' : k, v])),
    );
    const wanted = await graphs(text);
    expect(await graphs(twice)).toEqual(wanted);
    expect(await graphs(alone)).toEqual(wanted);
  });

  it('is untied where a different head is stored', async () => {
    const own = await copyOf(text);
    await addHead(own, 1);
    const untied = await copyOf(own);
    await editConfig(untied, (config) => ({ ...config, tie_word_embeddings: false }));
    const got = await graphs(own);
    expect(got).toEqual(await graphs(untied));
    expect(got).not.toEqual(await graphs(text));
  });
});

describe('files inside other files', () => {
  it('become files of their own: picture processing and the chat template', async () => {
    const newer = await copyOf(vision);
    const picture = { image_mean: [0.1, 0.2, 0.3], size: { height: 28, width: 28 } };
    await rm(join(newer, 'preprocessor_config.json'), { force: true });
    await rm(join(newer, 'chat_template.jinja'), { force: true });
    await writeFile(join(newer, 'processor_config.json'), JSON.stringify({ image_processor: picture }));
    await writeFile(join(newer, 'chat_template.json'), JSON.stringify({ chat_template: '{{ messages }}' }));
    const out = fresh();
    await run(newer, out);
    expect(JSON.parse(await readFile(join(out, 'preprocessor_config.json'), 'utf8'))).toEqual(picture);
    expect(await readFile(join(out, 'chat_template.jinja'), 'utf8')).toBe('{{ messages }}');
  });
});

describe('both spellings of config.json', () => {
  it.each(['text', 'vision'])('give the same graphs: %s', async (name) => {
    const newer = fileURLToPath(new URL(`../../reference/${name}`, import.meta.url));
    const hub = fresh();
    await mkdir(hub);
    await cp(join(newer, 'config.hub.json'), join(hub, 'config.json'));
    await cp(join(newer, 'model.safetensors'), join(hub, 'model.safetensors'));
    const hashes = async (checkpoint: string) =>
      (await run(checkpoint, fresh())).files.filter(({ path }) => path.startsWith('onnx/'));
    expect(await hashes(hub)).toEqual(await hashes(newer));
  });
});

describe('weight names', () => {
  it.each([
    ['model.embed_tokens.weight', 'text.embed_tokens.weight'],
    ['language_model.model.layers.0.mlp.up_proj.weight', 'text.layers.0.mlp.up_proj.weight'],
    ['model.language_model.norm.weight', 'text.norm.weight'],
    ['lm_head.weight', 'lm_head.weight'],
    ['language_model.lm_head.weight', 'lm_head.weight'],
    ['vision_tower.vision_model.post_layernorm.bias', 'vision.post_layernorm.bias'],
    ['model.vision_tower.vision_model.post_layernorm.bias', 'vision.post_layernorm.bias'],
    ['vision_tower.post_layernorm.bias', 'vision.post_layernorm.bias'],
    ['model.multi_modal_projector.mm_soft_emb_norm.weight', 'projector.mm_soft_emb_norm.weight'],
  ])('%s', (name, canonical) => {
    expect(canonicalName(name)).toBe(canonical);
  });
});

describe('a checkpoint that cannot be exported', () => {
  /** Returns the error's sentence, after checking that nothing was left behind. */
  async function sentenceOf(checkpoint: string, options: Partial<ExportOptions> = {}): Promise<string> {
    const parent = fresh();
    await mkdir(parent);
    const failure = await run(checkpoint, join(parent, 'out'), options).then(
      () => 'no failure',
      (cause: unknown) => (cause as Error).message,
    );
    expect(await readdir(parent)).toEqual([]);
    return failure;
  }

  it('is refused where it is not a Gemma 3', async () => {
    const copy = await copyOf(text);
    await editConfig(copy, (config) => ({ ...config, model_type: 'llama' }));
    expect(await sentenceOf(copy)).toContain('"llama"');
  });

  it('is refused without a folder, config.json or weights', async () => {
    expect(await sentenceOf(join(work, 'nowhere'))).toContain('is not a folder');
    const empty = fresh();
    await mkdir(empty);
    expect(await sentenceOf(empty)).toContain('has no config.json');
    await cp(join(text, 'config.json'), join(empty, 'config.json'));
    expect(await sentenceOf(empty)).toContain('has no model.safetensors');
  });

  it('is refused where a weight is missing', async () => {
    const copy = await copyOf(text);
    await editHeader(copy, ({ 'model.layers.1.mlp.up_proj.weight': _, ...rest }) => rest);
    expect(await sentenceOf(copy)).toBe(
      'The checkpoint lacks layers.1.mlp.up_proj.weight, which the configuration asks for.',
    );
  });

  it('is refused where a weight has another shape', async () => {
    const copy = await copyOf(text);
    await editConfig(copy, (config) => ({ ...config, intermediate_size: 128 }));
    expect(await sentenceOf(copy)).toContain('has the shape [96, 64] where config.json asks for [128, 64]');
  });

  it('is refused where a file is cut short, in the data or in the header', async () => {
    const copy = await copyOf(text);
    const path = join(copy, 'model.safetensors');
    await truncate(path, (await stat(path)).size - 1);
    expect(await sentenceOf(copy)).toContain('model.safetensors is cut short');
    await truncate(path, 100);
    expect(await sentenceOf(copy)).toContain('model.safetensors is cut short');
    await truncate(path, 3);
    expect(await sentenceOf(copy)).toContain('model.safetensors is cut short');
  });

  it('is refused where a file is not safetensors', async () => {
    const copy = await copyOf(text);
    await writeFile(join(copy, 'model.safetensors'), '<!doctype html><title>Sign in</title>');
    expect(await sentenceOf(copy)).toContain('not a safetensors file');
  });

  it('is refused where a shard is missing', async () => {
    const sharded = fresh();
    await makeCheckpoint({ out: sharded, size: 'tiny', shardBytes: 40_000 });
    const last = (await readdir(sharded)).filter((name) => name.endsWith('.safetensors')).at(-1) ?? '';
    await rm(join(sharded, last));
    expect(await sentenceOf(sharded)).toContain(`${last} is missing`);
  });

  it('is refused where it is quantised already', async () => {
    const copy = await copyOf(text);
    await editHeader(copy, (header) => {
      const { 'model.layers.0.mlp.up_proj.weight': weight, ...rest } = header;
      const { shape = [], data_offsets = [0, 0] } = weight ?? {};
      return { ...rest, 'model.layers.0.mlp.up_proj.weight': { dtype: 'I16', shape, data_offsets } };
    });
    expect(await sentenceOf(copy)).toContain('is stored as I16');
    await editConfig(copy, (config) => ({ ...config, quantization_config: { quant_method: 'gptq' } }));
    expect(await sentenceOf(copy)).toContain('quantised already');
  });

  it('is refused where onnxruntime cannot attend with its head size', async () => {
    const copy = await copyOf(text);
    await editConfig(copy, (config) => ({ ...config, head_dim: 24 }));
    expect(await sentenceOf(copy)).toContain('head_dim is 24');
  });

  it('is not exported with a longer context than the model has', async () => {
    expect(await sentenceOf(text, { contextLength: 257 })).toContain('this model has 1 to 256');
  });

  it('leaves nothing behind where it is stopped half-way', async () => {
    const stop = new AbortController();
    const options = { signal: stop.signal, onProgress: () => stop.abort(new Error('stopped')) };
    expect(await sentenceOf(text, options)).toBe('stopped');
  });

  it('is not exported into a folder that holds something else', async () => {
    const out = fresh();
    await mkdir(out);
    await writeFile(join(out, 'thesis.txt'), 'precious');
    await expect(run(text, out)).rejects.toThrow('is not empty');
    expect(await readdir(out)).toEqual(['thesis.txt']);
  });
});

it('prints a sentence and fails as a command, or prints its usage', async () => {
  const { spawnSync } = await import('node:child_process');
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const command = (...args: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', main, ...args], { encoding: 'utf8' });
  const failed = command(join(work, 'nowhere'), fresh());
  expect(failed.status).toBe(1);
  expect(failed.stderr.trim().split('\n')).toEqual([expect.stringContaining('is not a folder.')]);
  expect(command().stderr).toContain('npm run export -- CHECKPOINT OUT');
  const done = command(text, fresh());
  expect(done.status).toBe(0);
  expect(done.stderr).toContain('100 %');
});
