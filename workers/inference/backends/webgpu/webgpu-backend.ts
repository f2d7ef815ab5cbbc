/**
 * Backend of our WGSL kernels, over the 4-bit weights of an export. A generated token takes kernels for one vector: nine
 * dispatches a layer in one submission, two small writes and no allocation; its id may be one that only the GPU knows yet.
 * A prompt takes kernels that unpack each weight once for several tokens. Sliding-window layers attend to their window only,
 * and a picture's tokens to each other.
 */
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import type { Backend, ForwardInput } from '../../backend-interface/backend.ts';
import { Logits } from '../../backend-interface/logits.ts';
import { chunkEnds, featureRows, type PromptPicture } from '../../backend-interface/pictures.ts';
import type { StoredTensor } from '../../onnx/graph.ts';
import type { DecoderWeights } from '../../onnx/match-decoder.ts';
import { LAYER_TYPES } from '../../math/rope.ts';
import { type Dispatch, DispatchPlan, NO_TOKEN_ID, type StepShape } from './dispatch-plan.ts';
import { Scratch } from './scratch.ts';
import { SlidingWindowCache } from './sliding-cache.ts';
import { type AttentionSplit, splitAttention, StepParams, type StepTokens } from './step-params.ts';

/** Model, weights and sizes of a backend. */
export interface WebGpuBackendOptions {
  device: GPUDevice;
  model: DecoderWeights;
  config: Gemma3Config;
  /** Gives the buffer of a weight; its bytes may arrive later, but before the first forward pass. */
  weights: (tensor: StoredTensor) => GPUBuffer;
  /** Tokens of context that the cache has room for. */
  capacity: number;
  /** Prompt tokens that are processed at once; more where a picture is longer. */
  chunkSize: number;
  /** The sequence can be truncated by at least this many tokens before sliding-window layers have overwritten the window that it then needs. */
  slack: number;
}

/** Least number of split-KV partitions that the scratch buffers can hold, summed over the tokens of a chunk. */
const MIN_PARTITIONS = 64;
/**
 * Multiply-adds of a submission. While a GPU is busy the screen does not change, and systems reset one that is busy for long
 * (Windows after two seconds).
 */
const MAX_SUBMISSION_OPS = 2 ** 34;
/** Tokens of a chunk at least, even where attention to a long past takes most of a submission. */
const MIN_CHUNK = 32;
const ignore = () => undefined;

/** Runs a model with our WGSL kernels. */
export class WebGpuBackend implements Backend {
  readonly cache: SlidingWindowCache;
  readonly bidirectionalImages: boolean;
  private readonly chunk: number;
  private readonly partitions: number;
  /** Used alternately: the next step may run before this one's logits are read. */
  private readonly logits: readonly [GPUBuffer, GPUBuffer];
  private readonly ids: GPUBuffer;
  private readonly stepParams: GPUBuffer;
  private readonly scratch: Scratch;
  private readonly params: StepParams;
  private plan!: DispatchPlan;
  private nextLogits: 0 | 1 = 0;
  /** Settles when the GPU has processed the last chunk that was submitted. */
  private submitted: Promise<unknown> = Promise.resolve();

  private constructor(private readonly options: WebGpuBackendOptions) {
    const { device, config, model, capacity, chunkSize, slack } = options;
    const { vocabSize } = config.text;
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
    const buffer = (label: string, size: number, usage: number) =>
      device.createBuffer({ label: `kernels' ${label}`, size, usage: STORAGE | usage });
    this.bidirectionalImages = model.bidirectionalImages;
    this.chunk = Math.min(capacity, Math.max(chunkSize, config.vision?.tokensPerImage ?? 0));
    this.partitions = Math.max(MIN_PARTITIONS, this.chunk);
    this.params = new StepParams(config);
    this.logits = [buffer('logits', 4 * vocabSize, COPY_SRC), buffer('logits', 4 * vocabSize, COPY_SRC)];
    this.ids = buffer('ids', 4 * this.chunk, COPY_DST);
    this.stepParams = buffer('step params', this.params.bytes(this.chunk), COPY_DST);
    this.scratch = new Scratch(device, config, this.chunk, this.partitions);
    const slots = model.layers.flatMap(({ key, value, window }) => [key, value].map((name) => ({ name, window })));
    this.cache = new SlidingWindowCache(device, slots, {
      ...config.text,
      capacity,
      slack: Math.max(slack, this.chunk),
    });
  }

