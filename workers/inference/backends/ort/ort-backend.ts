/**
 * Backend that runs a decoder graph with onnxruntime. Feeds are built from the session's own inputs, so every export with the
 * transformers.js layout runs (graph-io.ts).
 */
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { EngineError } from '../../../../protocol/engine.ts';
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import type { Backend, ForwardInput } from '../../backend-interface/backend.ts';
import { Logits, type LogitsSource } from '../../backend-interface/logits.ts';
import { featureRows, pictureMasks, type PromptPicture } from '../../backend-interface/pictures.ts';
import { floatsToHalves } from '../../onnx/float16.ts';
import { AppendCache } from './append-cache.ts';
import { type Graph, type GraphIo, integers, readGraphIo } from './graph-io.ts';
import { DynamicCache, type GraphCache, StaticGpuCache } from './kv-cache.ts';
import type { Ort } from './ort.ts';

/** The graphs that a decoder consists of. */
export interface DecoderSessions {
  /** The single graph of a text model, or `decoder_model_merged`. */
  decoder: Graph;
  /** Embeds tokens; only in the three-session layout. */
  embedTokens?: Graph;
}

/** How the graph's cache is kept. */
export interface OrtBackendOptions {
  /** Tokens of context that the cache has room for. */
  capacity: number;
  /** True if the graph accepts a past that is longer than the number of cached tokens. */
  staticCache: boolean;
  /** The runtime's device, if the sessions run on WebGPU. */
  device?: GPUDevice;
}

type Metadata = InferenceSession.TensorValueMetadata;
type Feed = (name: string, make: (metadata: Metadata) => Tensor) => void;

/** Runs a decoder graph with onnxruntime. */
export class OrtBackend implements Backend {
  readonly cache: GraphCache;
  private readonly io: GraphIo;

  /**
   * @param ort the runtime
   * @param sessions the decoder's sessions, which the caller releases
   * @param config the model's configuration
   * @param options how the cache is kept
   * @throws EngineError `model-unsupported` if the graph has no KV cache or logits of a known form
   */
  constructor(
    private readonly ort: Ort,
    private readonly sessions: DecoderSessions,
    private readonly config: Gemma3Config,
    private readonly options: OrtBackendOptions,
  ) {
    this.io = readGraphIo(sessions.decoder, config.text);
    const { slots, appends } = this.io;
    const { capacity, staticCache, device } = options;
    if (appends) this.cache = new AppendCache(ort, slots, capacity);
    else if (staticCache && device) this.cache = new StaticGpuCache(ort, device, slots, capacity);
    else this.cache = new DynamicCache(ort, slots, device);
  }

  get bidirectionalImages(): boolean {
    return this.io.inputs.has('image_rows');
  }

  async forward(input: ForwardInput, logitsToKeep: number): Promise<Logits | null> {
    const { ids, pictures, start, end } = input;
    const feeds: Record<string, Tensor> = this.cache.past(end - start);
    const owned: Tensor[] = [];
    const feed: Feed = (name, make) => {
      const metadata = this.io.inputs.get(name);
      if (!metadata) return;
      const tensor = make(metadata);
      feeds[name] = tensor;
      owned.push(tensor);
    };
    const whole = (values: ArrayLike<number>, dims: readonly number[]) => (metadata: Metadata) =>
      integers(this.ort, metadata, values, dims);

    const count = end - start;
    feed('input_ids', (metadata) => this.idsTensor(metadata, ids));
    feed('attention_mask', whole(new Uint8Array(end).fill(1), [1, end]));
    feed(
      'position_ids',
      whole(
        Array.from({ length: count }, (_, i) => start + i),
        [1, count],
      ),
    );
    // 0 means every position, so 1 is the least there is.
    feed('num_logits_to_keep', whole([Math.max(1, logitsToKeep)], []));
    if (this.io.inputs.has('inputs_embeds')) {
      const embeds = await this.embed(input);
      feeds['inputs_embeds'] = embeds;
      owned.push(embeds);
    }
    if (this.bidirectionalImages) this.feedPictureMasks(feed, pictures, start, end);

    const outputs = await this.sessions.decoder.run(feeds, { logits: null, ...this.cache.fetches() });
    this.cache.accept(outputs, end);
    for (const tensor of owned) tensor.dispose();
    const logits = outputs['logits'];
    if (!logits) throw new EngineError('internal', 'the graph gave no logits');
    if (logitsToKeep > 0) return new Logits(this.logitsSource(logits));
    logits.dispose();
    return null;
  }

