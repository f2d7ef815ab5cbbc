/** The WGSL kernels of a forward step: sources with their constants, compiled once for each set of constants. */
import attention from './kernels/attention.wgsl?raw';
import attentionCombine from './kernels/attention-combine.wgsl?raw';
import embedding from './kernels/embedding.wgsl?raw';
import addNorm from './kernels/add-norm.wgsl?raw';
import gelu from './kernels/gelu.wgsl?raw';
import stepParams from './kernels/step-params.wgsl?raw';
import rmsNorm from './kernels/rms-norm.wgsl?raw';
import geglu from './kernels/geglu.wgsl?raw';
import { gemmSource } from './gemm-q4.ts';
import gemvPlain from './kernels/gemv-q4-plain.wgsl?raw';
import qkv from './kernels/qkv.wgsl?raw';
import gemv from './kernels/gemv-q4.wgsl?raw';
import rope from './kernels/rope.wgsl?raw';

/** Zero point of a block of 4-bit weights: always 8 in a symmetric matrix. */
const symmetric = (matrix: 'a' | 'b'): string => `fn zero_${matrix}(row: u32, block: u32) -> f32 { return 8.0; }\n`;
/** Zero points as MatMulNBits stores them: uint8 [rows, ceil(blocks / 2)], the first in the lower four bits. */
const stored = (matrix: 'a' | 'b', binding: number, blocks = 'BLOCKS'): string => `
@group(0) @binding(${binding}) var<storage, read> zeros_${matrix}: array<u32>;
fn zero_${matrix}(row: u32, block: u32) -> f32 {
  let byte = row * ((${blocks} + 1u) / 2u) + block / 2u;
  return f32((zeros_${matrix}[byte / 4u] >> (byte % 4u * 8u + block % 2u * 4u)) & 15u);
}
`;

const SOURCES = {
  attention: stepParams + attention,
  attentionCombine: stepParams + attentionCombine,
  embedding: rmsNorm + symmetric('a') + embedding,
  embeddingZeros: rmsNorm + stored('a', 6) + embedding,
  addNorm: rmsNorm + addNorm,
  geglu: gemv + gelu + symmetric('a') + symmetric('b') + geglu,
  gegluZeros: gemv + gelu + stored('a', 6) + stored('b', 7) + geglu,
  gemv: gemv + symmetric('a') + gemvPlain,
  gemvZeros: gemv + stored('a', 4) + gemvPlain,
  qkv: gemv + qkv,
  gemm: gelu + symmetric('a') + gemmSource,
  gemmZeros: gelu + stored('a', 5, 'shape.blocks') + gemmSource,
  rope: stepParams + rope,
};
/** Name of a kernel; those ending in Zeros read zero points of their own. */
export type KernelName = keyof typeof SOURCES;

/** The source of all kernels: self-test verdicts hold for this text only. */
export const kernelText = Object.values(SOURCES).join('');

/** WGSL constants by name: numbers become u32, strings stay as they are (`float` gives f32 literals). */
export type Constants = Record<string, number | string>;

/**
 * An f32 literal.
 * @param value the number
 * @returns WGSL
 */
export const float = (value: number): string => `${value.toExponential()}f`;

const declare = (constants: Constants): string =>
  Object.entries(constants)
    .map(([name, value]) => `const ${name} = ${typeof value === 'number' ? `${value}u` : value};\n`)
    .join('');

/** Compiles kernels on a device. */
export class KernelPipelines {
  private readonly compiled = new Map<string, Promise<GPUComputePipeline>>();

  /** @param device where they run */
  constructor(private readonly device: GPUDevice) {}

  /**
   * Compiles a kernel, unless it was compiled with these constants before.
   * @param name the kernel
   * @param constants values of the constants that its source begins with
   * @returns the pipeline
   * @throws GPUPipelineError if the browser refuses the shader
   */
  get(name: KernelName, constants: Constants): Promise<GPUComputePipeline> {
    const code = declare(constants) + SOURCES[name];
    const existing = this.compiled.get(code);
    if (existing) return existing;
    const { device } = this;
    const module = device.createShaderModule({ code, label: name });
    const compute = { module, entryPoint: 'main' };
    const compiling = device.createComputePipelineAsync({ label: name, layout: 'auto', compute });
    this.compiled.set(code, compiling);
    return compiling;
  }
}

const GEMV_THREADS = 64;
const BLOCK = 32;
/** Workgroups that keep the cores of a GPU busy. */
const ENOUGH_GROUPS = 256;

/** How a matrix-vector product is distributed over threads. */
export interface GemvShape {
  /** Threads that share a row. */
  LANES: number;
  /** Rows that a thread processes at a time. */
  ROWS: number;
  /** Number of workgroups. */
  groups: number;
}

/**
 * Distributes a matrix-vector product: as many lanes as a row's blocks keep busy, since neighbours in memory are read
 * together, and as many rows for each thread as leave work for every core.
 * @param rows rows of the matrix
 * @param columns columns of the matrix, a multiple of 32
 * @returns the distribution
 */
export function gemvShape(rows: number, columns: number): GemvShape {
  const blocks = columns / BLOCK;
  const busy = (lanes: number) => blocks / (Math.ceil(blocks / lanes) * lanes);
  const LANES = [32, 16, 8].find((lanes) => busy(lanes) >= 0.8) ?? 4;
  const groups = (each: number) => Math.ceil(rows / ((GEMV_THREADS / LANES) * each));
  const ROWS = [4, 2].find((each) => groups(each) >= ENOUGH_GROUPS) ?? 1;
  return { LANES, ROWS, groups: groups(ROWS) };
}