  /**
   * Allocates buffers and compiles the kernels.
   * @param options model, weights and sizes
   * @returns the backend
   * @throws GPUPipelineError if the browser refuses a kernel
   */
  static async compile(options: WebGpuBackendOptions): Promise<WebGpuBackend> {
    const backend = new WebGpuBackend(options);
    const { cache, scratch, logits, ids, stepParams, partitions } = backend;
    try {
      backend.plan = await DispatchPlan.compile({ ...options, cache, scratch, logits, ids, stepParams, partitions });
      return backend;
    } catch (cause) {
      backend.dispose();
      throw cause;
    }
  }

  async forward({ ids, pictures, start, end }: ForwardInput, logitsToKeep: number): Promise<Logits | null> {
    if (await this.cache.reserve(end)) this.plan.rebind();
    const hasPicture = pictures.some((picture) => picture.start < end && start < picture.start + picture.length);
    if (end === start + 1 && !hasPicture)
      return this.wrapLogits(this.forwardToken('usage' in ids ? ids : (ids[0] ?? 0), start));
    const rows = logitsToKeep > 1 ? this.createLogitsRows(logitsToKeep) : null;
    const firstKept = end - logitsToKeep;
    let from = start;
    let buffer: GPUBuffer | null = null;
    for (const cut of chunkEnds(start, end, this.chunkSizeFor(end), pictures)) {
      await this.submitted;
      const chunk = (ids as readonly number[]).slice(from - start, cut - start);
      const kept = Math.max(0, cut - Math.max(from, firstKept));
      const chunkStart = from;
      buffer = this.forwardChunk(this.writeTokens(chunk, pictures, from, cut), kept, (row, logits, encoder) => {
        const { size } = logits;
        if (rows) encoder.copyBufferToBuffer(logits, 0, rows, (chunkStart + row - firstKept) * size, size);
      });
      this.submitted = this.options.device.queue.onSubmittedWorkDone().catch(ignore);
      this.cache.advanceTo(cut);
      from = cut;
    }
    if (rows) return this.wrapLogits(rows, logitsToKeep);
    return buffer && this.wrapLogits(buffer);
  }

  /** Multiply-adds of a layer for one token, without attention: the number of its weights. */
  private get layerOps(): number {
    const { hiddenSize, intermediateSize, heads, kvHeads, headDim } = this.options.config.text;
    return hiddenSize * (2 * (heads + kvHeads) * headDim + 3 * intermediateSize);
  }

  /** Multiply-adds of one token's attention to `keys` tokens in a layer. */
  private attentionOps(keys: number): number {
    const { heads, headDim } = this.options.config.text;
    return 2 * heads * headDim * keys;
  }

  /** Tokens to process at once, up to position `end`. Attention is one dispatch, so only fewer tokens make it shorter. */
  private chunkSizeFor(end: number): number {
    const fitting = Math.floor(MAX_SUBMISSION_OPS / 2 / this.attentionOps(end));
    return Math.min(this.chunk, Math.max(MIN_CHUNK, fitting));
  }

  private createLogitsRows(rows: number): GPUBuffer {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    return this.options.device.createBuffer({ size: 4 * rows * this.options.config.text.vocabSize, usage });
  }

  /**
   * Logits in a buffer. One of several rows is destroyed with the logits; one of the backend's own is overwritten by the
   * second forward pass from now.
   */
  private wrapLogits(buffer: GPUBuffer, rows = 1): Logits {
    const { device, config } = this.options;
    const { vocabSize } = config.text;
    const dispose = rows > 1 ? () => buffer.destroy() : undefined;
    return new Logits({ rows, vocabSize, type: 'float32', storage: { buffer, device }, dispose });
  }

  /**
   * Submits the forward pass of one token.
   * @param id the token's id, or a buffer that begins with it
   * @param position position of the token, which the cache has room for
   * @returns buffer of the next token's logits: float32 [vocabSize]
   */
  private forwardToken(id: number | GPUBuffer, position: number): GPUBuffer {
    const { device } = this.options;
    if (typeof id === 'number') device.queue.writeBuffer(this.ids, 0, Uint32Array.of(id));
    const splits = this.writeStepParams({ position, attentionEnds: [position + 1] }, 1);
    const encoder = device.createCommandEncoder({ label: 'token' });
    const pass = encoder.beginComputePass({ label: 'token' });
    const at = { tokens: 1, splits };
    const index = this.takeLogits();
    dispatch(pass, [this.plan.embedding(typeof id === 'number' ? this.ids : id)], at);
    for (const layer of this.plan.one) dispatch(pass, layer, at);
    dispatch(pass, [this.plan.headsOfOne[index]], at);
    pass.end();
    device.queue.submit([encoder.finish()]);
    this.cache.advanceTo(position + 1);
    return this.logits[index];
  }

