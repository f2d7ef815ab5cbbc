/**
 * One generated token through the whole decoder in WGSL of our own, over the same weights and the same cache that
 * onnxruntime reads prompts with: nine dispatches a layer in one submission, two small writes, nothing allocated. The
 * sliding layers look at their window only, and the token's id may be one that only the GPU knows yet.
 */
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import type { StoredTensor } from '../../model/onnx-graph.ts';
import { type Constants, float, type KernelName, Kernels, productShape } from './kernels.ts';
import type { PackedMatrix, StepLayer, StepModel } from './step-model.ts';
import { ROPE_TABLES, Turns } from './turns.ts';

export interface DecodeStepOptions {
  device: GPUDevice;
  model: StepModel;
  config: Gemma3Config;
  /** Weights on the GPU. */
  weights: (tensor: StoredTensor) => GPUBuffer;
  /** Tokens that the cache has room for. */
  capacity: number;
}

/** The cache's buffers, float32 [kvHeads, capacity, headDim], by their inputs' names. */
type CacheBuffers = (name: string) => GPUBuffer;

/** A kernel's turn in a step, for whatever cache. */
interface Plan {
  pipeline: GPUComputePipeline;
  buffers: (cache: CacheBuffers) => GPUBuffer[];
  groups: number;
  /** Attention goes over parts, whose number depends on where it is. */
  window?: number | null;
}

interface Dispatch extends Omit<Plan, 'buffers'> {
  bindings: GPUBindGroup;
}

/** Tokens of the cache that a workgroup looks at together, and into how many parts the past is cut at most. */
const TILE = 32;
const MOST_PARTS = 64;
/** Of the position, before the tables (turn.wgsl). */
const POSITION_BYTES = 16;

/** As in span.wgsl. */
export function partsOf(position: number, window: number | null): number {
  const tokens = Math.min(position + 1, window ?? Infinity);
  const length = Math.ceil(Math.ceil(tokens / MOST_PARTS) / TILE) * TILE;
  return Math.ceil(tokens / length);
}

/** For kernels that don't look at the cache. */
const noCache: CacheBuffers = (name) => {
  throw new Error(`${name} is not connected`);
};

/** What passes from kernel to kernel. */
interface Scratch {
  x: GPUBuffer;
  normed: GPUBuffer;
  projected: GPUBuffer;
  queries: GPUBuffer;
  parts: GPUBuffer;
  stats: GPUBuffer;
  attended: GPUBuffer;
  branch: GPUBuffer;
  active: GPUBuffer;
}

export class DecodeStep {
  /** Written in turn: the next step may run before this one's logits are looked at. */
  private readonly logits: readonly [GPUBuffer, GPUBuffer];
  private readonly own: GPUBuffer;
  private readonly moment: GPUBuffer;
  private readonly scratch: Scratch;
  private readonly turns: Turns;
  private readonly embeddings = new WeakMap<GPUBuffer, GPUBindGroup>();
  private embed!: GPUComputePipeline;
  private plans: readonly Plan[] = [];
  private layers: readonly Dispatch[] = [];
  private heads: readonly Dispatch[] = [];
  private next = 0;

  private constructor(private readonly options: DecodeStepOptions) {
    const { device, config } = options;
    const { hiddenSize, intermediateSize, heads, kvHeads, headDim, vocabSize } = config.text;
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
    const buffer = (label: string, floats: number, usage = STORAGE) =>
      device.createBuffer({ label: `step ${label}`, size: 4 * floats, usage });
    this.turns = new Turns(config);
    this.logits = [buffer('logits', vocabSize, STORAGE | COPY_SRC), buffer('logits', vocabSize, STORAGE | COPY_SRC)];
    this.own = buffer('token', 1, STORAGE | COPY_DST);
    this.moment = buffer('moment', (POSITION_BYTES + this.turns.byteLength) / 4, STORAGE | COPY_DST);
    this.scratch = {
      x: buffer('x', hiddenSize),
      normed: buffer('normed', hiddenSize),
      projected: buffer('projected', (heads + 2 * kvHeads) * headDim),
      queries: buffer('queries', heads * headDim),
      parts: buffer('parts', heads * MOST_PARTS * headDim),
      stats: buffer('stats', heads * MOST_PARTS * 2),
      attended: buffer('attended', heads * headDim),
      branch: buffer('branch', hiddenSize),
      active: buffer('active', intermediateSize),
    };
  }

