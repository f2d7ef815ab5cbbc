/**
 * Byte-pair encoding (Sennrich, Haddow and Birch, 2016) over flat tables: the `model` of a tokenizer.json of 33 MB becomes
 * 12 MB that need no parsing. The result is that of the `tokenizers` library: the pair with the lowest rank is merged first,
 * the leftmost among equals; a character that is not a token falls back to its bytes.
 */
import { EngineError } from '../../../protocol/engine.ts';
import { isObject, type JsonObject } from '../../../protocol/json.ts';

export interface BpeTables {
  /** The UTF-8 of all tokens, one after another, by id; an id without a token has no bytes. */
  texts: Uint8Array<ArrayBuffer>;
  /** [size + 1]: where each token begins in `texts`. */
  offsets: Uint32Array<ArrayBuffer>;
  /** [merges, 3], by rank: left id, right id, merged id. */
  merges: Int32Array<ArrayBuffer>;
  /** [256]: ids of the byte tokens; empty for a vocabulary without byte fallback. */
  byteIds: readonly number[];
  /** The id for characters that the vocabulary cannot express. */
  unknownId: number | null;
}

const unsupported = (why: string) => new EngineError('model-unsupported', `tokenizer.json: ${why}`);

/**
 * Makes tables of a tokenizer's model.
 * @param model the `model` of a tokenizer.json.
 * @returns the tables
 * @throws EngineError `model-unsupported` where it is not of Gemma 3's kind
 */
export function bpeTables(model: JsonObject): BpeTables {
  const { vocab, merges } = model;
  if (!isObject(vocab)) throw unsupported('its model has no vocabulary of texts and ids');
  if (model['type'] !== undefined && model['type'] !== 'BPE')
    throw unsupported(`its model is ${String(model['type'])}, not the BPE of Gemma 3`);
  for (const key of ['continuing_subword_prefix', 'end_of_word_suffix', 'ignore_merges'])
    if (model[key]) throw unsupported(`its model has ${key}, which Gemma 3's does not have`);
  if (!Array.isArray(merges)) throw unsupported('its model has no merges');
  const ids = new Map<string, number>();
  let size = 0;
  for (const text in vocab) {
    const id = vocab[text];
    if (!Number.isSafeInteger(id) || (id as number) < 0) throw unsupported(`the id of ${text} is no number`);
    ids.set(text, id as number);
    size = Math.max(size, (id as number) + 1);
  }
  if (size > 4 * ids.size + 1024) throw unsupported('its ids are far apart');
  const unknown = model['unk_token'];
  const bytes = model['byte_fallback'] ? byteTokens.map((text) => ids.get(text)) : [];
  return {
    ...flatTexts(ids, size),
    merges: flatMerges(merges, ids),
    byteIds: bytes.every((id) => id !== undefined) ? bytes : [],
    unknownId: (typeof unknown === 'string' ? ids.get(unknown) : undefined) ?? null,
  };
}

const byteTokens = Array.from({ length: 256 }, (_, b) => `<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`);

function flatTexts(ids: ReadonlyMap<string, number>, size: number): Pick<BpeTables, 'texts' | 'offsets'> {
  const byId = new Array<string>(size).fill('');
  let units = 0;
  for (const [text, id] of ids) {
    byId[id] = text;
    units += text.length;
  }
  const encoder = new TextEncoder();
  // UTF-8 takes at most three bytes for a unit of UTF-16.
  const buffer = new Uint8Array(3 * units);
  const offsets = new Uint32Array(size + 1);
  let at = 0;
  for (const [id, text] of byId.entries()) {
    offsets[id] = at;
    at += encoder.encodeInto(text, buffer.subarray(at)).written;
  }
  offsets[size] = at;
  return { texts: buffer.slice(0, at), offsets };
}

function flatMerges(merges: readonly unknown[], ids: ReadonlyMap<string, number>): Int32Array<ArrayBuffer> {
  const flat = new Int32Array(3 * merges.length);
  for (const [rank, merge] of merges.entries()) {
    // Older files have both in one string.
    const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    const [left, right] = Array.isArray(pair) ? (pair as unknown[]) : [];
    const triple = [left, right, `${String(left)}${String(right)}`].map((text) => ids.get(String(text)));
    if (triple.some((id) => id === undefined)) throw unsupported(`merge ${rank} is of tokens that it does not have`);
    flat.set(triple as number[], 3 * rank);
  }
  return flat;
}

/** A hash map from pairs of ids to ranks: open addressing, at most half full. */
class MergeRanks {
  /** Rank + 1; 0 for a free slot. */
  private readonly slots: Int32Array;
  private readonly mask: number;

  constructor(private readonly merges: Int32Array) {
    let size = 16;
    while (size < (2 * merges.length) / 3) size *= 2;
    this.slots = new Int32Array(size);
    this.mask = size - 1;
    // Where a pair occurs twice, its lower rank counts.
    for (let rank = 0; rank < merges.length / 3; rank++) {
      const slot = this.find(merges[3 * rank] ?? 0, merges[3 * rank + 1] ?? 0);
      if (this.slots[slot] === 0) this.slots[slot] = rank + 1;
    }
  }

  /** The pair's slot, or the free slot where it would be. */
  private find(left: number, right: number): number {
    let slot = (Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)) >>> 0;
    slot = (slot ^ (slot >>> 15)) & this.mask;
    for (;;) {
      const at = 3 * ((this.slots[slot] ?? 0) - 1);
      if (at < 0 || (this.merges[at] === left && this.merges[at + 1] === right)) return slot;
      slot = (slot + 1) & this.mask;
    }
  }

  /** @returns the rank of a pair; -1 where the two do not merge */
  of(left: number, right: number): number {
    return (this.slots[this.find(left, right)] ?? 0) - 1;
  }
}

