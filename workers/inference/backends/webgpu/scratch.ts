/** Activations that pass from kernel to kernel in a forward step: float32 buffers for as many tokens as a step may have. */
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import { GEMM_TOKENS } from './gemm-q4.ts';

/** The buffers of activations. */
export class Scratch {
  /** Residual stream and its norm, which is the next branch's input: [tokens, hiddenSize]. */
  readonly x: GPUBuffer;
  readonly normed: GPUBuffer;
  /** Projected queries, keys and values: [tokens, (heads + 2 kvHeads) headDim]. */
  readonly projected: GPUBuffer;
  /** Queries after RoPE: [tokens, heads, headDim]. */
  readonly queries: GPUBuffer;
  /** Results of attention's parts (kernels/attention.wgsl): [heads, partitions, headDim] and [heads, partitions, 2]. */
  readonly parts: GPUBuffer;
  readonly stats: GPUBuffer;
  /** Output of attention: [tokens, heads, headDim]. */
  readonly attentionOut: GPUBuffer;
  /** Output of a branch (attention or MLP): [tokens, hiddenSize]. */
  readonly branch: GPUBuffer;
  /** Activations inside the MLP: [tokens, intermediateSize]. */
  readonly active: GPUBuffer;
  /** Normed row that logits are computed from: [hiddenSize]. */
  readonly last: GPUBuffer;
  private readonly all: GPUBuffer[] = [];

  /**
   * @param device where the buffers are allocated
   * @param config the model's configuration
   * @param tokens largest number of tokens in a step
   * @param partitions split-KV partitions that the buffers can hold, summed over the tokens of a chunk
   */
  constructor(device: GPUDevice, { text }: Gemma3Config, tokens: number, partitions: number) {
    const { hiddenSize, intermediateSize, heads, kvHeads, headDim } = text;
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
    const rows = Math.ceil(tokens / GEMM_TOKENS) * GEMM_TOKENS;
    const buffer = (label: string, floats: number, usage = 0) => {
      const created = device.createBuffer({ label: `kernels' ${label}`, size: 4 * floats, usage: STORAGE | usage });
      this.all.push(created);
      return created;
    };
    this.x = buffer('x', rows * hiddenSize, COPY_DST);
    this.normed = buffer('normed', rows * hiddenSize, COPY_SRC);
    this.projected = buffer('projected', rows * (heads + 2 * kvHeads) * headDim);
    this.queries = buffer('queries', rows * heads * headDim);
    this.parts = buffer('parts', heads * partitions * headDim);
    this.stats = buffer('stats', heads * partitions * 2);
    this.attentionOut = buffer('attention output', rows * heads * headDim);
    this.branch = buffer('branch', rows * hiddenSize);
    this.active = buffer('active', rows * intermediateSize);
    this.last = buffer('last', hiddenSize, COPY_DST);
  }

  /** Destroys the buffers. */
  dispose(): void {
    for (const buffer of this.all) buffer.destroy();
  }
}
