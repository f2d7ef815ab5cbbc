/**
 * The sampler for logits that are on the GPU: four bytes come back for each token, the chosen id, and the id is also in a
 * buffer that the next step can read. It chooses what `sampler.ts` chooses. Only more scores that tie with the kth of a
 * small top_k than it has room for it leaves to the CPU, and says so afterwards.
 */
import { EngineError, type Sampling } from '../../../../protocol/engine.ts';
import type { GpuLogits } from '../../decoder/logits.ts';
import { type Random, seededRandom } from '../random.ts';
import { checkSampling } from '../settings.ts';
import { fraction, leastWeight, octavesAScore } from '../weights.ts';
import source from './sampler.wgsl?raw';

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
   * Null where too many scores tie with the kth: `Sampler` can choose among them.
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

export interface SamplerPipelines {
  layout: GPUBindGroupLayout;
  count: GPUComputePipeline;
  find: GPUComputePipeline;
  collect: GPUComputePipeline;
  draw: GPUComputePipeline;
  bestOfPart: GPUComputePipeline;
  bestOfAll: GPUComputePipeline;
  weigh: GPUComputePipeline;
  cut: GPUComputePipeline;
  tally: GPUComputePipeline;
  pick: GPUComputePipeline;
}

/** For vocabularies of any size. @throws GPUPipelineError where the browser refuses a kernel */
export async function compileSampler(device: GPUDevice): Promise<SamplerPipelines> {
  const types: GPUBufferBindingType[] = ['uniform', 'read-only-storage', ...new Array<'storage'>(5).fill('storage')];
  const layout = device.createBindGroupLayout({
    entries: types.map((type, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } })),
  });
  const module = device.createShaderModule({ code: source, label: 'sampler' });
  const pipelineLayout = device.createPipelineLayout({ bindGroupLayouts: [layout] });
  const pipeline = (entryPoint: string) =>
    device.createComputePipelineAsync({
      label: entryPoint,
      layout: pipelineLayout,
      compute: { module, entryPoint },
    });
  const [count, find, collect, draw, bestOfPart, bestOfAll, weigh, cut, tally, pick] = await Promise.all([
    pipeline('count'),
    pipeline('find'),
    pipeline('collect'),
    pipeline('draw'),
    pipeline('best_of_part'),
    pipeline('best_of_all'),
    pipeline('weigh'),
    pipeline('cut'),
    pipeline('tally'),
    pipeline('pick'),
  ]);
  return { layout, count, find, collect, draw, bestOfPart, bestOfAll, weigh, cut, tally, pick };
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
    this.chosen = buffer('sampler chosen', 8, STORAGE | COPY_SRC);
    this.staging = buffer('sampler staging', 4, MAP_READ | COPY_DST);
  }

  /** For one answer. @throws EngineError `bad-request` */
  begin(sampling: Sampling): GpuSampler {
    checkSampling(sampling);
    const random = seededRandom(sampling.seed);
    /** What the GPU has marked itself need not be sent. */
    let marked = false;
    return {
      next: (logits, history) => {
        if (sampling.repetition_penalty !== 1 && !marked) this.markSeen(history);
        marked = true;
        const id = this.choose(sampling, random, logits).then((chosen) => {
          marked = chosen !== null;
          return chosen;
        });
        return { id, buffer: this.chosen };
      },
    };
  }

  private markSeen(history: readonly number[]): void {
    const words = new Uint32Array(Math.ceil(this.vocabSize / 32));
    for (const id of history) {
      if (id >= 0 && id < this.vocabSize) words[id >> 5] = (words[id >> 5] ?? 0) | (1 << (id & 31));
    }
    this.device.queue.writeBuffer(this.seen, 0, words);
  }

  /** All that is asked of the GPU is submitted before this returns. */
  private async choose(sampling: Sampling, random: Random, logits: GpuLogits): Promise<number | null> {
    const { device, pipelines, parts } = this;
    const { top_k: topK, top_p: topP } = sampling;
    const greedy = octavesAScore(sampling.temperature) === Infinity;
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
    if (!greedy) encoder.clearBuffer(this.histogram);
    const pass = encoder.beginComputePass({ label: 'sampler' });
    pass.setBindGroup(0, bindings);
    const run = (pipeline: GPUComputePipeline, groups: number) => {
      pass.setPipeline(pipeline);
      pass.dispatchWorkgroups(groups);
    };
    const select = (add: GPUComputePipeline, find: GPUComputePipeline) => {
      for (let digit = 0; digit < DIGITS; digit++) {
        run(add, parts);
        run(find, 1);
      }
    };
    const hasTopK = topK > 0 && topK < this.vocabSize;
    const few = hasTopK && topK <= SMALL_TOP_K;
    if (greedy || !few) {
      run(pipelines.bestOfPart, parts);
      run(pipelines.bestOfAll, 1);
    }
    if (!greedy) {
      if (hasTopK) select(pipelines.count, pipelines.find);
      if (!few && topP < 1) select(pipelines.weigh, pipelines.cut);
      run(few ? pipelines.collect : pipelines.tally, parts);
      run(few ? pipelines.draw : pipelines.pick, 1);
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
      this.staging,
    ])
      buffer.destroy();
  }
}
