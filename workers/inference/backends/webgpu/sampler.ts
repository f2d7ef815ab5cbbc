/**
 * The sampler for logits that are on the GPU: greedy decoding and a top_k of at most 128, which is what models ask for. It
 * chooses the ids that `sampling/sampler.ts` chooses. Four bytes come back for each token, the chosen id, and the id is also
 * in a buffer that the next step can read. Other settings are sampled on the CPU, as are more scores that tie with the kth
 * than there are threads, which is known only afterwards.
 */
import { EngineError } from '../../../../protocol/engine.ts';
import type { Sampling } from '../../../../protocol/sampling.ts';
import type { GpuLogits } from '../../backend-interface/logits.ts';
import { type Random, seededRandom } from '../../sampling/random.ts';
import { checkSampling } from '../../sampling/settings.ts';
import { minWeight, octavesPerUnit, toQ32 } from '../../sampling/fixed-point.ts';
import source from './kernels/sampler.wgsl?raw';

/** Threads of a workgroup, as in sampler.wgsl. */
const THREADS = 256;
/** Each candidate has a thread of its own; where scores tie with the kth there are more candidates than top_k. */
const MAX_TOP_K = THREADS / 2;
/** Logits of a workgroup at least, so that a small vocabulary takes few workgroups. */
const LOGITS_PER_PART = THREADS * 16;
/** Results of the kernels that are not ids, as in sampler.wgsl. */
const NOT_FINITE = 0xffffffff;
const TOO_MANY = 0xfffffffe;
/** Levels of the radix selection, and bins of each level's histogram. */
const LEVELS = 3;
const BINS = 2048;
/** Bytes of the structs in sampler.wgsl; a uniform's size is a multiple of 16. */
const SETTINGS_BYTES = 48;
const STATE_BYTES = 20;

/** A token that was chosen, or is being chosen. */
export interface Choice {
  /**
   * The chosen id; null where too many scores tie with the kth or no kernel chose: then `Sampler` has to choose. Rejects
   * with EngineError `internal` when a logit is not a finite number, and `device-lost`.
   */
  id: Promise<number | null>;
  /** Begins with the id (uint32, 0 behind it) until the next choice, for commands that are submitted meanwhile. */
  buffer: GPUBuffer;
}

/** Chooses the tokens of one answer: its random numbers go on from token to token. */
export interface GpuSampler {
  /** @param history ids of the prompt and of the answer so far, for repetition_penalty. */
  next(logits: GpuLogits, history: readonly number[]): Choice;
}

/** Samples the answers of a model, one at a time. */
export interface TokenSamplers {
  /** As GpuSamplers.begin. */
  begin(sampling: Sampling): Promise<GpuSampler | null>;
  dispose(): void;
}

type Kernel = 'count' | 'find' | 'collect' | 'draw' | 'best_of_part' | 'best_of_all';

/** The kernels that run one after another to choose a token; null for settings that are sampled on the CPU. */
function kernelsFor({ temperature, top_k: topK }: Sampling): Kernel[] | null {
  if (isGreedy(temperature)) return ['best_of_part', 'best_of_all'];
  if (topK === 0 || topK > MAX_TOP_K) return null;
  return [...Array.from({ length: LEVELS }, (): Kernel[] => ['count', 'find']).flat(), 'collect', 'draw'];
}
/** These kernels run with a workgroup for each part of the vocabulary, the others with one. */
const IN_PARTS: ReadonlySet<Kernel> = new Set(['best_of_part', 'count', 'collect']);

const isGreedy = (temperature: number): boolean => octavesPerUnit(temperature) === Infinity;

/** The sampler's kernels for vocabularies of any size, each compiled when settings first need it. */
export class SamplerPipelines {
  readonly layout: GPUBindGroupLayout;
  private readonly module: GPUShaderModule;
  private readonly compiled = new Map<Kernel, Promise<GPUComputePipeline>>();

