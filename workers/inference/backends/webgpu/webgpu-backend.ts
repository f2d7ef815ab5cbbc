/**
 * Reads tokens through the whole decoder in WGSL of our own, over the 4-bit weights of an export: a generated token by
 * kernels for one vector (nine dispatches a layer in one submission, two small writes, nothing allocated; its id may be
 * one that only the GPU knows yet), a prompt's tokens by kernels that unpack each weight once for several. Sliding layers
 * look at their window only, and a picture's tokens see each other.
 */
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import type { StoredTensor } from '../../onnx/graph.ts';
import type { Ort } from '../ort/ort.ts';
import { featureRows } from '../ort/ort-backend.ts';
import { Logits } from '../../backend-interface/logits.ts';
import { chunkEnds } from '../../backend-interface/pictures.ts';
import type { PromptPicture, Backend, ForwardInput } from '../../backend-interface/backend.ts';
import { StepParams, type StepTokens, splitAttention } from './step-params.ts';
import { type Dispatch, NO_TOKEN_ID, DispatchPlan } from './dispatch-plan.ts';
import { SlidingWindowCache } from './sliding-cache.ts';
import { Scratch } from './scratch.ts';
import type { DecoderWeights } from '../../onnx/match-decoder.ts';
import { LAYER_TYPES } from '../rope.ts';

export interface WebGpuBackendOptions {
  ort: Ort;
  device: GPUDevice;
  model: DecoderWeights;
  config: Gemma3Config;
  /** Weights on the GPU. */
  weights: (tensor: StoredTensor) => GPUBuffer;
  /** Tokens of context to make room for. */
  capacity: number;
  /** Prompt tokens read at once; more where a picture is longer. */
  chunkSize: number;
  /** So many tokens a text can go back, at least, before sliding layers have let go of what it then needs. */
  slack: number;
}

/** Of one token's past, and of many tokens': parts that there is room for. */
const LEAST_SLOTS = 64;
/**
 * Multiply-adds of a submission: a GPU that is busy for long shows nothing on the screen, and systems reset it (Windows after
 * two seconds).
 */
const SUBMISSION = 2 ** 34;
/** Tokens of a chunk where attention to a long past takes most of that. */
const SMALLEST_CHUNK = 32;
const ignore = () => undefined;

export class WebGpuBackend implements Backend {
  readonly cache: SlidingWindowCache;
  readonly bidirectionalImages: boolean;
  private readonly chunk: number;
  private readonly slots: number;
  /** Written in turn: the next step may run before this one's logits are looked at. */
  private readonly logits: readonly [GPUBuffer, GPUBuffer];
  private readonly ids: GPUBuffer;
  private readonly stepParams: GPUBuffer;
  private readonly scratch: Scratch;
  private readonly params: StepParams;
  private plan!: DispatchPlan;
  private next = 0;
  /** Settles when the GPU has read the last chunk of a prompt. */
  private reading: Promise<unknown> = Promise.resolve();

  private constructor(private readonly options: WebGpuBackendOptions) {
    const { device, config, model, capacity, chunkSize, slack } = options;
    const { vocabSize } = config.text;
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
    const buffer = (label: string, size: number, usage: number) =>
      device.createBuffer({ label: `kernels' ${label}`, size, usage: STORAGE | usage });
    this.bidirectionalImages = model.bidirectionalImages;
    this.chunk = Math.min(capacity, Math.max(chunkSize, config.vision?.tokensPerImage ?? 0));
    this.slots = Math.max(LEAST_SLOTS, this.chunk);
    this.params = new StepParams(config);
    this.logits = [buffer('logits', 4 * vocabSize, COPY_SRC), buffer('logits', 4 * vocabSize, COPY_SRC)];
    this.ids = buffer('ids', 4 * this.chunk, COPY_DST);
    this.stepParams = buffer('params', this.params.bytes(this.chunk), COPY_DST);
    this.scratch = new Scratch(device, config, this.chunk, this.slots);
    const slots = model.layers.flatMap(({ key, value, window }) => [key, value].map((name) => ({ name, window })));
    this.cache = new SlidingWindowCache(device, slots, {
      ...config.text,
      capacity,
      slack: Math.max(slack, this.chunk),
    });
  }

