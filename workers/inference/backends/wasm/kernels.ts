/** The kernels (wasm/), compiled for a memory of one thread's or for one that threads share. */
import { plain, shared } from './kernels/index.ts?assembly';

/** kernels/index.ts */
export interface Kernels {
  read(model: number, position: number, tokens: number): void;
  logitsOf(model: number, first: number, count: number): void;
  help(pool: number, thread: number): void;
  stop(pool: number): void;
}

const PAGE = 65536;

export interface KernelMemory {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
}

/** Sent to a helper. */
export interface HelperJob extends KernelMemory {
  pool: number;
  thread: number;
}

/** @throws RangeError where there is no such memory; WebAssembly.CompileError where the browser lacks SIMD */
export async function allocateKernels(bytes: number, threads: number): Promise<KernelMemory> {
  const binary = Uint8Array.from(atob(threads > 1 ? shared : plain), (char) => char.charCodeAt(0));
  const module = await WebAssembly.compile(binary);
  const pages = Math.ceil(bytes / PAGE);
  const limits = { initial: pages, maximum: pages };
  return { module, memory: new WebAssembly.Memory(threads > 1 ? { ...limits, shared: true } : limits) };
}

export const instantiate = ({ module, memory }: KernelMemory): Kernels =>
  new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