  constructor(private readonly device: GPUDevice) {
    const types: GPUBufferBindingType[] = ['uniform', 'read-only-storage', ...new Array<'storage'>(5).fill('storage')];
    this.layout = device.createBindGroupLayout({
      entries: types.map((type, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } })),
    });
    this.module = device.createShaderModule({ code: source, label: 'sampler' });
  }

  /** Rejects with GPUPipelineError where the browser refuses the kernel. */
  get(kernel: Kernel): Promise<GPUComputePipeline> {
    const cached = this.compiled.get(kernel);
    if (cached) return cached;
    const { device, module } = this;
    const layout = device.createPipelineLayout({ bindGroupLayouts: [this.layout] });
    const compute = { module, entryPoint: kernel };
    const compiling = device.createComputePipelineAsync({ label: kernel, layout, compute });
    this.compiled.set(kernel, compiling);
    return compiling;
  }
}

interface Pass {
  pipeline: GPUComputePipeline;
  groups: number;
}

/** The buffers that all answers of a model share; one answer at a time is sampled. */
export class GpuSamplers implements TokenSamplers {
  private readonly parts: number;
  private readonly settings: GPUBuffer;
  /** A bit for each id: whether it is in the history. */
  private readonly seen: GPUBuffer;
  private readonly state: GPUBuffer;
  private readonly histogram: GPUBuffer;
  private readonly candidates: GPUBuffer;
  private readonly chosen: GPUBuffer;
  /** The content of `chosen` before a kernel writes it, so that the last token is not taken for a new one if none does. */
  private readonly undecided: GPUBuffer;
  private readonly staging: GPUBuffer;

  /** @param vocabSize number of logits of a position. */
  constructor(
    private readonly device: GPUDevice,
    private readonly pipelines: SamplerPipelines,
    private readonly vocabSize: number,
  ) {
    this.parts = Math.min(THREADS, Math.ceil(vocabSize / LOGITS_PER_PART));
    const { STORAGE, COPY_DST, COPY_SRC, UNIFORM, MAP_READ } = GPUBufferUsage;
    const buffer = (label: string, size: number, usage: number) => device.createBuffer({ label, size, usage });
    this.settings = buffer('sampler settings', SETTINGS_BYTES, UNIFORM | COPY_DST);
    this.seen = buffer('sampler seen', Math.ceil(vocabSize / 32) * 4, STORAGE | COPY_DST);
    this.state = buffer('sampler state', STATE_BYTES, STORAGE | COPY_DST);
    this.histogram = buffer('sampler histogram', LEVELS * BINS * 4, STORAGE | COPY_DST);
    // A key and an id for each thread of the last kernel.
    this.candidates = buffer('sampler candidates', THREADS * 8, STORAGE);
    // The id is followed by a 0, so that it is the same number when it is read as int64.
    this.chosen = buffer('sampler chosen', 8, STORAGE | COPY_SRC | COPY_DST);
    this.undecided = device.createBuffer({ size: 8, usage: COPY_SRC, mappedAtCreation: true });
    new Uint32Array(this.undecided.getMappedRange()).set([TOO_MANY]);
    this.undecided.unmap();
    this.staging = buffer('sampler staging', 4, MAP_READ | COPY_DST);
  }

  /**
   * Begins an answer.
   * @returns null for settings that are sampled on the CPU, and where the browser refuses a kernel: then `Sampler` chooses.
   * @throws EngineError `bad-request`
   */
  async begin(sampling: Sampling): Promise<GpuSampler | null> {
    checkSampling(sampling);
    const kernels = kernelsFor(sampling);
    if (!kernels) return null;
    const passes = await this.passesFor(kernels).catch((cause: unknown) => {
      if (!(cause instanceof GPUPipelineError)) throw cause;
      console.warn('Tokens are sampled on the CPU:', cause);
      return null;
    });
    if (!passes) return null;
    const random = seededRandom(sampling.seed);
    // The kernels mark the ids that they choose, so the history is written once, and again after a choice of the CPU.
    let marked = false;
    return {
      next: (logits, history) => {
        if (sampling.repetition_penalty !== 1 && !marked) this.markSeen(history);
        marked = true;
        const id = this.choose(sampling, passes, random, logits).then((chosen) => {
          marked = chosen !== null;
          return chosen;
        });
        return { id, buffer: this.chosen };
      },
    };
  }