  private takeLogits(): 0 | 1 {
    const index = this.nextLogits;
    this.nextLogits = index === 0 ? 1 : 0;
    return index;
  }

  /** Writes the kernels' step params. @returns how attention is split, for each of LAYER_TYPES */
  private writeStepParams(tokens: StepTokens, queries: number): AttentionSplit[] {
    const splits = LAYER_TYPES.map((kind) => {
      const window = kind === 'sliding_attention' ? this.options.config.text.slidingWindow : null;
      return splitAttention(tokens, { window, rows: this.cache.rows(window), queries, partitions: this.partitions });
    });
    this.options.device.queue.writeBuffer(this.stepParams, 0, this.params.write(tokens, splits));
    return splits;
  }

  /** Writes the ids and picture features of tokens `start`…`end − 1` to the kernels' buffers. */
  private writeTokens(
    ids: readonly number[],
    pictures: readonly PromptPicture[],
    start: number,
    end: number,
  ): StepTokens {
    const { device, config } = this.options;
    const tokenIds = Uint32Array.from(ids);
    const attentionEnds = ids.map((_, i) => start + i + 1);
    for (const { start: first, length } of pictures) {
      const last = Math.min(end, first + length);
      for (let at = Math.max(start, first); at < last; at++) {
        tokenIds[at - start] = NO_TOKEN_ID;
        if (this.bidirectionalImages) attentionEnds[at - start] = last;
      }
    }
    const { hiddenSize } = config.text;
    for (const { first, rows } of featureRows(pictures, start, end, hiddenSize))
      device.queue.writeBuffer(this.scratch.x, 4 * hiddenSize * (first - start), rows as Float32Array<ArrayBuffer>);
    device.queue.writeBuffer(this.ids, 0, tokenIds);
    return { position: start, attentionEnds };
  }

  /**
   * Submits the forward pass of tokens that `writeTokens` wrote.
   * @param step the tokens' positions
   * @param logitsToKeep number of last tokens whose logits are needed
   * @param onLogits is given each of these rows before the next but one overwrites its buffer
   * @returns buffer of the last token's logits; null if none are needed
   */
  private forwardChunk(
    step: StepTokens,
    logitsToKeep: number,
    onLogits: (row: number, logits: GPUBuffer, encoder: GPUCommandEncoder) => void,
  ): GPUBuffer | null {
    const { device, config } = this.options;
    const tokens = step.attentionEnds.length;
    const at: StepShape = { tokens, splits: this.writeStepParams(step, this.plan.queries) };
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
    const stages = [[this.plan.embedding(this.ids)], ...this.plan.many];
    const layerOps = tokens * (this.layerOps + this.attentionOps(step.position + tokens));
    const perSubmission = Math.max(1, Math.floor(MAX_SUBMISSION_OPS / layerOps));
    for (let i = 0; i < stages.length; i += perSubmission)
      submit((encoder) => inPass(encoder, stages.slice(i, i + perSubmission)));
    if (logitsToKeep === 0) return null;
    const size = 4 * config.text.hiddenSize;
    let buffer = this.logits[0];
    submit((encoder) => {
      for (let row = tokens - logitsToKeep; row < tokens; row++) {
        const index = this.takeLogits();
        encoder.copyBufferToBuffer(this.scratch.normed, row * size, this.scratch.last, 0, size);
        inPass(encoder, [[this.plan.headsOfMany[index]]]);
        buffer = this.logits[index];
        onLogits(row, buffer, encoder);
      }
    });
    return buffer;
  }

  dispose(): void {
    for (const buffer of [...this.logits, this.ids, this.stepParams]) buffer.destroy();
    // It is undefined until `compile` is done.
    (this.plan as DispatchPlan | undefined)?.dispose();
    this.scratch.dispose();
    this.cache.dispose();
  }
}

function dispatch(pass: GPUComputePassEncoder, stage: readonly Dispatch[], at: StepShape): void {
  for (const { pipeline, bindings, groups } of stage) {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindings);
    pass.dispatchWorkgroups(...groups(at));
  }
}
