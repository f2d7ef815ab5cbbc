/** Which kernels run one after another in a forward step, with the buffers that they are bound to. */
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import type { StoredTensor } from '../../onnx/graph.ts';
import type { DecoderWeights, LayerWeights, PackedMatrix } from '../../onnx/match-decoder.ts';
import { LAYER_TYPES } from '../../math/rope.ts';
import { GEMM_TOKENS, gemmGroups, type GemmOutput, gemmShape } from './gemm-q4.ts';
import { type Constants, float, gemvShape, type KernelName, KernelPipelines } from './kernels.ts';
import type { Scratch } from './scratch.ts';
import type { SlidingWindowCache } from './sliding-cache.ts';
import { type AttentionSplit, TILE } from './step-params.ts';

/** The size of a forward step, which numbers of workgroups follow from. */
export interface StepShape {
  /** Number of tokens. */
  tokens: number;
  /** How attention is split, for each of LAYER_TYPES. */
  splits: readonly AttentionSplit[];
}

/** A kernel with its bindings. */
export interface Dispatch {
  pipeline: GPUComputePipeline;
  bindings: GPUBindGroup;
  /** Number of workgroups. */
  groups: (step: StepShape) => [x: number, y?: number, z?: number];
}

/** The model and the buffers that kernels are bound to. */
export interface DispatchPlanOptions {
  device: GPUDevice;
  model: DecoderWeights;
  config: Gemma3Config;
  /** Gives the buffer of a weight. */
  weights: (tensor: StoredTensor) => GPUBuffer;
  cache: SlidingWindowCache;
  scratch: Scratch;
  /** Two buffers that logits are written to alternately: float32 [vocabSize]. */
  logits: readonly [GPUBuffer, GPUBuffer];
  /** Ids of the tokens of a prompt: uint32. */
  ids: GPUBuffer;
  stepParams: GPUBuffer;
  /** Partitions of the KV cache (split-KV attention) that the scratch buffers can hold, summed over the tokens of a chunk. */
  partitions: number;
}

/** Stands for the id of a token whose embedding is in place already. */
export const NO_TOKEN_ID = 2 ** 32 - 1;
/** Queries that one workgroup of prompt attention handles. Software adapters take long to compile kernels with more. */
const MAX_QUERIES = 8;

type Heads = readonly [Dispatch, Dispatch];

/** The compiled kernels of a model, bound to its buffers. */
export class DispatchPlan {
  /** The kernels of each layer for a step of one token. */
  readonly one: Dispatch[][] = [];
  /** The kernels of each layer for a step of several tokens. */
  readonly many: Dispatch[][] = [];
  /** Computes the logits of a step's only token, into either buffer. */
  headsOfOne!: Heads;
  /** Computes the logits of the row that was copied to `scratch.last`, into either buffer. */
  headsOfMany!: Heads;
  /** Tokens that a workgroup of attention serves in a step of several tokens. */
  readonly queries: number;
  private readonly kernels: KernelPipelines;
  private readonly embeddings = new WeakMap<GPUBuffer, GPUBindGroup>();
  private embed!: GPUComputePipeline;
  private readonly uniforms: GPUBuffer[] = [];
  /** Uniforms with the index of each of LAYER_TYPES. */
  private readonly layerTypes: readonly GPUBuffer[];
  /** Creates the bind groups with buffers of the cache again. */
  private readonly cacheBindings: (() => void)[] = [];

  private constructor(private readonly options: DispatchPlanOptions) {
    const { heads, kvHeads } = options.config.text;
    this.queries = Math.max(1, Math.floor(MAX_QUERIES / (heads / kvHeads)));
    this.kernels = new KernelPipelines(options.device);
    this.layerTypes = LAYER_TYPES.map((_, index) => this.uniform(Uint32Array.of(index)));
  }

  /**
   * Compiles the kernels.
   * @param options what they are bound to
   * @returns the plan
   * @throws GPUPipelineError if the browser refuses a kernel
   */
  static async compile(options: DispatchPlanOptions): Promise<DispatchPlan> {
    const plan = new DispatchPlan(options);
    try {
      await plan.compileAll();
      return plan;
    } catch (cause) {
      plan.dispose();
      throw cause;
    }
  }

  private async compileAll(): Promise<void> {
    const { model, config, scratch } = this.options;
    const { hiddenSize, vocabSize } = config.text;
    const embedding = this.kernels.get(model.embedding.zeros ? 'embeddingZeros' : 'embedding', {
      ...this.norm,
      VOCABULARY: vocabSize,
      BLOCKS: hiddenSize / 32,
      FACTOR: float(Math.fround(Math.sqrt(hiddenSize))),
      NO_TOKEN_ID,
    });
    const layers = Promise.all(
      model.layers.map((layer, i) => this.layer(layer, model.layers[i + 1]?.inputNorm ?? model.finalNorm)),
    );
    const heads = (x: GPUBuffer): Promise<[Dispatch, Dispatch]> =>
      Promise.all([this.gemv(model.head, x, this.options.logits[0]), this.gemv(model.head, x, this.options.logits[1])]);
    [this.embed, this.headsOfOne, this.headsOfMany] = await Promise.all([
      embedding,
      heads(scratch.normed),
      heads(scratch.last),
    ]);
    for (const { one, many } of await layers) {
      this.one.push(one);
      this.many.push(many);
    }
  }

