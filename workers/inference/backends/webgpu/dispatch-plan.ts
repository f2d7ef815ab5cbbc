/** Which kernels run one after another to read tokens, with what they are bound to. */
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import type { StoredTensor } from '../../onnx/graph.ts';
import { type Constants, float, type KernelName, Kernels, productShape } from './kernels.ts';
import { type Share, TILE } from './step-params.ts';
import { manyGroups, type ManyOut, manyShape, TOKENS } from './gemm-q4.ts';
import type { RingCache } from './sliding-cache.ts';
import type { Scratch } from './scratch.ts';
import type { PackedMatrix, StoredLayer, StoredDecoder } from '../../onnx/match-decoder.ts';
import { KINDS } from '../rope.ts';

/** What is being read. */
interface Reading {
  tokens: number;
  /** Of each of KINDS. */
  shares: readonly Share[];
}

export interface Dispatch {
  pipeline: GPUComputePipeline;
  bindings: GPUBindGroup;
  groups: (reading: Reading) => [number, number?, number?];
}

export interface PlansOptions {
  device: GPUDevice;
  model: StoredDecoder;
  config: Gemma3Config;
  weights: (tensor: StoredTensor) => GPUBuffer;
  cache: RingCache;
  scratch: Scratch;
  logits: readonly [GPUBuffer, GPUBuffer];
  ids: GPUBuffer;
  place: GPUBuffer;
  slots: number;
}

/** In place of a token's id: its row is there already. */
export const GIVEN = 2 ** 32 - 1;
/** Queries that a workgroup of attention keeps sums of, where many tokens are read: software adapters compile more slowly. */
const MOST_QUERIES = 8;

type Heads = readonly [Dispatch, Dispatch];

export class Plans {
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

  private constructor(private readonly options: PlansOptions) {
    const { heads, kvHeads } = options.config.text;
    this.queries = Math.max(1, Math.floor(MOST_QUERIES / (heads / kvHeads)));
    this.kernels = new Kernels(options.device);
    this.kinds = KINDS.map((_, kind) => this.uniform(Uint32Array.of(kind)));
  }

