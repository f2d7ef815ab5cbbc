/**
 * The sampler for logits that are on the GPU: four bytes come back for each token, the chosen id, and the id is also in a
 * buffer that the next step can read. It chooses what `sampler.ts` chooses. Only more scores that tie with the kth of a
 * small top_k than it has room for it leaves to the CPU, and says so afterwards.
 */
import { EngineError, type Sampling } from '../../../../protocol/engine.ts';
import type { GpuLogits } from '../logits.ts';
import { type Random, seededRandom } from '../../sampling/random.ts';
import { checkSampling } from '../../sampling/settings.ts';
import { fraction, leastWeight, octavesAScore } from '../../sampling/weights.ts';
import source from './kernels/sampler.wgsl?raw';

const THREADS = 256;
/** Candidates have one thread each; with ties there may be more than top_k. Beyond, all scores are looked at anew. */
const SMALL_TOP_K = THREADS / 2;
/** Each thread looks at some logits, and what the parts hold fits one workgroup. */
const LOGITS_A_PART = THREADS * 16;
const NOT_FINITE = 0xffffffff;
const TOO_MANY = 0xfffffffe;
/** Of both selections by digits: how many digits, and the sizes of their histograms. */
const DIGITS = 3;
const COUNTS = 2048;
const MASSES = 2 * 512;
const SETTINGS = 48;
const STATE = 48;

/** A token that was chosen, or is being. */
export interface Choice {
  /**
   * Null where too many scores tie with the kth, or none was chosen: `Sampler` can choose among them.
   * @throws EngineError `internal` when a logit is not a finite number; `device-lost`
   */
  id: Promise<number | null>;
  /** Begins with the id, until the next choice: what is submitted meanwhile can read it there. */
  buffer: GPUBuffer;
}

/** One for each answer: its random numbers go on from token to token. */
export interface GpuSampler {
  /** @param history ids of the prompt and of the answer so far, for repetition_penalty. */
  next(logits: GpuLogits, history: readonly number[]): Choice;
}

type Kernel =
  'count' | 'find' | 'collect' | 'draw' | 'best_of_part' | 'best_of_all' | 'weigh' | 'cut' | 'tally' | 'pick';

/** What runs one after another to choose a token. */
function kernelsFor({ temperature, top_k: topK, top_p: topP }: Sampling, vocabSize: number): Kernel[] {
  const best: Kernel[] = ['best_of_part', 'best_of_all'];
  if (isGreedy(temperature)) return best;
  const select = (add: Kernel, find: Kernel) => Array.from({ length: DIGITS }, () => [add, find]).flat();
  const hasTopK = topK > 0 && topK < vocabSize;
  const kth = hasTopK ? select('count', 'find') : [];
  if (hasTopK && topK <= SMALL_TOP_K) return [...kth, 'collect', 'draw'];
  return [...best, ...kth, ...(topP < 1 ? select('weigh', 'cut') : []), 'tally', 'pick'];
}
/** Of these there is a workgroup for each part of the vocabulary, of others one. */
const IN_PARTS: ReadonlySet<Kernel> = new Set(['best_of_part', 'count', 'collect', 'weigh', 'tally']);

const isGreedy = (temperature: number): boolean => octavesAScore(temperature) === Infinity;

/** The sampler's kernels for vocabularies of any size, each compiled when settings first ask for it. */
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

  /** @throws GPUPipelineError where the browser refuses the kernel */
  get(kernel: Kernel): Promise<GPUComputePipeline> {
    const known = this.compiled.get(kernel);
    if (known) return known;
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

/** What is on the GPU for all answers of a model; one answer at a time. */
export class GpuSamplers {
  private readonly parts: number;
  private readonly settings: GPUBuffer;
  private readonly seen: GPUBuffer;
  private readonly state: GPUBuffer;
  private readonly histogram: GPUBuffer;
  private readonly candidates: GPUBuffer;
  private readonly chosen: GPUBuffer;
  /** What `chosen` is before a kernel writes it: should none do so, the last token is not taken for a new one. */
  private readonly undecided: GPUBuffer;
  private readonly staging: GPUBuffer;

  constructor(
    private readonly device: GPUDevice,
    private readonly pipelines: SamplerPipelines,
    private readonly vocabSize: number,
  ) {
    this.parts = Math.min(THREADS, Math.ceil(vocabSize / LOGITS_A_PART));
    const { STORAGE, COPY_DST, COPY_SRC, UNIFORM, MAP_READ } = GPUBufferUsage;
    const buffer = (label: string, size: number, usage: number) => device.createBuffer({ label, size, usage });
    this.settings = buffer('sampler settings', SETTINGS, UNIFORM | COPY_DST);
    this.seen = buffer('sampler seen', Math.ceil(vocabSize / 32) * 4, STORAGE | COPY_DST);
    this.state = buffer('sampler state', STATE, STORAGE | COPY_DST);
    this.histogram = buffer('sampler histogram', DIGITS * (COUNTS + MASSES) * 4, STORAGE | COPY_DST);
    // Two for what each part holds.
    this.candidates = buffer('sampler candidates', THREADS * 2 * 8, STORAGE);
    // Twice as long as an id: read as int64 it is the same number.
    this.chosen = buffer('sampler chosen', 8, STORAGE | COPY_SRC | COPY_DST);
    this.undecided = device.createBuffer({ size: 8, usage: COPY_SRC, mappedAtCreation: true });
    new Uint32Array(this.undecided.getMappedRange()).set([TOO_MANY]);
    this.undecided.unmap();
    this.staging = buffer('sampler staging', 4, MAP_READ | COPY_DST);
  }

  /** For one answer; null where the browser refuses a kernel: `Sampler` can do it. @throws EngineError `bad-request` */
  async begin(sampling: Sampling): Promise<GpuSampler | null> {
    checkSampling(sampling);
    const passes = await this.passesFor(sampling).catch((cause: unknown) => {
      if (!(cause instanceof GPUPipelineError)) throw cause;
      console.warn('tokens are chosen on the CPU:', cause);
      return null;
    });
    if (!passes) return null;
    const random = seededRandom(sampling.seed);
    /** What the GPU has marked itself need not be sent. */
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

  private passesFor(sampling: Sampling): Promise<Pass[]> {
    return Promise.all(
      kernelsFor(sampling, this.vocabSize).map(async (kernel) => ({
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

  /** All that is asked of the GPU is submitted before this returns. */
  private async choose(
    sampling: Sampling,
    passes: readonly Pass[],
    random: Random,
    logits: GpuLogits,
  ): Promise<number | null> {
    const { device, pipelines } = this;
    const greedy = isGreedy(sampling.temperature);
    this.writeSettings(sampling, greedy, random, logits);
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

  private writeSettings(sampling: Sampling, greedy: boolean, random: Random, { first, type }: GpuLogits): void {
    const { top_k, top_p, min_p, temperature, repetition_penalty } = sampling;
    const values = new DataView(new ArrayBuffer(SETTINGS));
    const integers = [
      ...[this.vocabSize, first, Number(type === 'float16'), Number(greedy), top_k],
      ...[top_p < 1 ? Math.max(1, fraction(top_p)) : 0, leastWeight(min_p), greedy ? 0 : fraction(random())],
    ];
    integers.forEach((value, i) => values.setUint32(4 * i, value, true));
    values.setFloat32(32, octavesAScore(temperature), true);
    values.setFloat32(36, repetition_penalty, true);
    values.setUint32(40, this.parts, true);
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
