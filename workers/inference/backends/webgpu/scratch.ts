/** What passes from kernel to kernel while tokens are read: buffers for as many tokens as are read at once. */
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import { GEMM_TOKENS } from './gemm-q4.ts';

export class Scratch {
  /** The residual stream, [tokens, hiddenSize], and what the next branch reads of it. */
  readonly x: GPUBuffer;
  readonly normed: GPUBuffer;
  /** Queries, keys and values, [tokens, (heads + 2 kvHeads) headDim]; and queries turned. */
  readonly projected: GPUBuffer;
  readonly queries: GPUBuffer;
  /** Of attention, [heads, slots, …]: see attend.wgsl. */
  readonly parts: GPUBuffer;
  readonly stats: GPUBuffer;
  readonly attended: GPUBuffer;
  /** A branch's output, [tokens, hiddenSize], and inside the MLP, [tokens, intermediateSize]. */
  readonly branch: GPUBuffer;
  readonly active: GPUBuffer;
  /** The normed row that logits are computed of. */
  readonly last: GPUBuffer;
  private readonly all: GPUBuffer[] = [];

  /** @param slots parts of all tokens' pasts */
  constructor(device: GPUDevice, { text }: Gemma3Config, tokens: number, slots: number) {
    const { hiddenSize, intermediateSize, heads, kvHeads, headDim } = text;
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
    const rows = Math.ceil(tokens / GEMM_TOKENS) * GEMM_TOKENS;
    const buffer = (label: string, floats: number, usage = 0) => {
      const made = device.createBuffer({ label: `kernels' ${label}`, size: 4 * floats, usage: STORAGE | usage });
      this.all.push(made);
      return made;
    };
    this.x = buffer('x', rows * hiddenSize, COPY_DST);
    this.normed = buffer('normed', rows * hiddenSize, COPY_SRC);
    this.projected = buffer('projected', rows * (heads + 2 * kvHeads) * headDim);
    this.queries = buffer('queries', rows * heads * headDim);
    this.parts = buffer('parts', heads * slots * headDim);
    this.stats = buffer('stats', heads * slots * 2);
    this.attended = buffer('attended', rows * heads * headDim);
    this.branch = buffer('branch', rows * hiddenSize);
    this.active = buffer('active', rows * intermediateSize);
    this.last = buffer('last', hiddenSize, COPY_DST);
  }

  dispose(): void {
    for (const buffer of this.all) buffer.destroy();
  }
}
