/**
 * How the tokens of a prompt may see each other where pictures are. Causal attention does text; the rows of picture
 * tokens are computed again with these masks. Source: transformers `models/gemma3/modeling_gemma3.py`,
 * `create_masks_for_vision_model`: full layers see what is causal or of the same picture; sliding layers see that inside
 * the window, which has no end on the right.
 */

/** A picture's soft tokens in a prompt. */
export interface PictureSpan {
  /** Index of the first soft token. */
  start: number;
  /** Soft tokens. */
  length: number;
}

/** What hides a key from a query, added to its score. */
const HIDDEN = -1e9;

export interface PictureRows {
  /** Absolute positions of the rows to compute again. */
  positions: number[];
  /** [rows, end], 0 where a key is visible; for full-attention layers. */
  maskGlobal: Float32Array;
  /** The same for sliding layers. */
  maskLocal: Float32Array;
}

/** The picture rows among tokens `from`…`end − 1`, whose keys are tokens 0…`end − 1`. */
export function pictureRows(spans: readonly PictureSpan[], from: number, end: number, window: number): PictureRows {
  const rows: { position: number; span: PictureSpan }[] = [];
  for (const span of spans) {
    const last = Math.min(end, span.start + span.length);
    for (let position = Math.max(from, span.start); position < last; position++) rows.push({ position, span });
  }
  const maskGlobal = new Float32Array(rows.length * end).fill(HIDDEN);
  const maskLocal = new Float32Array(rows.length * end).fill(HIDDEN);
  for (const [row, { position, span }] of rows.entries()) {
    const at = row * end;
    const spanEnd = Math.min(end, span.start + span.length);
    maskGlobal.fill(0, at, at + Math.max(position + 1, spanEnd));
    maskLocal.fill(0, at + Math.max(0, position - window + 1), at + Math.max(position + 1, spanEnd));
  }
  return { positions: rows.map((row) => row.position), maskGlobal, maskLocal };
}

/**
 * Cuts tokens `from`…`end − 1` into chunks of about `size`, never through a picture: its tokens must be read together.
 * Returns the end of each chunk; a chunk is longer than `size` only when one picture is.
 */
export function chunkEnds(from: number, end: number, size: number, spans: readonly PictureSpan[]): number[] {
  const ends: number[] = [];
  let start = from;
  while (start < end) {
    let cut = Math.min(end, start + size);
    const torn = spans.find((span) => span.start < cut && cut < span.start + span.length);
    if (torn) cut = torn.start > start ? torn.start : Math.min(end, torn.start + torn.length);
    ends.push(cut);
    start = cut;
  }
  return ends;
}