  /** @throws GPUPipelineError where the browser refuses a kernel */
  static async compile(options: PlansOptions): Promise<Plans> {
    const plans = new Plans(options);
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
    const embedding = this.kernels.get(model.embedding.zeros ? 'embedZeros' : 'embed', {
      ...this.norm,
      VOCABULARY: vocabSize,
      BLOCKS: hiddenSize / 32,
      FACTOR: float(Math.fround(Math.sqrt(hiddenSize))),
      GIVEN,
    });
    const layers = Promise.all(
      model.layers.map((layer, i) => this.layer(layer, model.layers[i + 1]?.inputNorm ?? model.finalNorm)),
    );
    const heads = (x: GPUBuffer): Promise<[Dispatch, Dispatch]> =>
      Promise.all([
        this.plain(model.head, x, this.options.logits[0]),
        this.plain(model.head, x, this.options.logits[1]),
      ]);
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

  private async layer(layer: StoredLayer, nextNorm: StoredTensor): Promise<{ one: Dispatch[]; many: Dispatch[] }> {
    const { config, weights, cache, scratch, place, slots } = this.options;
    const { heads, kvHeads, headDim, rmsNormEps, queryPreAttnScalar } = config.text;
    const { x, normed, projected, queries, parts, stats, attended, branch, active } = scratch;
    const { window } = layer;
    const held = () => [cache.buffer(layer.key), cache.buffer(layer.value)];
    const KIND = KINDS.indexOf(window === null ? 'full_attention' : 'sliding_attention');
    const moment = { DIM: headDim, HEADS: heads, KV_HEADS: kvHeads };
    const kind = this.kinds[KIND] as GPUBuffer;

    const turn = this.plan(
      'turn',
      { ...moment, EPSILON: float(rmsNormEps), SCALE: float(Math.fround(queryPreAttnScalar ** -0.5)) },
      () => [projected, weights(layer.qNorm), weights(layer.kNorm), place, queries, ...held(), kind],
      ({ tokens }) => [heads + 2 * kvHeads, tokens],
    );
    const attend = (each: number) =>
      this.plan(
        'attend',
        { ...moment, TILE, SLOTS: slots, QUERIES: each },
        () => [queries, ...held(), place, parts, stats, kind],
        ({ tokens, shares }) => [kvHeads, shares[KIND]?.parts ?? 1, Math.ceil(tokens / each)],
      );
    const combine = this.plan(
      'combine',
      { ...moment, SLOTS: slots },
      [parts, stats, place, attended, kind],
      ({ tokens }) => [heads, tokens],
    );
    const addThen = (weight: StoredTensor, next: StoredTensor) =>
      this.plan('normAdd', this.norm, [branch, weights(weight), x, weights(next), normed], ({ tokens }) => [tokens]);
    const middle = addThen(layer.attendedNorm, layer.mlpNorm);
    const end = addThen(layer.fedNorm, nextNorm);

    const [one, many] = await Promise.all([
      Promise.all([
        ...this.three([layer.q, layer.k, layer.v], normed, projected),
        ...[turn, attend(1), combine],
        ...[this.plain(layer.out, attended, branch), middle],
        ...[this.gated(layer, normed, active), this.plain(layer.down, active, branch), end],
      ]),
      Promise.all([
        ...beside([layer.q, layer.k, layer.v]).map(({ matrix, start, stride }) =>
          this.products(matrix, normed, projected, { start, stride }),
        ),
        ...[turn, attend(this.queries), combine],
        ...[this.products(layer.out, attended, branch), middle],
        ...[this.products(layer.gate, normed, active), this.products(layer.up, normed, active, { gated: true })],
        ...[this.products(layer.down, active, branch), end],
      ]),
    ]);
    return { one, many };
  }

  /** Queries, keys and values of one token: in one dispatch where GPUs have bindings for it. */
  private three(
    matrices: readonly [PackedMatrix, PackedMatrix, PackedMatrix],
    x: GPUBuffer,
    out: GPUBuffer,
  ): Promise<Dispatch>[] {
    const [q, k, v] = matrices;
    if (matrices.some(({ zeros }) => zeros))
      return beside(matrices).map(({ matrix, start }) => this.plain(matrix, x, out, start));
    const all = { ...q, rows: q.rows + k.rows + v.rows };
    const buffers = [x, out, ...matrices.flatMap((matrix) => this.matrix(matrix))];
    return [this.product('three', all, buffers, { N: q.rows, N_B: k.rows, N_C: v.rows })];
  }

  /** @param start where in `out` the rows begin */
  private plain(matrix: PackedMatrix, x: GPUBuffer, out: GPUBuffer, start = 0): Promise<Dispatch> {
    const name = matrix.zeros ? 'plainZeros' : 'plain';
    const buffers = [x, out, ...this.matrix(matrix), ...this.zeros(matrix)];
    return this.product(name, matrix, buffers, { N: matrix.rows, START: start });
  }

  private gated({ gate, up }: StoredLayer, x: GPUBuffer, out: GPUBuffer): Promise<Dispatch> {
    const name = gate.zeros ? 'gatedZeros' : 'gated';
    const buffers = [x, out, ...this.matrix(gate), ...this.matrix(up), ...this.zeros(gate), ...this.zeros(up)];
    return this.product(name, gate, buffers, { N: gate.rows });
  }

  private product(
    name: KernelName,
    { rows, columns }: Pick<PackedMatrix, 'rows' | 'columns'>,
    buffers: GPUBuffer[],
    sizes: Constants,
  ): Promise<Dispatch> {
    const { groups, ...shape } = productShape(rows, columns);
    return this.plan(name, { COLUMNS: columns, ...shape, ...sizes }, buffers, () => [groups]);
  }

  /** Of many tokens. */
  private products(matrix: PackedMatrix, x: GPUBuffer, out: GPUBuffer, how: Partial<ManyOut> = {}): Promise<Dispatch> {
    const shape = this.uniform(manyShape(matrix, { start: 0, stride: matrix.rows, gated: false, ...how }));
    const buffers = [x, out, ...this.matrix(matrix), shape, ...this.zeros(matrix)];
    return this.plan(matrix.zeros ? 'manyZeros' : 'many', {}, buffers, ({ tokens }) => [
      manyGroups(matrix.rows),
      Math.ceil(tokens / TOKENS),
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
    const made = { pipeline, bindings: now(), groups };
    if (typeof buffers === 'function')
      this.onCache.push(() => {
        made.bindings = now();
      });
    return made;
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
