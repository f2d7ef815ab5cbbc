/**
 * Addresses of everything in the memory that the kernels work in: weights, the KV cache, activations that pass from kernel to
 * kernel, and the structures of kernels/layout.ts, which refer to them.
 */
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import type { StoredTensor } from '../../onnx/graph.ts';
import { type DecoderWeights, type PackedMatrix, weightsOf } from '../../onnx/match-decoder.ts';
import { LAYER_TYPES } from '../../math/rope.ts';
import { BLOCK, MAX_TOKENS, PACKED_BLOCK, PART, POOL_BYTES, SCRATCH } from './kernels/constants.ts';

/** Largest number of chunks in a job, which the pool counts in 16 bits. */
const MAX_CHUNKS = 65000;
/** Address space of 32-bit WebAssembly. */
const MAX_BYTES = 2 ** 32;
/** First address in use: 0 means null. */
const FIRST_ADDRESS = 1024;
/** Everything is aligned to cache lines. */
const ALIGNMENT = 64;

/** Keys or values of a layer, float32 [kvHeads, rows, headDim]. */
export interface PlannedSlot {
  address: number;
  rows: number;
}

/** How much of a text the cache keeps. */
export interface CacheSize {
  /** Tokens of context. */
  capacity: number;
  /**
   * Rows of sliding-window layers beyond their window, at least, if the context is as long. A text can be truncated by so
   * many tokens and go on without being processed again.
   */
  slack: number;
}

/** Addresses in bytes, and sizes. */
export interface MemoryPlan {
  /** Size of the memory. */
  bytes: number;
  /** Address of the Model structure. */
  model: number;
  /** Address of the Pool structure. */
  pool: number;
  /** Largest number of tokens in one forward pass. */
  tokens: number;
  /** Token ids: uint32 [tokens] */
  ids: number;
  /** Position after the last token that each token attends to: uint32 [tokens] */
  attentionEnds: number;
  /** Embeddings, then hidden states: float32 [tokens, hiddenSize] */
  x: number;
  /** RoPE tables: float32 [tokens, ropeBytes / 4] */
  rope: number;
  ropeBytes: number;
  /** float32 [MAX_TOKENS, vocabSize] */
  logits: number;
  /** Keys and values of one layer after another. */
  cache: readonly PlannedSlot[];
  /** Weights by their addresses. */
  weights: ReadonlyMap<number, StoredTensor>;
  /** The structures' words, by the structures' addresses. */
  structures: ReadonlyMap<number, readonly Word[]>;
}

/** An int32 or an address; or a float32. */
type Word = number | { float: number };

class Planner {
  bytes = FIRST_ADDRESS;
  readonly weights = new Map<number, StoredTensor>();
  readonly structures = new Map<number, readonly Word[]>();
  private readonly addresses = new Map<string | Uint8Array, number>();

  allocate(bytes: number): number {
    const address = this.bytes;
    this.bytes = Math.ceil((address + bytes) / ALIGNMENT) * ALIGNMENT;
    return address;
  }

  floats = (count: number): number => this.allocate(4 * count);

  structure(words: readonly Word[], bytes = 4 * words.length): number {
    const address = this.allocate(bytes);
    this.structures.set(address, words);
    return address;
  }

  /** Tensors over the same bytes share an address. */
  weight(tensor: StoredTensor): number {
    const { data } = tensor;
    const key = data instanceof Uint8Array ? data : `${data.file}:${data.offset}:${data.length}`;
    let address = this.addresses.get(key);
    if (address === undefined) {
      address = this.allocate(data.length ?? 0);
      this.addresses.set(key, address);
      this.weights.set(address, tensor);
    }
    return address;
  }

  matrix({ values, scales, zeros, rows, columns }: PackedMatrix): number {
    const blocks = columns / BLOCK;
    return this.structure([
      ...[this.weight(values), this.weight(scales), zeros ? this.weight(zeros) : 0],
      ...[rows, blocks],
    ]);
  }
}

/**
 * Plans the memory of a decoder.
 * @param weights the model's weights
 * @param config the model's configuration
 * @param size size of the KV cache
 * @param threads number of threads that compute
 * @returns null if the kernels cannot run the model: it needs more than 4 GiB, or a head's size is not a multiple of 16, or a
 *   weight's length is unknown
 */