  /** @throws GPUPipelineError where the browser refuses a kernel */
  static async compile(options: WebGpuBackendOptions): Promise<WebGpuBackend> {
    const backend = new WebGpuBackend(options);
    const { cache, scratch, logits, ids, stepParams, slots } = backend;
    try {
      backend.plan = await DispatchPlan.compile({ ...options, cache, scratch, logits, ids, stepParams, slots });
      return backend;
    } catch (cause) {
      backend.dispose();
      throw cause;
    }
  }

  async forward({ ids, pictures, start, end }: ForwardInput, keep: number): Promise<Logits | null> {
    if (await this.cache.reserve(end)) this.plan.rebind();
    const pictured = pictures.some((picture) => picture.start < end && start < picture.start + picture.length);
    if (end === start + 1 && !pictured)
      return this.logitsOf(this.forwardToken('usage' in ids ? ids : (ids[0] ?? 0), start));
    const wanted = keep > 1 ? this.rowsOf(keep) : null;
    let from = start;
    let buffer: GPUBuffer | null = null;
    for (const cut of chunkEnds(start, end, this.chunkAt(end), pictures)) {
      await this.reading;
      const chunk = (ids as readonly number[]).slice(from - start, cut - start);
      const kept = Math.max(0, cut - Math.max(from, end - keep));
      buffer = this.forwardChunk(this.writeTokens(chunk, pictures, from, cut), kept, (row, logits, encoder) => {
        const size = logits.size;
        if (wanted) encoder.copyBufferToBuffer(logits, 0, wanted, (from + row - (end - keep)) * size, size);
      });
      this.reading = this.options.device.queue.onSubmittedWorkDone().catch(ignore);
      this.cache.advanceTo(cut);
      from = cut;
    }
    if (wanted) return this.logitsOf(wanted, keep);
    return buffer && this.logitsOf(buffer);
  }

  /** Weights of a layer: multiply-adds that it takes for a token, but for attention. */
  private get layerWeights(): number {
    const { hiddenSize, intermediateSize, heads, kvHeads, headDim } = this.options.config.text;
    return hiddenSize * (2 * (heads + kvHeads) * headDim + 3 * intermediateSize);
  }

  /** Multiply-adds of a token's attention to `keys` tokens. */
  private attentionTo(keys: number): number {
    const { heads, headDim } = this.options.config.text;
    return 2 * heads * headDim * keys;
  }

  /** Tokens to read at once, up to `end`: attention is one dispatch, which only fewer tokens make shorter. */
  private chunkAt(end: number): number {
    const fitting = Math.floor(SUBMISSION / 2 / this.attentionTo(end));
    return Math.min(this.chunk, Math.max(SMALLEST_CHUNK, fitting));
  }

  private rowsOf(rows: number): GPUBuffer {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    return this.options.device.createBuffer({ size: 4 * rows * this.options.config.text.vocabSize, usage });
  }

