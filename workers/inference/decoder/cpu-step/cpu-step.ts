/**
 * Tokens through the whole decoder on the CPU, in WebAssembly of our own: over the 4-bit weights as they are stored, which
 * onnxruntime would unpack at each call, and over a KV cache in the same memory, which it would copy in and out.
 */
import { EngineError } from '../../../../protocol/engine.ts';
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import { Turns } from '../step/turns.ts';
import type { StepModel } from '../step/step-model.ts';
import { allocateKernels, type HelperJob, instantiate, type KernelMemory, type Kernels } from './kernels.ts';
import { HELPING, type MemoryPlan, MOST_TOKENS, planMemory, writeStructures } from './memory-plan.ts';
import { loadWeights } from './weights.ts';

export interface CpuStepOptions {
  model: StepModel;
  config: Gemma3Config;
  /** Data files by the names the graph calls them. */
  files: ReadonlyMap<string, Blob>;
  /** Tokens that the cache has room for. */
  capacity: number;
  /** That compute; more than one share memory, which not every page may. */
  threads: number;
  signal?: AbortSignal | undefined;
}

export class CpuStep {
  private readonly kernels: Kernels;
  private readonly turns: Turns;
  private readonly helpers: Worker[] = [];

  private constructor(
    private readonly plan: MemoryPlan,
    private readonly memory: KernelMemory,
    private readonly config: Gemma3Config,
    private readonly capacity: number,
  ) {
    this.kernels = instantiate(memory);
    this.turns = new Turns(config);
  }

  /**
   * @returns null where there is not the memory, or the browser cannot compile the kernels
   * @throws EngineError `model-missing`, `model-damaged`, `aborted`; whatever reading a file throws
   */
  static async create(options: CpuStepOptions): Promise<CpuStep | null> {
    const { model, config, files, capacity, threads, signal } = options;
    const plan = planMemory(model, config, capacity, threads);
    if (!plan) return null;
    let memory: KernelMemory;
    try {
      memory = await allocateKernels(plan.bytes, threads);
    } catch (cause) {
      if (!(cause instanceof RangeError || cause instanceof WebAssembly.CompileError)) throw cause;
      return null;
    }
    writeStructures(plan, memory.memory.buffer);
    await loadWeights(plan.weights, files, memory.memory.buffer, { signal });
    const step = new CpuStep(plan, memory, config, capacity);
    for (let thread = 1; thread < threads; thread++) step.startHelper(thread);
    return step;
  }

  private startHelper(thread: number): void {
    const helper = new Worker(new URL('./helper.ts', import.meta.url), { type: 'module', name: `step ${thread}` });
    const job: HelperJob = { ...this.memory, pool: this.plan.pool, thread };
    helper.postMessage(job);
    this.helpers.push(helper);
  }

  /** Helpers that are there now. */
  get helping(): number {
    return new Int32Array(this.memory.memory.buffer, this.plan.pool + HELPING, 1)[0] ?? 0;
  }

  /** Memory that it takes. */
  get bytes(): number {
    return this.plan.bytes;
  }

  /** What the cache holds of an input: [kvHeads, capacity, headDim], of which the tokens read so far count. */
  rows(past: string): Float32Array {
    const at = this.plan.cache.get(past);
    if (at === undefined) throw new EngineError('internal', `the step has no ${past}`);
    const { kvHeads, headDim } = this.config.text;
    return new Float32Array(this.memory.memory.buffer, at, kvHeads * this.capacity * headDim);
  }

  /**
   * Reads tokens, of which there may be MOST_TOKENS and as many as the cache has room for; keys and values go into it.
   * @param position of the first
   * @param keep of how many of the last the logits are wanted
   * @returns logits [keep, vocabSize], until the next call
   */
  read(ids: readonly number[], position: number, keep: number): Float32Array {
    if (ids.length === 0 || ids.length > MOST_TOKENS || keep > ids.length || position + ids.length > this.capacity)
      throw new EngineError('internal', `${ids.length} tokens at ${position}, ${keep} to be kept`);
    const { plan, turns } = this;
    const { buffer } = this.memory.memory;
    new Uint32Array(buffer, plan.ids, ids.length).set(ids);
    for (let i = 0; i < ids.length; i++)
      new Float32Array(buffer, plan.turns + i * plan.turnsBytes, plan.turnsBytes / 4).set(turns.at(position + i));
    this.kernels.read(plan.model, position, ids.length, keep);
    return new Float32Array(buffer, plan.logits, keep * this.config.text.vocabSize);
  }

  dispose(): void {
    this.kernels.stop(this.plan.pool);
    for (const helper of this.helpers) helper.terminate();
  }
}
