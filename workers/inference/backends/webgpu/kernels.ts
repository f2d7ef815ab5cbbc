/** The decode step's kernels: WGSL with its constants, compiled once for each set of them. */
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

/** What stands for 0 in a row's block of 4-bit weights: 8 in a symmetric matrix. */
const symmetric = (matrix: 'a' | 'b'): string => `fn zero_${matrix}(row: u32, block: u32) -> f32 { return 8.0; }\n`;
/** As MatMulNBits keeps them: uint8 [rows, ceil(blocks / 2)], the first in the lower half. */
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
export type KernelName = keyof typeof SOURCES;

/** All that the kernels are made of: a change of it is another engine. */
export const kernelText = Object.values(SOURCES).join('');

/** Whole numbers become u32, others f32: a fraction, or `float(1)`. */
export type Constants = Record<string, number | string>;
export const float = (value: number): string => `${value.toExponential()}f`;

const declare = (constants: Constants): string =>
  Object.entries(constants)
    .map(([name, value]) => `const ${name} = ${typeof value === 'number' ? `${value}u` : value};\n`)
    .join('');

export class Kernels {
  private readonly compiled = new Map<string, Promise<GPUComputePipeline>>();

  constructor(private readonly device: GPUDevice) {}

  /** @throws GPUPipelineError where the browser refuses the shader */
  get(name: KernelName, constants: Constants): Promise<GPUComputePipeline> {
    const code = declare(constants) + SOURCES[name];
    const known = this.compiled.get(code);
    if (known) return known;
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
/** Fewer workgroups leave a GPU's cores without work. */
const ENOUGH_GROUPS = 256;

export interface GemvShape {
  /** Threads that share a row. */
  LANES: number;
  /** Rows that a thread works on at a time. */
  ROWS: number;
  /** Workgroups for all rows. */
  groups: number;
}

/**
 * How a product is shared out: as many lanes as a row's blocks keep busy (neighbours in memory are read together), and as
 * many rows a thread as leave work for every core.
 */
export function gemvShape(rows: number, columns: number): GemvShape {
  const blocks = columns / BLOCK;
  const busy = (lanes: number) => blocks / (Math.ceil(blocks / lanes) * lanes);
  const LANES = [32, 16, 8].find((lanes) => busy(lanes) >= 0.8) ?? 4;
  const groups = (each: number) => Math.ceil(rows / ((GEMV_THREADS / LANES) * each));
  const ROWS = [4, 2].find((each) => groups(each) >= ENOUGH_GROUPS) ?? 1;
  return { LANES, ROWS, groups: groups(ROWS) };
}
