/** Which kernels run one after another to read tokens, with what they are bound to. */
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import type { StoredTensor } from '../../onnx/graph.ts';
import { type Constants, float, type KernelName, Kernels, gemvShape } from './kernels.ts';
import { type AttentionSplit, TILE } from './step-params.ts';
import { gemmGroups, type GemmOutput, gemmShape, GEMM_TOKENS } from './gemm-q4.ts';
import type { SlidingWindowCache } from './sliding-cache.ts';
import type { Scratch } from './scratch.ts';
import type { PackedMatrix, LayerWeights, DecoderWeights } from '../../onnx/match-decoder.ts';
import { LAYER_TYPES } from '../rope.ts';

/** What is being read. */
/** The size of a forward pass, which numbers of workgroups follow from. */
export interface StepShape {
  tokens: number;
  /** Of each of KINDS. */
  splits: readonly AttentionSplit[];
}

export interface Dispatch {
  pipeline: GPUComputePipeline;
  bindings: GPUBindGroup;
  groups: (reading: StepShape) => [number, number?, number?];
}

export interface DispatchPlanOptions {
  device: GPUDevice;
  model: DecoderWeights;
  config: Gemma3Config;
  weights: (tensor: StoredTensor) => GPUBuffer;
  cache: SlidingWindowCache;
  scratch: Scratch;
  logits: readonly [GPUBuffer, GPUBuffer];
  ids: GPUBuffer;
  stepParams: GPUBuffer;
  slots: number;
}

/** In place of a token's id: its row is there already. */
export const NO_TOKEN_ID = 2 ** 32 - 1;
/** Queries that a workgroup of attention keeps sums of, where many tokens are read: software adapters compile more slowly. */
const MOST_QUERIES = 8;

type Heads = readonly [Dispatch, Dispatch];

export class DispatchPlan {
  /** A layer's kernels, for one token and for many. */
  readonly one: Dispatch[][] = [];
  readonly many: Dispatch[][] = [];
  /** Logits of the token, and of the row that was copied to `scratch.last`. */
  headsOfOne!: Heads;
  headsOfMany!: Heads;
  /** Tokens that a workgroup of attention serves where many are read. */
  readonly queries: number;
  private readonly kernels: Kernels;
  private readonly embeddings = new WeakMap<GPUBuffer, GPUBindGroup>();
  private embed!: GPUComputePipeline;
  private readonly uniforms: GPUBuffer[] = [];
  /** Which of KINDS a layer is. */
  private readonly kinds: readonly GPUBuffer[];
  private readonly onCache: (() => void)[] = [];

  private constructor(private readonly options: DispatchPlanOptions) {
    const { heads, kvHeads } = options.config.text;
    this.queries = Math.max(1, Math.floor(MOST_QUERIES / (heads / kvHeads)));
    this.kernels = new Kernels(options.device);
    this.kinds = LAYER_TYPES.map((_, kind) => this.uniform(Uint32Array.of(kind)));
  }

