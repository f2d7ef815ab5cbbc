/** The AssemblyScript kernels (kernels/), compiled for a memory of one thread or for one that threads share. */
import { plain, shared } from './kernels/index.ts?assembly';

/** Exports of kernels/index.ts. Addresses are in bytes. */
export interface WasmKernels {
  /** Runs the layers on tokens whose ids, attention ends and RoPE tables are in memory. */
  forward(model: number, position: number, tokens: number): void;
  /** Computes the logits of `count` tokens of the last forward pass, from `first` on. */
  computeLogits(model: number, first: number, count: number): void;
  /** Takes part in the pool's jobs until `stopThreads`. */
  runThread(pool: number, thread: number): void;
  /** Makes `runThread` return in all threads. */
  stopThreads(pool: number): void;
}

const PAGE_BYTES = 65536;

/** Compiled kernels with the memory that they work in. */
export interface KernelMemory {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
}

/** Message that starts a worker thread. */
export interface ThreadJob extends KernelMemory {
  /** Address of the pool. */
  pool: number;
  /** Number of the thread, from 1 on. */
  thread: number;
}

/**
 * Compiles the kernels and allocates their memory.
 * @param bytes size of the memory
 * @param threads number of threads; with more than one the memory is shared
 * @returns module and memory
 * @throws RangeError if the memory cannot be allocated; WebAssembly.CompileError if the browser lacks SIMD
 */
export async function allocateKernelMemory(bytes: number, threads: number): Promise<KernelMemory> {
  const binary = Uint8Array.from(atob(threads > 1 ? shared : plain), (char) => char.charCodeAt(0));
  const module = await WebAssembly.compile(binary);
  const pages = Math.ceil(bytes / PAGE_BYTES);
  const limits = { initial: pages, maximum: pages };
  return { module, memory: new WebAssembly.Memory(threads > 1 ? { ...limits, shared: true } : limits) };
}

/**
 * Instantiates the kernels in this thread.
 * @param memory module and memory
 * @returns the kernels' functions
 */
export const instantiateKernels = ({ module, memory }: KernelMemory): WasmKernels =>
  new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as WasmKernels;
