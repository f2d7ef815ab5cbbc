/** The kernels (wasm/), compiled for a memory of one thread's or for one that threads share. */
import { plain, shared } from './kernels/index.ts?assembly';

/** kernels/index.ts */
export interface WasmKernels {
  forward(model: number, position: number, tokens: number): void;
  computeLogits(model: number, first: number, count: number): void;
  runThread(pool: number, thread: number): void;
  stopThreads(pool: number): void;
}

const PAGE = 65536;

export interface KernelMemory {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
}

/** Sent to a helper. */
export interface ThreadJob extends KernelMemory {
  pool: number;
  thread: number;
}

/** @throws RangeError where there is no such memory; WebAssembly.CompileError where the browser lacks SIMD */
export async function allocateKernelMemory(bytes: number, threads: number): Promise<KernelMemory> {
  const binary = Uint8Array.from(atob(threads > 1 ? shared : plain), (char) => char.charCodeAt(0));
  const module = await WebAssembly.compile(binary);
  const pages = Math.ceil(bytes / PAGE);
  const limits = { initial: pages, maximum: pages };
  return { module, memory: new WebAssembly.Memory(threads > 1 ? { ...limits, shared: true } : limits) };
}

export const instantiateKernels = ({ module, memory }: KernelMemory): WasmKernels =>
  new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as WasmKernels;
