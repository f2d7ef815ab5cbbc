/**
 * A model's decoder in WebAssembly of our own: over the 4-bit weights as they are stored, which onnxruntime would unpack on
 * each call, and over a KV cache in the same memory, which onnxruntime would copy in and out.
 */
import { EngineError } from '../../../../protocol/engine.ts';
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import { RopeTables } from '../../math/rope.ts';
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

/** Model, files and sizes of a decoder. */
export interface WasmDecoderOptions {
  model: DecoderWeights;
  config: Gemma3Config;
  /** Weight files by the names that the graph refers to them by. */
  files: ReadonlyMap<string, Blob>;
  cache: CacheSize;
  /** Number of threads. More than one needs a cross-origin isolated page with SharedArrayBuffer. */
  threads: number;
  signal?: AbortSignal | undefined;
}

/** A picture whose features take the place of the tokens' embeddings. */
export interface PictureInput {
  /** float32 [tokens, hiddenSize] */
  features: Float32Array;
  /** True if its tokens attend to each other in both directions. */
  bidirectional: boolean;
}

/** Stands for the id of a token whose embedding is in place already; as in kernels/index.ts. */
const NO_TOKEN_ID = 2 ** 32 - 1;

/** The kernels, their memory with a model's weights and KV cache, and their threads. */
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
   * Allocates the memory, loads the weights and starts the threads.
   * @param options the model and where its weights are
   * @returns null if there is not enough memory, or the browser cannot compile the kernels
   * @throws EngineError `model-missing`, `model-damaged`, `aborted`; errors of reading a file
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

  /** Number of worker threads that run now; they start a while after `create`. */
  get activeThreads(): number {
    return new Int32Array(this.memory.memory.buffer, this.plan.pool + ACTIVE_THREADS, 1)[0] ?? 0;
  }

  /**
   * The KV cache's memory.
   * @returns keys and values of one layer after another: float32 [kvHeads, rows, headDim]
   */
  slots(): Float32Array[] {
    const { kvHeads, headDim } = this.config.text;
    const { buffer } = this.memory.memory;
    return this.plan.cache.map(({ address, rows }) => new Float32Array(buffer, address, kvHeads * rows * headDim));
  }

  /** Largest number of tokens in one forward pass. */
  get maxTokens(): number {
    return this.plan.tokens;
  }

  /**
   * Processes tokens; their keys and values are written to the KV cache.
   * @param ids token ids, at most `maxTokens`; ignored if there is a picture
   * @param position position of the first token
   * @param logitsToKeep number of last tokens whose logits are needed
   * @param picture features of all of the tokens
   * @returns logits: float32 [logitsToKeep, vocabSize]
   * @throws EngineError `internal` if the tokens do not fit
   */
  forward(ids: readonly number[], position: number, logitsToKeep: number, picture?: PictureInput): Float32Array {
    const count = ids.length;
    if (count === 0 || count > this.maxTokens || logitsToKeep > count || position + count > this.capacity)
      throw new EngineError('internal', `${count} tokens at ${position}, logits of ${logitsToKeep}`);
    const { plan, rope, kernels } = this;
    const { vocabSize, hiddenSize } = this.config.text;
    const { buffer } = this.memory.memory;
    const words = (address: number) => new Uint32Array(buffer, address, count);
    if (picture) {
      new Float32Array(buffer, plan.x, count * hiddenSize).set(picture.features);
      words(plan.ids).fill(NO_TOKEN_ID);
    } else words(plan.ids).set(ids);
    words(plan.attentionEnds).set(ids.map((_, i) => position + (picture?.bidirectional ? count : i + 1)));
    for (let i = 0; i < count; i++)
      new Float32Array(buffer, plan.rope + i * plan.ropeBytes, plan.ropeBytes / 4).set(rope.at(position + i));
    kernels.forward(plan.model, position, count);
    const logits = new Float32Array(logitsToKeep * vocabSize);
    for (let row = 0; row < logitsToKeep; row += MAX_TOKENS) {
      const rows = Math.min(MAX_TOKENS, logitsToKeep - row);
      kernels.computeLogits(plan.model, count - logitsToKeep + row, rows);
      logits.set(new Float32Array(buffer, plan.logits, rows * vocabSize), row * vocabSize);
    }
    return logits;
  }

  /** Ends the threads. Idempotent. */
  dispose(): void {
    this.kernels.stopThreads(this.plan.pool);
    for (const worker of this.threads.splice(0)) worker.terminate();
  }
}
