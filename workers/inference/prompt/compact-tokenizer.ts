/**
 * A tokenizer.json in a form that is fast to load: its vocabulary and merges as tables, the rest as JSON. Encoded: the length
 * of the header in bytes (uint32, little-endian), the header (JSON), then offsets, merges and texts, which begin at a multiple
 * of 4.
 */
import { EngineError } from '../../../protocol/engine.ts';
import { isObject, type JsonObject } from '../../../protocol/json.ts';
import { type BpeTables, bpeTables } from './bpe.ts';

export interface CompactTokenizer {
  /** tokenizer.json without its model. */
  rest: JsonObject;
  bpe: BpeTables;
}

interface Header extends Pick<BpeTables, 'byteIds' | 'unknownId'> {
  format: typeof FORMAT;
  rest: JsonObject;
  /** Elements of each table. */
  offsets: number;
  merges: number;
  texts: number;
}

/** Changes with the layout and with the content, so that files of an older form are made anew. */
const FORMAT = 'fournil-tokenizer-1';

const align = (bytes: number): number => (bytes + 3) & ~3;

/**
 * Makes the compact form of a tokenizer.
 * @param json tokenizer.json, parsed.
 * @returns its compact form
 * @throws EngineError `model-unsupported`
 */
export function compactTokenizer(json: unknown): CompactTokenizer {
  if (!isObject(json) || !isObject(json['model']))
    throw new EngineError('model-unsupported', 'tokenizer.json: it has no model');
  const { model, ...rest } = json;
  return { rest, bpe: bpeTables(model as JsonObject) };
}

/**
 * Encodes a compact tokenizer.
 * @param tokenizer the tokenizer
 * @returns bytes for `decodeTokenizer`
 */
export function encodeTokenizer({ rest, bpe }: CompactTokenizer): Uint8Array<ArrayBuffer> {
  const { byteIds, unknownId, offsets, merges, texts } = bpe;
  const sizes = { offsets: offsets.length, merges: merges.length, texts: texts.length };
  const header: Header = { format: FORMAT, rest, byteIds, unknownId, ...sizes };
  const encoded = new TextEncoder().encode(JSON.stringify(header));
  let at = align(4 + encoded.length);
  const bytes = new Uint8Array(at + offsets.byteLength + merges.byteLength + texts.byteLength);
  new DataView(bytes.buffer).setUint32(0, encoded.length, true);
  bytes.set(encoded, 4);
  for (const table of [offsets, merges, texts]) {
    bytes.set(new Uint8Array(table.buffer, table.byteOffset, table.byteLength), at);
    at += table.byteLength;
  }
  return bytes;
}

/**
 * Decodes a compact tokenizer. Its tables are views of the bytes.
 * @param buffer bytes of `encodeTokenizer`
 * @returns the tokenizer; null for bytes of another format, and for some of the bytes only
 */
export function decodeTokenizer(buffer: ArrayBuffer): CompactTokenizer | null {
  try {
    const length = new DataView(buffer).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))) as Partial<Header>;
    const { format, rest, byteIds, unknownId = null, offsets = 0, merges = 0, texts = 0 } = header;
    const at = align(4 + length);
    if (format !== FORMAT || !rest || !byteIds || buffer.byteLength !== at + 4 * (offsets + merges) + texts)
      return null;
    return {
      rest,
      bpe: {
        byteIds,
        unknownId,
        offsets: new Uint32Array(buffer, at, offsets),
        merges: new Int32Array(buffer, at + 4 * offsets, merges),
        texts: new Uint8Array(buffer, at + 4 * (offsets + merges), texts),
      },
    };
  } catch {
    return null;
  }
}