  /** @param tensor float32 or float16 [1, rows, vocabSize] */
  private logitsSource(tensor: Tensor): LogitsSource {
    const type = tensor.type === 'float16' ? 'float16' : 'float32';
    const [rows, vocabSize] = [tensor.dims.at(-2) ?? 1, tensor.dims.at(-1) ?? 0];
    const source = { rows, vocabSize, type, dispose: () => tensor.dispose() } as const;
    if (tensor.location !== 'gpu-buffer') return { ...source, storage: { data: valuesOf(tensor) } };
    const { device } = this.options;
    if (!device) throw new EngineError('internal', 'logits on a GPU we do not own');
    return { ...source, storage: { buffer: tensor.gpuBuffer as GPUBuffer, device } };
  }

  /** [1, ids] */
  private idsTensor(metadata: Metadata, ids: readonly number[] | GPUBuffer): Tensor {
    if (!('usage' in ids)) return integers(this.ort, metadata, ids, [1, ids.length]);
    const dataType = metadata.type as 'int32' | 'int64';
    return this.ort.Tensor.fromGpuBuffer(ids, { dataType, dims: [1, 1] });
  }

  private feedPictureMasks(feed: Feed, pictures: readonly PromptPicture[], start: number, end: number): void {
    const masks = pictureMasks(pictures, start, end, this.config.text.slidingWindow);
    const some = masks.positions.length > 0;
    // A dimension of 0 crashes on WebGPU. Without pictures the graph ignores these inputs, so one row is fed.
    const positions = some ? masks.positions : [start];
    const dims = [1, positions.length, some ? end : 1];
    const mask = (values: Float32Array) => () =>
      new this.ort.Tensor('float32', some ? values : new Float32Array(1), dims);
    feed('has_pictures', () => new this.ort.Tensor('bool', Uint8Array.of(some ? 1 : 0), []));
    feed('image_rows', (m) =>
      integers(
        this.ort,
        m,
        positions.map((p) => p - start),
        [positions.length],
      ),
    );
    feed('image_positions', (m) => integers(this.ort, m, positions, [1, positions.length]));
    feed('mask_local', mask(masks.maskLocal));
    feed('mask_global', mask(masks.maskGlobal));
  }

  /** Token embeddings [1, ids, hiddenSize], with picture features in place of the soft tokens' rows. */
  private async embed({ ids, pictures, start, end }: ForwardInput): Promise<Tensor> {
    const session = this.sessions.embedTokens;
    const metadata = session?.inputMetadata[0];
    if (!session || !metadata?.isTensor) throw new EngineError('model-unsupported', 'embed_tokens is missing');
    // A soft token's id may be outside the table; its row is overwritten anyway. Where it is inside the table and there is no
    // picture, it is embedded like any other id (transformers `Gemma3Model.forward`).
    const { imageTokenId, text } = this.config;
    const outside = (id: number) => id === imageTokenId && id >= text.vocabSize;
    const known = 'usage' in ids ? ids : ids.map((id) => (outside(id) ? 0 : id));
    const input = this.idsTensor(metadata, known);
    const outputs = await session.run({ [metadata.name]: input }, session.outputNames);
    input.dispose();
    const embeds = outputs[session.outputNames[0] ?? ''];
    if (!embeds) throw new EngineError('internal', 'embed_tokens gave nothing');
    const width = this.config.text.hiddenSize;
    for (const { first, rows } of featureRows(pictures, start, end, width)) {
      const values = embeds.type === 'float16' ? floatsToHalves(rows) : rows;
      const at = (first - start) * width;
      if (embeds.location === 'gpu-buffer') {
        const bytes = new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength);
        const offset = at * values.BYTES_PER_ELEMENT;
        this.options.device?.queue.writeBuffer(embeds.gpuBuffer as GPUBuffer, offset, bytes);
      } else {
        valuesOf(embeds).set(values, at);
      }
    }
    return embeds;
  }

  dispose(): void {
    this.cache.dispose();
  }
}

/** A tensor's values in memory, float16 as its bits: the runtime returns Float16Array where the browser has it. */
function valuesOf({ type, data }: Tensor): Float32Array | Uint16Array {
  const values = data as Float32Array | Uint16Array;
  return type === 'float16' ? new Uint16Array(values.buffer, values.byteOffset, values.length) : values;
}
