/**
 * The sampler for logits that are on the GPU: four bytes come back for each token, the chosen id, and the id is also in a
 * buffer that the next step can read. The same filters as `sampler.ts`, in 32-bit floats; what it cannot do (sampling from
 * the whole vocabulary) it says in advance, and more candidates than it can sort (scores that tie) it says afterwards.
 */
import { EngineError, type Sampling } from '../../../../protocol/engine.ts';
import type { GpuLogits } from '../../decoder/logits.ts';
import { type Random, seededRandom } from '../random.ts';
import { checkSampling } from '../settings.ts';
import source from './sampler.wgsl?raw';

/** Candidates that the shader can sort; with ties there may be more than top_k. */
const ROOM = 1024;
const THREADS = 256;
/** Each thread looks at some logits, and the parts' best ones fit one workgroup. */
const LOGITS_A_PART = THREADS * 16;
const NOT_FINITE = 0xffffffff;
const TOO_MANY = 0xfffffffe;
const LEVELS = 3;
const BINS = 2048;

/** Also where the temperature is so low that its inverse is no number. */
const isGreedy = ({ temperature }: Sampling): boolean => 1 / temperature === Infinity;

/** A token that was chosen, or is being. */
export interface Choice {
  /**
   * Null where too many scores tie to be sorted on the GPU: `Sampler` can choose among them.
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
  const [count, find, collect, draw, bestOfPart, bestOfAll] = await Promise.all([
    pipeline('count'),
    pipeline('find'),
    pipeline('collect'),
    pipeline('draw'),
    pipeline('best_of_part'),
    pipeline('best_of_all'),
  ]);
  return { layout, count, find, collect, draw, bestOfPart, bestOfAll };
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
    this.settings = buffer('sampler settings', 48, UNIFORM | COPY_DST);
    this.seen = buffer('sampler seen', Math.ceil(vocabSize / 32) * 4, STORAGE | COPY_DST);
    this.state = buffer('sampler state', 20, STORAGE | COPY_DST);
    this.histogram = buffer('sampler histogram', LEVELS * BINS * 4, STORAGE | COPY_DST);
    this.candidates = buffer('sampler candidates', ROOM * 8, STORAGE);
    // Twice as long as an id: read as int64 it is the same number.
    this.chosen = buffer('sampler chosen', 8, STORAGE | COPY_SRC);
    this.staging = buffer('sampler staging', 4, MAP_READ | COPY_DST);
  }

  /** Whether an answer with these settings can be sampled here. Greedy can, and top_k up to what can be sorted. */
  can(sampling: Sampling): boolean {
    const { top_k } = sampling;
    return isGreedy(sampling) || (top_k > 0 && top_k <= ROOM / 2 && top_k < this.vocabSize);
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
    const greedy = isGreedy(sampling);
    this.writeSettings(sampling, greedy ? 0 : random(), logits);
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
    if (greedy) {
      run(pipelines.bestOfPart, parts);
      run(pipelines.bestOfAll, 1);
    } else {
      for (let level = 0; level < LEVELS; level++) {
        run(pipelines.count, parts);
        run(pipelines.find, 1);
      }
      run(pipelines.collect, parts);
      run(pipelines.draw, 1);
    }
    pass.end();
    encoder.copyBufferToBuffer(this.chosen, 0, this.staging, 0, 4);
    device.queue.submit([encoder.finish()]);
    return this.readChosen();
  }

  private writeSettings(sampling: Sampling, random: number, { first, type }: GpuLogits): void {
    const values = new DataView(new ArrayBuffer(48));
    const integers = [this.vocabSize, first, type === 'float16' ? 1 : 0, sampling.top_k];
    const temperature = sampling.temperature > 0 ? 1 / sampling.temperature : 0;
    const floats = [temperature, sampling.top_p, sampling.min_p, sampling.repetition_penalty, random];
    integers.forEach((value, i) => values.setUint32(4 * i, value, true));
    floats.forEach((value, i) => values.setFloat32(16 + 4 * i, value, true));
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
      this.staging,
    ])
      buffer.destroy();
  }
}