  /** Ready to be connected. @throws GPUPipelineError where the browser refuses a kernel */
  static async compile(options: DecodeStepOptions): Promise<DecodeStep> {
    const step = new DecodeStep(options);
    try {
      await step.compileAll();
      return step;
    } catch (cause) {
      step.dispose();
      throw cause;
    }
  }

  /** Steps read and write this cache from now on: before the first of them. */
  connect(cache: CacheBuffers): void {
    this.layers = this.plans.map((plan) => this.ready(plan, cache));
  }

  private ready({ pipeline, buffers, ...rest }: Plan, cache: CacheBuffers): Dispatch {
    return { ...rest, pipeline, bindings: this.bind(pipeline, buffers(cache)) };
  }

  private async compileAll(): Promise<void> {
    const { model, config } = this.options;
    const { scratch } = this;
    const { hiddenSize, rmsNormEps, vocabSize } = config.text;
    const kernels = new Kernels(this.options.device);
    const norm = { SIZE: hiddenSize, EPSILON: float(rmsNormEps) };
    this.embed = await kernels.get(model.embedding.zeros ? 'embedZeros' : 'embed', {
      ...norm,
      VOCABULARY: vocabSize,
      BLOCKS: hiddenSize / 32,
      FACTOR: float(Math.fround(Math.sqrt(hiddenSize))),
    });

    const layers = await Promise.all(
      model.layers.map((layer, i) => {
        const after = model.layers[i + 1]?.inputNorm ?? model.finalNorm;
        return this.layer(kernels, layer, norm, after);
      }),
    );
    this.plans = layers.flat();
    this.heads = await Promise.all(
      this.logits.map(async (logits) => {
        const { pipeline, groups, buffers } = await this.plain(kernels, model.head, scratch.normed, logits);
        return { pipeline, groups, bindings: this.bind(pipeline, buffers(noCache)) };
      }),
    );
  }

  private async layer(kernels: Kernels, layer: StepLayer, norm: Constants, nextNorm: StoredTensor): Promise<Plan[]> {
    const { config, weights, capacity } = this.options;
    const { heads, kvHeads, headDim, rmsNormEps, queryPreAttnScalar } = config.text;
    const { window } = layer;
    const { x, normed, projected, queries, parts, stats, attended, branch, active } = this.scratch;
    const { moment } = this;
    const attention = { DIM: headDim, HEADS: heads, KV_HEADS: kvHeads, CAPACITY: capacity };
    const span = { ...attention, WINDOW: window ?? 0, TILE, MOST_PARTS };
    const addThen = (weight: StoredTensor, next: StoredTensor) =>
      this.plan(kernels, 'normAdd', norm, () => [branch, weights(weight), x, weights(next), normed], 1);

    return Promise.all([
      ...this.three(kernels, [layer.q, layer.k, layer.v]),
      this.plan(
        kernels,
        'turn',
        {
          ...attention,
          EPSILON: float(rmsNormEps),
          SCALE: float(Math.fround(queryPreAttnScalar ** -0.5)),
          ROPE: ROPE_TABLES.indexOf(window === null ? 'full_attention' : 'sliding_attention'),
        },
        (cache) => [
          ...[projected, weights(layer.qNorm), weights(layer.kNorm), moment, queries],
          ...[cache(layer.key), cache(layer.value)],
        ],
        heads + 2 * kvHeads,
      ),
      this.plan(
        kernels,
        'attend',
        span,
        (cache) => [queries, cache(layer.key), cache(layer.value), moment, parts, stats],
        kvHeads,
      ).then((attend) => ({ ...attend, window })),
      this.plan(kernels, 'combine', span, () => [parts, stats, moment, attended], heads),
      this.plain(kernels, layer.out, attended, branch),
      addThen(layer.attendedNorm, layer.mlpNorm),
      this.gated(kernels, layer, normed, active),
      this.plain(kernels, layer.down, active, branch),
      addThen(layer.fedNorm, nextNorm),
    ]);
  }

  /** Queries, keys and values: in one dispatch where GPUs have bindings for it. */
  private three(kernels: Kernels, matrices: readonly [PackedMatrix, PackedMatrix, PackedMatrix]): Promise<Plan>[] {
    const { normed, projected } = this.scratch;
    const [q, k, v] = matrices;
    if (matrices.some(({ zeros }) => zeros))
      return matrices.map((matrix, i) => {
        const start = matrices.slice(0, i).reduce((sum, { rows }) => sum + rows, 0);
        return this.plain(kernels, matrix, normed, projected, start);
      });
    const all = { ...q, rows: q.rows + k.rows + v.rows };
    const buffers = [normed, projected, ...matrices.flatMap((matrix) => this.matrix(matrix))];
    return [this.product(kernels, 'three', all, buffers, { N: q.rows, N_B: k.rows, N_C: v.rows })];
  }