  /** Of more than one row, the buffer goes with the logits; else they are there until the read after the next. */
  private logitsOf(buffer: GPUBuffer, rows = 1): Logits {
    const { ort, device, config } = this.options;
    const dims = [1, rows, config.text.vocabSize];
    const own = rows > 1 ? { dispose: () => buffer.destroy() } : {};
    return new Logits(ort.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims, ...own }), device);
  }

  /**
   * Submits the step that reads one token at `position`, which must be within the cache.
   * @param id the token's, or a buffer that begins with it
   * @returns float32 [vocabSize]
   */
  private forwardToken(id: number | GPUBuffer, position: number): GPUBuffer {
    const { device } = this.options;
    if (typeof id === 'number') device.queue.writeBuffer(this.ids, 0, Uint32Array.of(id));
    const splits = this.writeStepParams({ position, attentionEnds: [position + 1] }, 1);
    const encoder = device.createCommandEncoder({ label: 'token' });
    const pass = encoder.beginComputePass({ label: 'token' });
    const at = { tokens: 1, splits };
    const which = this.nextLogits();
    dispatch(pass, [this.plan.embedding(typeof id === 'number' ? this.ids : id)], at);
    for (const layer of this.plan.one) dispatch(pass, layer, at);
    dispatch(pass, [this.plan.headsOfOne[which]], at);
    pass.end();
    device.queue.submit([encoder.finish()]);
    this.cache.advanceTo(position + 1);
    return this.logits[which];
  }

  private nextLogits(): 0 | 1 {
    const which = this.next as 0 | 1;
    this.next = 1 - which;
    return which;
  }

  /** Writes where the tokens are; how their attention is shared out. */
  private writeStepParams(places: StepTokens, queries: number) {
    const splits = LAYER_TYPES.map((kind) => {
      const window = kind === 'sliding_attention' ? this.options.config.text.slidingWindow : null;
      return splitAttention(places, { window, rows: this.cache.rows(window), queries, slots: this.slots });
    });
    this.options.device.queue.writeBuffer(this.stepParams, 0, this.params.write(places, splits));
    return splits;
  }

  /** Writes tokens `start`…`end − 1` for the kernels. */
  private writeTokens(
    ids: readonly number[],
    pictures: readonly PromptPicture[],
    start: number,
    end: number,
  ): StepTokens {
    const { device, config } = this.options;
    const rows = Uint32Array.from(ids);
    const attentionEnds = ids.map((_, i) => start + i + 1);
    for (const { start: first, length } of pictures) {
      const last = Math.min(end, first + length);
      for (let at = Math.max(start, first); at < last; at++) {
        rows[at - start] = NO_TOKEN_ID;
        if (this.bidirectionalImages) attentionEnds[at - start] = last;
      }
    }
    const { hiddenSize } = config.text;
    for (const { first, rows: features } of featureRows(pictures, start, end, hiddenSize))
      device.queue.writeBuffer(this.scratch.x, 4 * hiddenSize * (first - start), features as Float32Array<ArrayBuffer>);
    device.queue.writeBuffer(this.ids, 0, rows);
    return { position: start, attentionEnds };
  }

  /**
   * Submits the reading of what was written.
   * @param keep of how many of the last tokens logits are wanted
   * @param take is given each wanted row's logits before the next's take their stepParams
   * @returns the last token's logits; null where none were wanted
   */
  private forwardChunk(
    places: StepTokens,
    keep: number,
    take: (row: number, logits: GPUBuffer, encoder: GPUCommandEncoder) => void,
  ): GPUBuffer | null {
    const { device, config } = this.options;
    const tokens = places.attentionEnds.length;
    const at = { tokens, splits: this.writeStepParams(places, this.plan.queries) };
    const submit = (encode: (encoder: GPUCommandEncoder) => void) => {
      const encoder = device.createCommandEncoder({ label: 'prompt' });
      encode(encoder);
      device.queue.submit([encoder.finish()]);
    };
    const inPass = (encoder: GPUCommandEncoder, stages: readonly (readonly Dispatch[])[]) => {
      const pass = encoder.beginComputePass({ label: 'prompt' });
      for (const stage of stages) dispatch(pass, stage, at);
      pass.end();
    };
    const all = [[this.plan.embedding(this.ids)], ...this.plan.many];
    const layer = tokens * (this.layerWeights + this.attentionTo(places.position + tokens));
    const together = Math.max(1, Math.floor(SUBMISSION / layer));
    for (let i = 0; i < all.length; i += together) submit((encoder) => inPass(encoder, all.slice(i, i + together)));
    if (keep === 0) return null;
    const size = 4 * config.text.hiddenSize;
    let buffer = this.logits[0];
    submit((encoder) => {
      for (let row = tokens - keep; row < tokens; row++) {
        const which = this.nextLogits();
        encoder.copyBufferToBuffer(this.scratch.normed, row * size, this.scratch.last, 0, size);
        inPass(encoder, [[this.plan.headsOfMany[which]]]);
        buffer = this.logits[which];
        take(row, buffer, encoder);
      }
    });
    return buffer;
  }

  dispose(): void {
    for (const buffer of [...this.logits, this.ids, this.stepParams]) buffer.destroy();
    // Before everything is compiled there are none.
    (this.plan as DispatchPlan | undefined)?.dispose();
    this.scratch.dispose();
    this.cache.dispose();
  }
}

function dispatch(
  pass: GPUComputePassEncoder,
  stage: readonly Dispatch[],
  at: Parameters<Dispatch['groups']>[0],
): void {
  for (const { pipeline, bindings, groups } of stage) {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindings);
    pass.dispatchWorkgroups(...groups(at));
  }
}