  private passesFor(kernels: readonly Kernel[]): Promise<Pass[]> {
    return Promise.all(
      kernels.map(async (kernel) => ({
        pipeline: await this.pipelines.get(kernel),
        groups: IN_PARTS.has(kernel) ? this.parts : 1,
      })),
    );
  }

  private markSeen(history: readonly number[]): void {
    const words = new Uint32Array(Math.ceil(this.vocabSize / 32));
    for (const id of history) {
      if (id >= 0 && id < this.vocabSize) words[id >> 5] = (words[id >> 5] ?? 0) | (1 << (id & 31));
    }
    this.device.queue.writeBuffer(this.seen, 0, words);
  }

  /** Everything is submitted to the GPU before this function first waits. */
  private async choose(
    sampling: Sampling,
    passes: readonly Pass[],
    random: Random,
    logits: GpuLogits,
  ): Promise<number | null> {
    const { device, pipelines } = this;
    const greedy = isGreedy(sampling.temperature);
    this.writeSettings(sampling, greedy ? 0 : toQ32(random()), logits);
    const buffers = [
      ...[this.settings, logits.buffer, this.seen, this.state],
      ...[this.histogram, this.candidates, this.chosen],
    ];
    const bindings = device.createBindGroup({
      layout: pipelines.layout,
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    const encoder = device.createCommandEncoder();
    encoder.clearBuffer(this.state);
    encoder.copyBufferToBuffer(this.undecided, 0, this.chosen, 0, 8);
    if (!greedy) encoder.clearBuffer(this.histogram);
    const pass = encoder.beginComputePass({ label: 'sampler' });
    pass.setBindGroup(0, bindings);
    for (const { pipeline, groups } of passes) {
      pass.setPipeline(pipeline);
      pass.dispatchWorkgroups(groups);
    }
    pass.end();
    encoder.copyBufferToBuffer(this.chosen, 0, this.staging, 0, 4);
    device.queue.submit([encoder.finish()]);
    return this.readChosen();
  }

  /** @param random in 2^-32. */
  private writeSettings(sampling: Sampling, random: number, { offset, type }: GpuLogits): void {
    const { top_k, top_p, min_p, temperature, repetition_penalty } = sampling;
    const values = new DataView(new ArrayBuffer(SETTINGS_BYTES));
    const integers = [
      ...[this.vocabSize, offset, Number(type === 'float16'), top_k],
      ...[top_p < 1 ? Math.max(1, toQ32(top_p)) : 0, minWeight(min_p), random],
    ];
    integers.forEach((value, i) => values.setUint32(4 * i, value, true));
    values.setFloat32(28, octavesPerUnit(temperature), true);
    values.setFloat32(32, repetition_penalty, true);
    values.setUint32(36, this.parts, true);
    this.device.queue.writeBuffer(this.settings, 0, values);
  }

  private async readChosen(): Promise<number | null> {
    try {
      await this.staging.mapAsync(GPUMapMode.READ);
    } catch (cause) {
      throw new EngineError('device-lost', String(cause));
    }
    const id = new Uint32Array(this.staging.getMappedRange())[0] ?? NOT_FINITE;
    this.staging.unmap();
    if (id === NOT_FINITE) throw new EngineError('internal', 'the model gave logits that are not finite numbers');
    return id === TOO_MANY ? null : id;
  }

  dispose(): void {
    for (const buffer of [
      this.settings,
      this.seen,
      this.state,
      this.histogram,
      this.candidates,
      this.chosen,
      this.undecided,
      this.staging,
    ])
      buffer.destroy();
  }
}