  /** @param start where in `out` the rows begin */
  private plain(kernels: Kernels, matrix: PackedMatrix, x: GPUBuffer, out: GPUBuffer, start = 0): Promise<Plan> {
    const name = matrix.zeros ? 'plainZeros' : 'plain';
    const buffers = [x, out, ...this.matrix(matrix), ...this.zeros(matrix)];
    return this.product(kernels, name, matrix, buffers, { N: matrix.rows, START: start });
  }

  private gated(kernels: Kernels, { gate, up }: StepLayer, x: GPUBuffer, out: GPUBuffer): Promise<Plan> {
    const name = gate.zeros ? 'gatedZeros' : 'gated';
    const buffers = [x, out, ...this.matrix(gate), ...this.matrix(up), ...this.zeros(gate), ...this.zeros(up)];
    return this.product(kernels, name, gate, buffers, { N: gate.rows });
  }

  private matrix({ values, scales }: PackedMatrix): GPUBuffer[] {
    const { weights } = this.options;
    return [weights(values), weights(scales)];
  }

  private zeros({ zeros }: PackedMatrix): GPUBuffer[] {
    return zeros ? [this.options.weights(zeros)] : [];
  }

  private product(
    kernels: Kernels,
    name: KernelName,
    { rows, columns }: Pick<PackedMatrix, 'rows' | 'columns'>,
    buffers: GPUBuffer[],
    sizes: Constants,
  ): Promise<Plan> {
    const { groups, ...shape } = productShape(rows, columns);
    return this.plan(kernels, name, { COLUMNS: columns, ...shape, ...sizes }, () => buffers, groups);
  }

  private async plan(
    kernels: Kernels,
    name: KernelName,
    constants: Constants,
    buffers: (cache: CacheBuffers) => GPUBuffer[],
    groups: number,
  ): Promise<Plan> {
    return { pipeline: await kernels.get(name, constants), buffers, groups };
  }

  private bind(pipeline: GPUComputePipeline, buffers: GPUBuffer[]): GPUBindGroup {
    return this.options.device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
  }

  /** The embedding reads the id from `token`. */
  private embedding(token: GPUBuffer): GPUBindGroup {
    const { model, weights } = this.options;
    const { x, normed } = this.scratch;
    const known = this.embeddings.get(token);
    if (known) return known;
    const [first] = model.layers;
    const norm = weights((first ?? { inputNorm: model.finalNorm }).inputNorm);
    const { embedding } = model;
    const buffers = [token, ...this.matrix(embedding), x, norm, normed, ...this.zeros(embedding)];
    const bindings = this.bind(this.embed, buffers);
    this.embeddings.set(token, bindings);
    return bindings;
  }

  /**
   * Submits the step that reads one token at `position`, which must be within the cache; keys and values go into it.
   * @param id the token's, or a buffer that begins with it
   * @returns logits float32 [vocabSize], until the step after the next is submitted
   */
  run(id: number | GPUBuffer, position: number): GPUBuffer {
    const { device } = this.options;
    const { queue } = device;
    const token = typeof id === 'number' ? this.own : id;
    if (typeof id === 'number') queue.writeBuffer(this.own, 0, Uint32Array.of(id));
    const turns = this.turns.at(position);
    const moment = new Uint8Array(POSITION_BYTES + turns.byteLength);
    new Uint32Array(moment.buffer, 0, 1)[0] = position;
    moment.set(new Uint8Array(turns.buffer), POSITION_BYTES);
    queue.writeBuffer(this.moment, 0, moment);

    const encoder = device.createCommandEncoder({ label: 'step' });
    const pass = encoder.beginComputePass({ label: 'step' });
    pass.setPipeline(this.embed);
    pass.setBindGroup(0, this.embedding(token));
    pass.dispatchWorkgroups(1);
    const which = this.next;
    this.next = 1 - which;
    const head = this.heads[which];
    for (const { pipeline, bindings, groups, window } of head ? [...this.layers, head] : this.layers) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindings);
      pass.dispatchWorkgroups(groups, window === undefined ? 1 : partsOf(position, window));
    }
    pass.end();
    queue.submit([encoder.finish()]);
    return this.logits[which] as GPUBuffer;
  }

  dispose(): void {
    for (const buffer of [...this.logits, this.own, this.moment, ...Object.values(this.scratch)])
      (buffer as GPUBuffer).destroy();
  }
}
