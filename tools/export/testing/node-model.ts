/** @file Runs an exported folder in Node, on onnxruntime-web's CPU build, so that tests can prefill and generate. */
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as ort from 'onnxruntime-web/wasm';
import { type Gemma3Config, parseGemma3Config } from '../../../protocol/gemma3-config.ts';
import { type Manifest, parseManifest, type SessionName } from '../../../protocol/manifest.ts';
import type { ExportDtype } from '../export-model.ts';

ort.env.wasm.numThreads = 1;

/** A picture's soft tokens in a prompt. */
export interface Span {
  start: number;
  length: number;
  /** Index of the picture. */
  image: number;
}

/** A prompt with the features of its pictures. */
export interface Prompt {
  ids: number[];
  pictures?: Span[];
  /** float32 [pictures, tokens, hidden]. */
  features?: Float32Array;
}

type Cache = Record<string, ort.Tensor>;

const int64 = (values: number[], dims: number[]) => new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims);

/** An exported model that is loaded. */
export class NodeModel {
  private constructor(
    readonly config: Gemma3Config,
    readonly manifest: Manifest,
    readonly sessions: Partial<Record<SessionName, ort.InferenceSession>>,
    private readonly cacheType: 'float32' | 'float16',
  ) {}

  static async load(folder: string, dtype: ExportDtype): Promise<NodeModel> {
    const json = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(folder, name), 'utf8'));
    const manifest = parseManifest(await json('manifest.json'));
    const sessions: NodeModel['sessions'] = {};
    for (const [name, { graph, data }] of Object.entries(manifest.sessions[dtype] ?? {})) {
      const externalData = [];
      for (const path of data) externalData.push({ path: basename(path), data: await readFile(join(folder, path)) });
      sessions[name as SessionName] = await ort.InferenceSession.create(await readFile(join(folder, graph)), {
        externalData,
        executionProviders: ['wasm'],
        logSeverityLevel: 3,
      });
    }
    const cacheType = dtype === 'q4f16' ? 'float16' : 'float32';
    return new NodeModel(parseGemma3Config(await json('config.json')), manifest, sessions, cacheType);
  }

  private session(name: SessionName): ort.InferenceSession {
    const session = this.sessions[name];
    if (!session) throw new Error(`no ${name}`);
    return session;
  }

  async run(name: SessionName, feeds: Record<string, ort.Tensor>): Promise<Record<string, ort.Tensor>> {
    return this.session(name).run(feeds);
  }

  /** Encodes pictures one at a time: from float32 [pictures, 3, size, size] to float32 [pictures, tokens, hiddenSize]. */
  async encode(pixels: Float32Array): Promise<Float32Array> {
    const { channels = 3, imageSize = 0 } = this.config.vision ?? {};
    const each = channels * imageSize ** 2;
    const parts: Float32Array[] = [];
    for (let at = 0; at < pixels.length; at += each) {
      const tensor = new ort.Tensor('float32', pixels.slice(at, at + each), [1, channels, imageSize, imageSize]);
      const { image_features } = await this.run('vision_encoder', { pixel_values: tensor });
      parts.push(image_features?.data as Float32Array);
    }
    const all = new Float32Array(parts.reduce((n, p) => n + p.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  private emptyCache(): Cache {
    const { layers, kvHeads, headDim } = this.config.text;
    const cache: Cache = {};
    for (let i = 0; i < layers; i++)
      for (const part of ['key', 'value'])
        cache[`past_key_values.${i}.${part}`] = new ort.Tensor(
          this.cacheType,
          this.cacheType === 'float16' ? new Uint16Array(0) : new Float32Array(0),
          [1, kvHeads, 0, headDim],
        );
    return cache;
  }

  private async embeddings(ids: number[], start: number, prompt: Prompt): Promise<ort.Tensor> {
    const { inputs_embeds } = await this.run('embed_tokens', { input_ids: int64(ids, [1, ids.length]) });
    const data = inputs_embeds?.data as Float32Array;
    const { hiddenSize } = this.config.text;
    for (const { start: from, length, image } of prompt.pictures ?? [])
      for (let t = 0; t < length; t++) {
        const row = from + t - start;
        if (row < 0 || row >= ids.length) continue;
        const source = (image * length + t) * hiddenSize;
        data.set((prompt.features as Float32Array).subarray(source, source + hiddenSize), row * hiddenSize);
      }
    return inputs_embeds as ort.Tensor;
  }

  /** Makes rows and masks of the chunk's picture tokens, or one causal row where there are none. */
  private pictureFeeds(start: number, end: number, pictures: Span[]): Record<string, ort.Tensor> {
    const spanOf = (t: number) => pictures.findIndex((p) => t >= p.start && t < p.start + p.length);
    const positions = Array.from({ length: end - start }, (_, i) => start + i).filter((t) => spanOf(t) >= 0);
    const any = positions.length > 0;
    if (!any) positions.push(start);
    const mask = (window: number): ort.Tensor => {
      const values = positions.flatMap((q) =>
        Array.from({ length: end }, (_, k) => {
          const same = spanOf(q) >= 0 && spanOf(q) === spanOf(k);
          return k > q - window && (k <= q || same) ? 0 : -1e9;
        }),
      );
      return new ort.Tensor('float32', Float32Array.from(values), [1, positions.length, end]);
    };
    return {
      has_pictures: new ort.Tensor('bool', [any], []),
      image_rows: int64(
        positions.map((t) => t - start),
        [positions.length],
      ),
      image_positions: int64(positions, [1, positions.length]),
      mask_local: mask(this.config.text.slidingWindow),
      mask_global: mask(Infinity),
    };
  }

  /** Computes a chunk after `start` tokens in `cache`. @returns logits of the last `keep` positions (0 for all) */
  private async step(
    prompt: Prompt,
    { start, end, cache, keep }: { start: number; end: number; cache: Cache; keep: number },
  ): Promise<{ logits: Float32Array; cache: Cache }> {
    const ids = prompt.ids.slice(start, end);
    const text = this.sessions.model !== undefined;
    const decoder = text ? 'model' : 'decoder_model_merged';
    const feeds: Record<string, ort.Tensor> = {
      attention_mask: int64(new Array<number>(end).fill(1), [1, end]),
      num_logits_to_keep: int64([keep], []),
      ...cache,
      ...(text
        ? { input_ids: int64(ids, [1, ids.length]) }
        : { inputs_embeds: await this.embeddings(ids, start, prompt) }),
    };
    if (this.session(decoder).inputNames.includes('has_pictures'))
      Object.assign(feeds, this.pictureFeeds(start, end, prompt.pictures ?? []));
    const { logits, ...rest } = await this.run(decoder, feeds);
    const next = Object.entries(rest).map(([name, tensor]) => [name.replace('present', 'past_key_values'), tensor]);
    return { logits: logits?.data as Float32Array, cache: Object.fromEntries(next) as Cache };
  }

  /** Computes a prompt in chunks that end at `cuts`. @returns all logits, float32 [positions, vocabSize] */
  async logits(prompt: Prompt, cuts: number[]): Promise<Float32Array> {
    const { vocabSize } = this.config.text;
    const out = new Float32Array(prompt.ids.length * vocabSize);
    let cache = this.emptyCache();
    let start = 0;
    for (const end of cuts) {
      const result = await this.step(prompt, { start, end, cache, keep: 0 });
      out.set(result.logits, start * vocabSize);
      ({ cache } = result);
      start = end;
    }
    return out;
  }

  /** Computes a prompt at once. @returns logits of the last `keep` positions, float32 [keep, vocabSize] */
  async lastLogits(prompt: Prompt, keep: number): Promise<Float32Array> {
    return (await this.step(prompt, { start: 0, end: prompt.ids.length, cache: this.emptyCache(), keep })).logits;
  }

  async greedy(prompt: Prompt, count: number): Promise<number[]> {
    const ids = [...prompt.ids];
    let cache = this.emptyCache();
    let start = 0;
    for (let i = 0; i < count; i++) {
      const result = await this.step({ ...prompt, ids }, { start, end: ids.length, cache, keep: 1 });
      ({ cache } = result);
      start = ids.length;
      ids.push(result.logits.reduce((best, x, id) => (x > (result.logits[best] as number) ? id : best), 0));
    }
    return ids.slice(prompt.ids.length);
  }
}
