/**
 * Reads tokens with a decoder graph. Feeds are built from the session's own inputs, so every export with the
 * transformers.js layout runs (see graph-io.ts).
 */
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { EngineError } from '../../../../protocol/engine.ts';
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import type { Ort } from './ort.ts';
import { AppendCache } from './append-cache.ts';
import { floatsToHalves } from '../../onnx/float16.ts';
import { type Graph, type GraphIo, integers, readGraphIo } from './graph-io.ts';
import { DynamicCache, type GraphCache, StaticGpuCache } from './kv-cache.ts';
import { Logits } from '../../backend-interface/logits.ts';
import { pictureRows } from '../../backend-interface/pictures.ts';
import type { PromptPicture, Backend, ForwardInput } from '../../backend-interface/backend.ts';

export interface DecoderSessions {
  /** A text model's one graph, or `decoder_model_merged`. */
  decoder: Graph;
  /** Only with the three-session layout. */
  embedTokens?: Graph;
}

export interface OrtBackendOptions {
  /** Tokens of context to make room for. */
  capacity: number;
  /** The export's caches may be longer than the tokens in them. */
  staticCache: boolean;
  device?: GPUDevice;
}

type Metadata = InferenceSession.TensorValueMetadata;
type Feed = (name: string, make: (metadata: Metadata) => Tensor) => void;

export class OrtBackend implements Backend {
  readonly cache: GraphCache;
  private readonly io: GraphIo;

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

  async forward(tokens: ForwardInput, keep: number): Promise<Logits | null> {
    const { ids, pictures, start, end } = tokens;
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
    // 0 asks for every position: a run whose logits nobody wants asks for one, too.
    feed('num_logits_to_keep', whole([Math.max(1, keep)], []));
    if (this.io.inputs.has('inputs_embeds')) {
      const embeds = await this.embed(tokens);
      feeds['inputs_embeds'] = embeds;
      owned.push(embeds);
    }
    if (this.bidirectionalImages) this.feedPictureRows(feed, pictures, start, end);

    const outputs = await this.sessions.decoder.run(feeds, { logits: null, ...this.cache.fetches() });
    this.cache.accept(outputs, end);
    for (const tensor of owned) tensor.dispose();
    const logits = outputs['logits'];
    if (!logits) throw new EngineError('internal', 'the graph gave no logits');
    if (keep > 0) return new Logits(logits, this.options.device);
    logits.dispose();
    return null;
  }

  /** [1, ids] */
  private idsTensor(metadata: Metadata, ids: readonly number[] | GPUBuffer): Tensor {
    if (!('usage' in ids)) return integers(this.ort, metadata, ids, [1, ids.length]);
    const dataType = metadata.type as 'int32' | 'int64';
    return this.ort.Tensor.fromGpuBuffer(ids, { dataType, dims: [1, 1] });
  }

  private feedPictureRows(feed: Feed, pictures: readonly PromptPicture[], start: number, end: number): void {
    const rows = pictureRows(pictures, start, end, this.config.text.slidingWindow);
    const some = rows.positions.length > 0;
    // A dimension of 0 crashes on WebGPU: without pictures one row is given, which the graph does not look at.
    const positions = some ? rows.positions : [start];
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
    feed('mask_local', mask(rows.maskLocal));
    feed('mask_global', mask(rows.maskGlobal));
  }

  /** [1, ids, hiddenSize]: token embeddings, with picture features in the pictures' places. */
  private async embed({ ids, pictures, start, end }: ForwardInput): Promise<Tensor> {
    const session = this.sessions.embedTokens;
    const metadata = session?.inputMetadata[0];
    if (!session || !metadata?.isTensor) throw new EngineError('model-unsupported', 'embed_tokens is missing');
    // A soft token's id may lie outside the table; its row is overwritten anyway. Inside it, where no picture is, the id is
    // one like others (transformers `Gemma3Model.forward`).
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
        (embeds.data as Float32Array | Uint16Array).set(values, at);
      }
    }
    return embeds;
  }

  dispose(): void {
    this.cache.dispose();
  }
}

/** Which picture features stand at tokens `start`…`end − 1`: [tokens, width] from token `first` on. */
export function featureRows(
  pictures: readonly PromptPicture[],
  start: number,
  end: number,
  width: number,
): { first: number; rows: Float32Array }[] {
  return pictures.flatMap((picture) => {
    const first = Math.max(start, picture.start);
    const last = Math.min(end, picture.start + picture.length);
    if (first >= last) return [];
    const rows = picture.features.subarray((first - picture.start) * width, (last - picture.start) * width);
    return [{ first, rows }];
  });
}