/** A binary heap that gives the lowest number first. */
class PriorityQueue {
  private readonly heap: number[] = [];

  push(key: number): void {
    const { heap } = this;
    let hole = heap.length;
    heap.push(key);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const above = heap[parent] ?? 0;
      if (above <= key) break;
      heap[hole] = above;
      hole = parent;
    }
    heap[hole] = key;
  }

  pop(): number | undefined {
    const { heap } = this;
    const least = heap[0];
    const key = heap.pop();
    if (key === undefined || heap.length === 0) return least;
    let hole = 0;
    for (let child = 1; child < heap.length; child = 2 * hole + 1) {
      if (child + 1 < heap.length && (heap[child + 1] ?? 0) < (heap[child] ?? 0)) child++;
      const down = heap[child] ?? 0;
      if (down >= key) break;
      heap[hole] = down;
      hole = child;
    }
    heap[hole] = key;
    return least;
  }
}

/** More positions than a text can have, so that rank · MAX_POSITIONS + position is one number, ordered by rank. */
const MAX_POSITIONS = 2 ** 32;
/** Marks a token that was merged into the one before it. */
const MERGED = -1;

/** Encodes text that is normalised and has no added tokens. */
export class Bpe {
  /** One more than the highest id. */
  readonly size: number;
  readonly unknownId: number | null;
  private readonly ranks: MergeRanks;
  /** Ids by code point, of the tokens of one character. */
  private readonly characters = new Map<number, number>();
  /** Results of `search`. */
  private readonly searched = new Map<string, number | undefined>();
  private readonly encoder = new TextEncoder();
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(private readonly tables: BpeTables) {
    const { texts, offsets } = tables;
    this.size = offsets.length - 1;
    this.unknownId = tables.unknownId;
    this.ranks = new MergeRanks(tables.merges);
    for (let id = 0; id < this.size; id++) {
      const from = offsets[id] ?? 0;
      const length = (offsets[id + 1] ?? 0) - from;
      if (length === 0 || length > 4) continue;
      const lead = texts[from] ?? 0;
      const expected = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
      if (expected === length) this.characters.set(this.textOf(id)?.codePointAt(0) ?? 0, id);
    }
  }

  /** @returns a token's text; undefined for an id that the vocabulary does not have */
  textOf(id: number): string | undefined {
    const { texts, offsets } = this.tables;
    const from = offsets[id];
    const to = offsets[id + 1];
    return from === undefined || to === undefined || from === to
      ? undefined
      : this.decoder.decode(texts.subarray(from, to));
  }

  /** @returns a token's id; undefined for a text that is not one token */
  idOf(text: string): number | undefined {
    if (!this.searched.has(text)) this.searched.set(text, this.search(text));
    return this.searched.get(text);
  }

  /** Compares every token, since only the few tokens that have names are searched for. */
  private search(text: string): number | undefined {
    const { texts, offsets } = this.tables;
    const wanted = this.encoder.encode(text);
    for (let id = 0; wanted.length > 0 && id < this.size; id++) {
      const from = offsets[id] ?? 0;
      if ((offsets[id + 1] ?? 0) - from !== wanted.length) continue;
      if (wanted.every((byte, i) => texts[from + i] === byte)) return id;
    }
    return undefined;
  }

  /**
   * Encodes a text.
   * @param text normalised, and without added tokens.
   * @returns token ids
   */
  encode(text: string): number[] {
    const ids = this.initial(text);
    const { merges } = this.tables;
    // A doubly linked list in arrays; -1 is its end.
    const next = Int32Array.from(ids, (_, i) => (i + 1 < ids.length ? i + 1 : -1));
    const previous = Int32Array.from(ids, (_, i) => i - 1);
    const queue = new PriorityQueue();
    const offer = (at: number) => {
      const right = at < 0 ? -1 : (next[at] ?? -1);
      const rank = right < 0 ? -1 : this.ranks.of(ids[at] ?? -1, ids[right] ?? -1);
      if (rank >= 0) queue.push(rank * MAX_POSITIONS + at);
    };
    for (let at = 0; at < ids.length - 1; at++) offer(at);
    for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
      const rank = Math.floor(key / MAX_POSITIONS);
      const at = key - rank * MAX_POSITIONS;
      const right = next[at] ?? -1;
      // One of the two may have been merged with another token meanwhile.
      if (right < 0 || ids[at] !== merges[3 * rank] || ids[right] !== merges[3 * rank + 1]) continue;
      ids[at] = merges[3 * rank + 2] ?? 0;
      ids[right] = MERGED;
      const after = next[right] ?? -1;
      next[at] = after;
      next[right] = -1;
      if (after >= 0) previous[after] = at;
      offer(previous[at] ?? -1);
      offer(at);
    }
    return ids.filter((id) => id !== MERGED);
  }

  /** The ids of a text's characters, or of their bytes. */
  private initial(text: string): number[] {
    const { byteIds, unknownId } = this.tables;
    const ids: number[] = [];
    for (const character of text) {
      const id = this.characters.get(character.codePointAt(0) ?? 0);
      if (id !== undefined) ids.push(id);
      else if (byteIds.length > 0) for (const byte of this.encoder.encode(character)) ids.push(byteIds[byte] ?? 0);
      else if (unknownId !== null) ids.push(unknownId);
    }
    return ids;
  }
}