  private get norm(): Constants {
    const { hiddenSize, rmsNormEps } = this.options.config.text;
    return { SIZE: hiddenSize, EPSILON: float(rmsNormEps) };
  }

  private async layer(layer: LayerWeights, nextNorm: StoredTensor): Promise<{ one: Dispatch[]; many: Dispatch[] }> {
    const { config, weights, cache, scratch, stepParams, partitions } = this.options;
    const { heads, kvHeads, headDim, rmsNormEps, queryPreAttnScalar } = config.text;
    const { x, normed, projected, queries, parts, stats, attentionOut, branch, active } = scratch;
    const { window } = layer;
    const cached = () => [cache.buffer(layer.key), cache.buffer(layer.value)];
    const typeIndex = LAYER_TYPES.indexOf(window === null ? 'full_attention' : 'sliding_attention');
    const shape = { DIM: headDim, HEADS: heads, KV_HEADS: kvHeads };
    const layerType = this.layerTypes[typeIndex] as GPUBuffer;

    const rope = this.plan(
      'rope',
      { ...shape, EPSILON: float(rmsNormEps), SCALE: float(Math.fround(queryPreAttnScalar ** -0.5)) },
      () => [projected, weights(layer.qNorm), weights(layer.kNorm), stepParams, queries, ...cached(), layerType],
      ({ tokens }) => [heads + 2 * kvHeads, tokens],
    );
    const attention = (queriesPerGroup: number) =>
      this.plan(
        'attention',
        { ...shape, TILE, SLOTS: partitions, QUERIES: queriesPerGroup },
        () => [queries, ...cached(), stepParams, parts, stats, layerType],
        ({ tokens, splits }) => [kvHeads, splits[typeIndex]?.parts ?? 1, Math.ceil(tokens / queriesPerGroup)],
      );
    const combine = this.plan(
      'attentionCombine',
      { ...shape, SLOTS: partitions },
      [parts, stats, stepParams, attentionOut, layerType],
      ({ tokens }) => [heads, tokens],
    );
    const addNorm = (weight: StoredTensor, next: StoredTensor) =>
      this.plan('addNorm', this.norm, [branch, weights(weight), x, weights(next), normed], ({ tokens }) => [tokens]);
    const afterAttention = addNorm(layer.postAttentionNorm, layer.preFeedforwardNorm);
    const afterFeedforward = addNorm(layer.postFeedforwardNorm, nextNorm);

    const [one, many] = await Promise.all([
      Promise.all([
        ...this.qkv([layer.q, layer.k, layer.v], normed, projected),
        ...[rope, attention(1), combine],
        ...[this.gemv(layer.out, attentionOut, branch), afterAttention],
        ...[this.geglu(layer, normed, active), this.gemv(layer.down, active, branch), afterFeedforward],
      ]),
      Promise.all([
        ...concatenated([layer.q, layer.k, layer.v]).map(({ matrix, start, stride }) =>
          this.gemm(matrix, normed, projected, { start, stride }),
        ),
        ...[rope, attention(this.queries), combine],
        ...[this.gemm(layer.out, attentionOut, branch), afterAttention],
        ...[this.gemm(layer.gate, normed, active), this.gemm(layer.up, normed, active, { geglu: true })],
        ...[this.gemm(layer.down, active, branch), afterFeedforward],
      ]),
    ]);
    return { one, many };
  }

  /** Queries, keys and values of one token: one dispatch, or three where zero points would take too many bindings. */
  private qkv(
    matrices: readonly [PackedMatrix, PackedMatrix, PackedMatrix],
    x: GPUBuffer,
    out: GPUBuffer,
  ): Promise<Dispatch>[] {
    const [q, k, v] = matrices;
    if (matrices.some(({ zeros }) => zeros))
      return concatenated(matrices).map(({ matrix, start }) => this.gemv(matrix, x, out, start));
    const all = { ...q, rows: q.rows + k.rows + v.rows };
    const buffers = [x, out, ...matrices.flatMap((matrix) => this.matrix(matrix))];
    return [this.gemvDispatch('qkv', all, buffers, { N: q.rows, N_B: k.rows, N_C: v.rows })];
  }

