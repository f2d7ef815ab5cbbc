/**
 * Where things lie in the memory that the kernels work in: weights, the KV cache, what passes from kernel to kernel, and
 * the structures of wasm/layout.ts that say so.
 */
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import type { StoredTensor } from '../../onnx/graph.ts';
import type { PackedMatrix, StoredDecoder } from '../../onnx/match-decoder.ts';
import { KINDS } from '../rope.ts';

/** Tokens of text that go through the layers together at most; a picture's do all. As in wasm/attention.ts. */
export const MOST_TOKENS = 16;

const BLOCK = 32;
/** As in wasm/products.ts. */
const PACKED_BLOCK = 144;
/** As in wasm/products.ts: bytes that a thread computes in. */
const SCRATCH = 18496;
/** As in wasm/attention.ts: tokens in a part. */
const PART = 128;
/** As in wasm/pool.ts: what tickets can count, and threads that come for nothing. */
const MOST_CHUNKS = 65000;
/** What addresses can tell apart. */
const MOST_BYTES = 2 ** 32;
/** Nothing lies at 0, which stands for nothing. */
const FIRST = 1024;
const LINE = 64;
/** wasm/pool.ts: words that threads wait on follow the structure. */
const POOL_BYTES = 512;
/** Of these, the number of helpers that are there. */
export const HELPING = 448;

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
  /** float32 [tokens, turnsBytes / 4] */
  turns: number;
  turnsBytes: number;
  /** float32 [MOST_TOKENS, vocabSize] */
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

  room(bytes: number): number {
    const at = this.bytes;
    this.bytes = Math.ceil((at + bytes) / LINE) * LINE;
    return at;
  }

  floats = (count: number): number => this.room(4 * count);

  structure(words: readonly Word[], bytes = 4 * words.length): number {
    const at = this.room(bytes);
    this.structures.set(at, words);
    return at;
  }

  /** Tensors over the same bytes share a place. */
  weight(tensor: StoredTensor): number {
    const { data } = tensor;
    const key = data instanceof Uint8Array ? data : `${data.file}:${data.offset}:${data.length}`;
    let at = this.known.get(key);
    if (at === undefined) {
      at = this.room(data instanceof Uint8Array ? data.length : (data.length ?? 0));
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
  { layers, finalNorm, head, embedding }: StoredDecoder,
  { text, vision }: Gemma3Config,
  { capacity, slack }: CacheSize,
  threads: number,
): MemoryPlan | null {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim, vocabSize } = text;
  const mostParts = Math.ceil(capacity / PART);
  if (headDim % 16 !== 0 || MOST_TOKENS * kvHeads * mostParts > MOST_CHUNKS) return null;
  const plan = new Planner();
  const { floats } = plan;
  const tokens = Math.max(MOST_TOKENS, vision?.tokensPerImage ?? 0);
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
    const rope = KINDS.indexOf(layer.window === null ? 'full_attention' : 'sliding_attention');
    const { inputNorm, qNorm, kNorm, attendedNorm, mlpNorm, fedNorm, q, k, v, out, gate, up, down } = layer;
    const rows = rowsOf(layer.window);
    return [
      ...[cached(rows), cached(rows), rows, layer.window ?? 0, rope * tableBytes],
      ...[inputNorm, qNorm, kNorm, attendedNorm, mlpNorm, fedNorm].map((norm) => plan.weight(norm)),
      ...[q, k, v, out, gate, up, down].map((matrix) => plan.matrix(matrix)),
    ];
  });
  const wide = Math.max(hiddenSize, (heads + 2 * kvHeads) * headDim, 2 * intermediateSize);
  const packedBytes = (Math.max(hiddenSize, heads * headDim, intermediateSize) / BLOCK) * PACKED_BLOCK;
  const turnsBytes = KINDS.length * tableBytes;
  const each = (count: number) => floats(tokens * count);
  const some = (count: number) => floats(MOST_TOKENS * count);

  const pool = plan.structure([threads - 1], POOL_BYTES);
  const ids = each(1);
  const ends = each(1);
  const turns = plan.room(tokens * turnsBytes);
  const x = each(hiddenSize);
  const logits = some(vocabSize);
  const model = plan.structure([
    ...[hiddenSize, intermediateSize, heads, kvHeads, headDim],
    { float: text.rmsNormEps },
    { float: text.queryPreAttnScalar ** -0.5 },
    { float: Math.fround(Math.sqrt(hiddenSize)) },
    ...[layers.length, plan.structure(layerWords), plan.matrix(embedding), plan.matrix(head), plan.weight(finalNorm)],
    ...[pool, ids, ends, turns, turnsBytes],
    ...[x, each(hiddenSize), each(wide), 4 * wide],
    ...[plan.room(tokens * packedBytes), packedBytes, plan.room(tokens * packedBytes)],
    ...[each(heads * headDim), some(heads * mostParts * headDim), some(heads * mostParts * 2), mostParts],
    ...[logits, plan.room(threads * SCRATCH), SCRATCH],
  ]);
  const { bytes, weights, structures } = plan;
  if (bytes > MOST_BYTES) return null;
  return { bytes, model, pool, tokens, ids, ends, x, turns, turnsBytes, logits, cache, weights, structures };
}

/** Writes the structures. */
export function writeStructures({ structures }: MemoryPlan, memory: ArrayBufferLike): void {
  const view = new DataView(memory);
  for (const [start, words] of structures)
    for (const [i, word] of words.entries())
      if (typeof word === 'number') view.setUint32(start + 4 * i, word, true);
      else view.setFloat32(start + 4 * i, word.float, true);
}
