/**
 * Tokens through the whole decoder on the CPU, in WebAssembly of our own: over the 4-bit weights as they are stored, which
 * onnxruntime would unpack at each call, and over a KV cache in the same memory, which it would copy in and out.
 */
import { EngineError } from '../../../../protocol/engine.ts';
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import { RopeTables } from '../rope.ts';
import type { DecoderWeights } from '../../onnx/match-decoder.ts';
import {
  allocateKernelMemory,
  type ThreadJob,
  instantiateKernels,
  type KernelMemory,
  type WasmKernels,
} from './kernels.ts';
import { ACTIVE_THREADS, MAX_TOKENS } from './kernels/constants.ts';
import { type CacheSize, type MemoryPlan, planMemory, writeStructures } from './memory-plan.ts';
import { loadWeights } from './weights.ts';

export interface WasmDecoderOptions {
  model: DecoderWeights;
  config: Gemma3Config;
  /** Data files by the names the graph calls them. */
  files: ReadonlyMap<string, Blob>;
  cache: CacheSize;
  /** That compute; more than one share memory, which not every page may. */
  threads: number;
  signal?: AbortSignal | undefined;
}

/** What a picture's tokens are. */
export interface StepPicture {
  /** [tokens, hiddenSize] */
  features: Float32Array;
  /** They all see each other. */
  whole: boolean;
}

/** As in kernels/index.ts. */
const NO_TOKEN_ID = 2 ** 32 - 1;

export class WasmDecoder {
  private readonly kernels: WasmKernels;
  private readonly rope: RopeTables;
  private readonly threads: Worker[] = [];

  private constructor(
    private readonly plan: MemoryPlan,
    private readonly memory: KernelMemory,
    private readonly config: Gemma3Config,
    private readonly capacity: number,
  ) {
    this.kernels = instantiateKernels(memory);
    this.rope = new RopeTables(config);
  }

  /**
   * @returns null where there is not the memory, or the browser cannot compile the kernels
   * @throws EngineError `model-missing`, `model-damaged`, `aborted`; whatever reading a file throws
   */
  static async create(options: WasmDecoderOptions): Promise<WasmDecoder | null> {
    const { model, config, files, cache, threads, signal } = options;
    const plan = planMemory(model, config, cache, threads);
    if (!plan) return null;
    let memory: KernelMemory;
    try {
      memory = await allocateKernelMemory(plan.bytes, threads);
    } catch (cause) {
      if (!(cause instanceof RangeError || cause instanceof WebAssembly.CompileError)) throw cause;
      return null;
    }
    writeStructures(plan, memory.memory.buffer);
    await loadWeights(plan.weights, files, memory.memory.buffer, { signal });
    const step = new WasmDecoder(plan, memory, config, cache.capacity);
    for (let thread = 1; thread < threads; thread++) step.startThread(thread);
    return step;
  }

  private startThread(thread: number): void {
    const worker = new Worker(new URL('./worker-thread.ts', import.meta.url), {
      type: 'module',
      name: `wasm thread ${thread}`,
    });
    const job: ThreadJob = { ...this.memory, pool: this.plan.pool, thread };
    worker.postMessage(job);
    this.threads.push(worker);
  }

  /** Helpers that are there now. */
  get activeThreads(): number {
    return new Int32Array(this.memory.memory.buffer, this.plan.pool + ACTIVE_THREADS, 1)[0] ?? 0;
  }

  /** Where keys and values are kept: each [kvHeads, rows, headDim]. */
  slots(): Float32Array[] {
    const { kvHeads, headDim } = this.config.text;
    const { buffer } = this.memory.memory;
    return this.plan.cache.map(({ at, rows }) => new Float32Array(buffer, at, kvHeads * rows * headDim));
  }

  /** Tokens that can be read at once. */
  get maxTokens(): number {
    return this.plan.tokens;
  }

  /**
   * Reads tokens, no more than `maxTokens` and as many as the cache has room for; keys and values go into it.
   * @param position of the first
   * @param keep of how many of the last the logits are wanted
   * @param picture in place of the embeddings of all of them
   * @returns logits [keep, vocabSize]
   */
  forward(ids: readonly number[], position: number, keep: number, picture?: StepPicture): Float32Array {
    const count = ids.length;
    if (count === 0 || count > this.maxTokens || keep > count || position + count > this.capacity)
      throw new EngineError('internal', `${count} tokens at ${position}, ${keep} to be kept`);
    const { plan, rope, kernels } = this;
    const { vocabSize, hiddenSize } = this.config.text;
    const { buffer } = this.memory.memory;
    const words = (at: number) => new Uint32Array(buffer, at, count);
    if (picture) {
      new Float32Array(buffer, plan.x, count * hiddenSize).set(picture.features);
      words(plan.ids).fill(NO_TOKEN_ID);
    } else words(plan.ids).set(ids);
    words(plan.ends).set(ids.map((_, i) => position + (picture?.whole ? count : i + 1)));
    for (let i = 0; i < count; i++)
      new Float32Array(buffer, plan.rope + i * plan.ropeBytes, plan.ropeBytes / 4).set(rope.at(position + i));
    kernels.forward(plan.model, position, count);
    const logits = new Float32Array(keep * vocabSize);
    for (let row = 0; row < keep; row += MAX_TOKENS) {
      const rows = Math.min(MAX_TOKENS, keep - row);
      kernels.computeLogits(plan.model, count - keep + row, rows);
      logits.set(new Float32Array(buffer, plan.logits, rows * vocabSize), row * vocabSize);
    }
    return logits;
  }

  /** More than once is no more than once. */
  dispose(): void {
    this.kernels.stopThreads(this.plan.pool);
    for (const worker of this.threads.splice(0)) worker.terminate();
  }
}