export function planMemory(
  weights: DecoderWeights,
  { text, vision }: Gemma3Config,
  { capacity, slack }: CacheSize,
  threads: number,
): MemoryPlan | null {
  const { layers, finalNorm, head, embedding } = weights;
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim, vocabSize } = text;
  const maxParts = Math.ceil(capacity / PART);
  if (headDim % 16 !== 0 || MAX_TOKENS * kvHeads * maxParts > MAX_CHUNKS) return null;
  if (weightsOf(weights).some(({ data }) => !data.length)) return null;
  const plan = new Planner();
  const { floats } = plan;
  const tokens = Math.max(MAX_TOKENS, vision?.tokensPerImage ?? 0);
  const cache: PlannedSlot[] = [];
  const cached = (rows: number) => {
    const address = floats(kvHeads * rows * headDim);
    cache.push({ address, rows });
    return address;
  };
  const rowsOf = (window: number | null) =>
    window === null ? capacity : Math.min(capacity, Math.ceil((window + Math.max(slack, tokens)) / PART) * PART);
  const tableBytes = 4 * headDim;
  const layerWords = layers.flatMap((layer): Word[] => {
    const ropeTable = LAYER_TYPES.indexOf(layer.window === null ? 'full_attention' : 'sliding_attention');
    const {
      inputNorm,
      qNorm,
      kNorm,
      postAttentionNorm,
      preFeedforwardNorm,
      postFeedforwardNorm,
      q,
      k,
      v,
      out,
      gate,
      up,
      down,
    } = layer;
    const rows = rowsOf(layer.window);
    return [
      ...[cached(rows), cached(rows), rows, layer.window ?? 0, ropeTable * tableBytes],
      ...[inputNorm, qNorm, kNorm, postAttentionNorm, preFeedforwardNorm, postFeedforwardNorm].map((norm) =>
        plan.weight(norm),
      ),
      ...[q, k, v, out, gate, up, down].map((matrix) => plan.matrix(matrix)),
    ];
  });
  const wide = Math.max(hiddenSize, (heads + 2 * kvHeads) * headDim, 2 * intermediateSize);
  const packedBytes = (Math.max(hiddenSize, heads * headDim, intermediateSize) / BLOCK) * PACKED_BLOCK;
  const ropeBytes = LAYER_TYPES.length * tableBytes;
  const perToken = (count: number) => floats(tokens * count);
  const perTextToken = (count: number) => floats(MAX_TOKENS * count);

  const pool = plan.structure([threads - 1], POOL_BYTES);
  const ids = perToken(1);
  const attentionEnds = perToken(1);
  const rope = plan.allocate(tokens * ropeBytes);
  const x = perToken(hiddenSize);
  const logits = perTextToken(vocabSize);
  const model = plan.structure([
    ...[hiddenSize, intermediateSize, heads, kvHeads, headDim],
    { float: text.rmsNormEps },
    { float: text.queryPreAttnScalar ** -0.5 },
    { float: Math.fround(Math.sqrt(hiddenSize)) },
    ...[layers.length, plan.structure(layerWords), plan.matrix(embedding), plan.matrix(head), plan.weight(finalNorm)],
    ...[pool, ids, attentionEnds, rope, ropeBytes],
    ...[x, perToken(hiddenSize), perToken(wide), 4 * wide],
    ...[plan.allocate(tokens * packedBytes), packedBytes, plan.allocate(tokens * packedBytes)],
    ...[
      perToken(heads * headDim),
      perTextToken(heads * maxParts * headDim),
      perTextToken(heads * maxParts * 2),
      maxParts,
    ],
    ...[logits, plan.allocate(threads * SCRATCH), SCRATCH],
  ]);
  const { bytes, structures } = plan;
  if (bytes > MAX_BYTES) return null;
  return {
    bytes,
    model,
    pool,
    tokens,
    ids,
    attentionEnds,
    x,
    rope,
    ropeBytes,
    logits,
    cache,
    weights: plan.weights,
    structures,
  };
}

/**
 * Writes the structures that the kernels read.
 * @param plan the memory's plan
 * @param memory the memory, which is zero
 */
export function writeStructures({ structures }: MemoryPlan, memory: ArrayBufferLike): void {
  const view = new DataView(memory);
  for (const [start, words] of structures)
    for (const [i, word] of words.entries())
      if (typeof word === 'number') view.setUint32(start + 4 * i, word, true);
      else view.setFloat32(start + 4 * i, word.float, true);
}