  /** @param start index of the first product in `out` */
  private gemv(matrix: PackedMatrix, x: GPUBuffer, out: GPUBuffer, start = 0): Promise<Dispatch> {
    const name = matrix.zeros ? 'gemvZeros' : 'gemv';
    const buffers = [x, out, ...this.matrix(matrix), ...this.zeros(matrix)];
    return this.gemvDispatch(name, matrix, buffers, { N: matrix.rows, START: start });
  }

  private geglu({ gate, up }: LayerWeights, x: GPUBuffer, out: GPUBuffer): Promise<Dispatch> {
    const name = gate.zeros ? 'gegluZeros' : 'geglu';
    const buffers = [x, out, ...this.matrix(gate), ...this.matrix(up), ...this.zeros(gate), ...this.zeros(up)];
    return this.gemvDispatch(name, gate, buffers, { N: gate.rows });
  }

  private gemvDispatch(
    name: KernelName,
    { rows, columns }: Pick<PackedMatrix, 'rows' | 'columns'>,
    buffers: GPUBuffer[],
    sizes: Constants,
  ): Promise<Dispatch> {
    const { groups, ...shape } = gemvShape(rows, columns);
    return this.plan(name, { COLUMNS: columns, ...shape, ...sizes }, buffers, () => [groups]);
  }

  /** @param output where the product is written, by default the whole of a token's row */
  private gemm(
    matrix: PackedMatrix,
    x: GPUBuffer,
    out: GPUBuffer,
    output: Partial<GemmOutput> = {},
  ): Promise<Dispatch> {
    const shape = this.uniform(gemmShape(matrix, { start: 0, stride: matrix.rows, geglu: false, ...output }));
    const buffers = [x, out, ...this.matrix(matrix), shape, ...this.zeros(matrix)];
    return this.plan(matrix.zeros ? 'gemmZeros' : 'gemm', {}, buffers, ({ tokens }) => [
      gemmGroups(matrix.rows),
      Math.ceil(tokens / GEMM_TOKENS),
    ]);
  }

  private uniform(values: Uint32Array<ArrayBuffer>): GPUBuffer {
    const { device } = this.options;
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    const buffer = device.createBuffer({ label: 'uniform', size: values.byteLength, usage });
    device.queue.writeBuffer(buffer, 0, values);
    this.uniforms.push(buffer);
    return buffer;
  }

  /** Destroys the uniforms. */
  dispose(): void {
    for (const buffer of this.uniforms) buffer.destroy();
  }

  private matrix({ values, scales }: PackedMatrix): GPUBuffer[] {
    const { weights } = this.options;
    return [weights(values), weights(scales)];
  }

  private zeros({ zeros }: PackedMatrix): GPUBuffer[] {
    return zeros ? [this.options.weights(zeros)] : [];
  }

  /** @param buffers a function if they include the cache's, which are replaced as it grows */
  private async plan(
    name: KernelName,
    constants: Constants,
    buffers: GPUBuffer[] | (() => GPUBuffer[]),
    groups: Dispatch['groups'],
  ): Promise<Dispatch> {
    const pipeline = await this.kernels.get(name, constants);
    const bind = () => this.bind(pipeline, typeof buffers === 'function' ? buffers() : buffers);
    const dispatch = { pipeline, bindings: bind(), groups };
    if (typeof buffers === 'function')
      this.cacheBindings.push(() => {
        dispatch.bindings = bind();
      });
    return dispatch;
  }

  /** Binds the cache's buffers again, after they were replaced. */
  rebind(): void {
    for (const rebind of this.cacheBindings) rebind();
  }

  private bind(pipeline: GPUComputePipeline, buffers: GPUBuffer[]): GPUBindGroup {
    return this.options.device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
  }

  /**
   * The kernel that embeds tokens.
   * @param ids buffer that begins with the tokens' ids
   * @returns the kernel, bound to the buffer
   */
  embedding(ids: GPUBuffer): Dispatch {
    const { model, weights, scratch } = this.options;
    let bindings = this.embeddings.get(ids);
    if (!bindings) {
      const { embedding } = model;
      const norm = weights((model.layers[0] ?? { inputNorm: model.finalNorm }).inputNorm);
      const buffers = [ids, ...this.matrix(embedding), scratch.x, norm, scratch.normed, ...this.zeros(embedding)];
      bindings = this.bind(this.embed, buffers);
      this.embeddings.set(ids, bindings);
    }
    return { pipeline: this.embed, bindings, groups: ({ tokens }) => [tokens] };
  }
}

/** Where the products of several matrices are written, one after another in a token's row. */
function concatenated(matrices: readonly PackedMatrix[]): { matrix: PackedMatrix; start: number; stride: number }[] {
  const stride = matrices.reduce((sum, { rows }) => sum + rows, 0);
  let nextStart = 0;
  return matrices.map((matrix) => {
    const start = nextStart;
    nextStart += matrix.rows;
    return { matrix, start, stride };
  });
}
