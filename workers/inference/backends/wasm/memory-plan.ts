/**
 * Where things lie in the memory that the kernels work in: weights, the KV cache, what passes from kernel to kernel, and
 * the structures of kernels/layout.ts that say so.
 */
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import type { StoredTensor } from '../../onnx/graph.ts';
import type { PackedMatrix, DecoderWeights } from '../../onnx/match-decoder.ts';
import { LAYER_TYPES } from '../rope.ts';
import { BLOCK, MAX_TOKENS, PACKED_BLOCK, PART, POOL_BYTES, SCRATCH } from './kernels/constants.ts';

/** Chunks of a job, at most: the pool counts chunks and idle threads in 16 bits of a ticket. */
const MAX_CHUNKS = 65000;
/** What addresses can tell apart. */
const MAX_BYTES = 2 ** 32;
/** Nothing lies at 0, which stands for nothing. */
const FIRST = 1024;
const LINE = 64;

/** float32 [kvHeads, rows, headDim] at an address. */
export interface PlannedSlot {
  at: number;
  rows: number;
}

export interface CacheSize {
  /** Tokens of context. */
  capacity: number;
  /** Rows that sliding layers have beyond their window, at least, if the context is as long: for steps back. */
  slack: number;
}

export interface MemoryPlan {
  /** In all. */
  bytes: number;
  /** Addresses of the structures. */
  model: number;
  pool: number;
  /** Tokens that there is room for at once. */
  tokens: number;
  /** uint32 [tokens] */
  ids: number;
  ends: number;
  /** float32 [tokens, hiddenSize] */
  x: number;
  /** float32 [tokens, ropeBytes / 4] */
  rope: number;
  ropeBytes: number;
  /** float32 [MAX_TOKENS, vocabSize] */
  logits: number;
  /** Keys and values, of one layer after another. */
  cache: readonly PlannedSlot[];
  weights: ReadonlyMap<number, StoredTensor>;
  /** The structures' words, by their addresses. */
  structures: ReadonlyMap<number, readonly Word[]>;
}

/** A whole number or an address; or a float. */
type Word = number | { float: number };

class Planner {
  bytes = FIRST;
  readonly weights = new Map<number, StoredTensor>();
  readonly structures = new Map<number, readonly Word[]>();
  private readonly known = new Map<string | Uint8Array, number>();

  allocate(bytes: number): number {
    const at = this.bytes;
    this.bytes = Math.ceil((at + bytes) / LINE) * LINE;
    return at;
  }

  floats = (count: number): number => this.allocate(4 * count);

  structure(words: readonly Word[], bytes = 4 * words.length): number {
    const at = this.allocate(bytes);
    this.structures.set(at, words);
    return at;
  }

  /** Tensors over the same bytes share a place. */
  weight(tensor: StoredTensor): number {
    const { data } = tensor;
    const key = data instanceof Uint8Array ? data : `${data.file}:${data.offset}:${data.length}`;
    let at = this.known.get(key);
    if (at === undefined) {
      at = this.allocate(data instanceof Uint8Array ? data.length : (data.length ?? 0));
      this.known.set(key, at);
      this.weights.set(at, tensor);
    }
    return at;
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
 * @param threads that compute
 * @returns null where WebAssembly could not hold it, or a head's values are not those of a whole number of vectors
 */
export function planMemory(
  { layers, finalNorm, head, embedding }: DecoderWeights,
  { text, vision }: Gemma3Config,
  { capacity, slack }: CacheSize,
  threads: number,
): MemoryPlan | null {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim, vocabSize } = text;
  const maxParts = Math.ceil(capacity / PART);
  if (headDim % 16 !== 0 || MAX_TOKENS * kvHeads * maxParts > MAX_CHUNKS) return null;
  const plan = new Planner();
  const { floats } = plan;
  const tokens = Math.max(MAX_TOKENS, vision?.tokensPerImage ?? 0);
  const cache: PlannedSlot[] = [];
  const cached = (rows: number) => {
    const at = floats(kvHeads * rows * headDim);
    cache.push({ at, rows });
    return at;
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
  const each = (count: number) => floats(tokens * count);
  const some = (count: number) => floats(MAX_TOKENS * count);

  const pool = plan.structure([threads - 1], POOL_BYTES);
  const ids = each(1);
  const ends = each(1);
  const rope = plan.allocate(tokens * ropeBytes);
  const x = each(hiddenSize);
  const logits = some(vocabSize);
  const model = plan.structure([
    ...[hiddenSize, intermediateSize, heads, kvHeads, headDim],
    { float: text.rmsNormEps },
    { float: text.queryPreAttnScalar ** -0.5 },
    { float: Math.fround(Math.sqrt(hiddenSize)) },
    ...[layers.length, plan.structure(layerWords), plan.matrix(embedding), plan.matrix(head), plan.weight(finalNorm)],
    ...[pool, ids, ends, rope, ropeBytes],
    ...[x, each(hiddenSize), each(wide), 4 * wide],
    ...[plan.allocate(tokens * packedBytes), packedBytes, plan.allocate(tokens * packedBytes)],
    ...[each(heads * headDim), some(heads * maxParts * headDim), some(heads * maxParts * 2), maxParts],
    ...[logits, plan.allocate(threads * SCRATCH), SCRATCH],
  ]);
  const { bytes, weights, structures } = plan;
  if (bytes > MAX_BYTES) return null;
  return { bytes, model, pool, tokens, ids, ends, x, rope, ropeBytes, logits, cache, weights, structures };
}

/** Writes the structures. */
export function writeStructures({ structures }: MemoryPlan, memory: ArrayBufferLike): void {
  const view = new DataView(memory);
  for (const [start, words] of structures)
    for (const [i, word] of words.entries())
      if (typeof word === 'number') view.setUint32(start + 4 * i, word, true);
      else view.setFloat32(start + 4 * i, word.float, true);
}