  /** @throws GPUPipelineError where the browser refuses a kernel */
  static async compile(options: DispatchPlanOptions): Promise<DispatchPlan> {
    const plans = new DispatchPlan(options);
    try {
      await plans.compileAll();
      return plans;
    } catch (cause) {
      plans.dispose();
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
    const { config, weights, cache, scratch, stepParams, slots } = this.options;
    const { heads, kvHeads, headDim, rmsNormEps, queryPreAttnScalar } = config.text;
    const { x, normed, projected, queries, parts, stats, attended, branch, active } = scratch;
    const { window } = layer;
    const cached = () => [cache.buffer(layer.key), cache.buffer(layer.value)];
    const KIND = LAYER_TYPES.indexOf(window === null ? 'full_attention' : 'sliding_attention');
    const shape = { DIM: headDim, HEADS: heads, KV_HEADS: kvHeads };
    const kind = this.kinds[KIND] as GPUBuffer;

    const rope = this.plan(
      'rope',
      { ...shape, EPSILON: float(rmsNormEps), SCALE: float(Math.fround(queryPreAttnScalar ** -0.5)) },
      () => [projected, weights(layer.qNorm), weights(layer.kNorm), stepParams, queries, ...cached(), kind],
      ({ tokens }) => [heads + 2 * kvHeads, tokens],
    );
    const attention = (each: number) =>
      this.plan(
        'attention',
        { ...shape, TILE, SLOTS: slots, QUERIES: each },
        () => [queries, ...cached(), stepParams, parts, stats, kind],
        ({ tokens, splits }) => [kvHeads, splits[KIND]?.parts ?? 1, Math.ceil(tokens / each)],
      );
    const combine = this.plan(
      'attentionCombine',
      { ...shape, SLOTS: slots },
      [parts, stats, stepParams, attended, kind],
      ({ tokens }) => [heads, tokens],
    );
    const addNorm = (weight: StoredTensor, next: StoredTensor) =>
      this.plan('addNorm', this.norm, [branch, weights(weight), x, weights(next), normed], ({ tokens }) => [tokens]);
    const middle = addNorm(layer.postAttentionNorm, layer.preFeedforwardNorm);
    const end = addNorm(layer.postFeedforwardNorm, nextNorm);

    const [one, many] = await Promise.all([
      Promise.all([
        ...this.qkv([layer.q, layer.k, layer.v], normed, projected),
        ...[rope, attention(1), combine],
        ...[this.gemv(layer.out, attended, branch), middle],
        ...[this.geglu(layer, normed, active), this.gemv(layer.down, active, branch), end],
      ]),
      Promise.all([
        ...beside([layer.q, layer.k, layer.v]).map(({ matrix, start, stride }) =>
          this.gemm(matrix, normed, projected, { start, stride }),
        ),
        ...[rope, attention(this.queries), combine],
        ...[this.gemm(layer.out, attended, branch), middle],
        ...[this.gemm(layer.gate, normed, active), this.gemm(layer.up, normed, active, { geglu: true })],
        ...[this.gemm(layer.down, active, branch), end],
      ]),
    ]);
    return { one, many };
  }

  /** Queries, keys and values of one token: in one dispatch where GPUs have bindings for it. */
  private qkv(
    matrices: readonly [PackedMatrix, PackedMatrix, PackedMatrix],
    x: GPUBuffer,
    out: GPUBuffer,
  ): Promise<Dispatch>[] {
    const [q, k, v] = matrices;
    if (matrices.some(({ zeros }) => zeros))
      return beside(matrices).map(({ matrix, start }) => this.gemv(matrix, x, out, start));
    const all = { ...q, rows: q.rows + k.rows + v.rows };
    const buffers = [x, out, ...matrices.flatMap((matrix) => this.matrix(matrix))];
    return [this.gemvDispatch('qkv', all, buffers, { N: q.rows, N_B: k.rows, N_C: v.rows })];
  }

  /** @param start where in `out` the rows begin */
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

  /** Of many tokens. */
  private gemm(matrix: PackedMatrix, x: GPUBuffer, out: GPUBuffer, how: Partial<GemmOutput> = {}): Promise<Dispatch> {
    const shape = this.uniform(gemmShape(matrix, { start: 0, stride: matrix.rows, geglu: false, ...how }));
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

  /** @param buffers as a function where they are the cache's, which become others as it grows */
  private async plan(
    name: KernelName,
    constants: Constants,
    buffers: GPUBuffer[] | (() => GPUBuffer[]),
    groups: Dispatch['groups'],
  ): Promise<Dispatch> {
    const pipeline = await this.kernels.get(name, constants);
    const now = () => this.bind(pipeline, typeof buffers === 'function' ? buffers() : buffers);
    const dispatch = { pipeline, bindings: now(), groups };
    if (typeof buffers === 'function')
      this.onCache.push(() => {
        dispatch.bindings = now();
      });
    return dispatch;
  }

  /** After the cache's buffers have become others. */
  rebind(): void {
    for (const bindAgain of this.onCache) bindAgain();
  }

  private bind(pipeline: GPUComputePipeline, buffers: GPUBuffer[]): GPUBindGroup {
    return this.options.device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
  }

  /** Of the tokens whose ids `ids` begins with. */
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

/** Matrices whose products stand one after another in a token's row. */
function beside(matrices: readonly PackedMatrix[]): { matrix: PackedMatrix; start: number; stride: number }[] {
  const stride = matrices.reduce((sum, { rows }) => sum + rows, 0);
  let next = 0;
  return matrices.map((matrix) => {
    const start = next;
    next += matrix.rows;
    return { matrix, start, stride };
  });
}
