/**
 * Pictures inside a prompt: where their soft tokens are, how a prompt is cut around them, and which tokens attend to which.
 * Attention is causal for text; the rows of picture tokens are computed again with the masks given here. Source:
 * transformers `models/gemma3/modeling_gemma3.py`, `create_masks_for_vision_model`: full-attention layers see what is causal
 * or of the same picture; sliding-window layers see that inside the window, which has no end on the right.
 */

/** A picture's soft tokens in a prompt. */
export interface PictureSpan {
  /** Position of the first soft token. */
  start: number;
  /** Number of soft tokens. */
  length: number;
}

/** A picture inside a prompt, ready for the decoder. */
export interface PromptPicture extends PictureSpan {
  /** Output of the vision encoder: float32 [length, hiddenSize]. */
  features: Float32Array;
  /** Identifies the picture's content: equal keys, equal features. */
  key: string;
}

/** Consecutive rows of picture features. */
export interface FeatureRows {
  /** Position of the first row's token. */
  first: number;
  /** float32 [tokens, hiddenSize] */
  rows: Float32Array;
}

/**
 * Picture features that take the place of embeddings among tokens `start`…`end − 1`.
 * @param pictures all pictures of the prompt
 * @param start position of the first token
 * @param end position after the last token
 * @param hiddenSize width of a feature row
 * @returns one item for each picture with tokens in the range
 */
export function featureRows(
  pictures: readonly PromptPicture[],
  start: number,
  end: number,
  hiddenSize: number,
): FeatureRows[] {
  return pictures.flatMap((picture) => {
    const first = Math.max(start, picture.start);
    const last = Math.min(end, picture.start + picture.length);
    if (first >= last) return [];
    const rows = picture.features.subarray((first - picture.start) * hiddenSize, (last - picture.start) * hiddenSize);
    return [{ first, rows }];
  });
}

/** Added to the score of a key that a query must not see. */
const HIDDEN = -1e9;

/** Attention masks of the rows that picture tokens make. */
export interface PictureMasks {
  /** Positions of the picture tokens, which are the rows to compute again. */
  positions: number[];
  /** float32 [positions, end], 0 where a key is visible; for full-attention layers. */
  maskGlobal: Float32Array;
  /** float32 [positions, end], 0 where a key is visible; for sliding-window layers. */
  maskLocal: Float32Array;
}

/**
 * Attention masks of the picture tokens among tokens `from`…`end − 1`, whose keys are tokens 0…`end − 1`.
 * @param spans the prompt's pictures
 * @param from position of the first token
 * @param end position after the last token
 * @param window tokens that a query of a sliding-window layer sees, itself included
 * @returns masks without rows if there is no picture token in the range
 */
export function pictureMasks(spans: readonly PictureSpan[], from: number, end: number, window: number): PictureMasks {
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
 * Cuts tokens `from`…`end − 1` into chunks for prefill, never through a picture, whose tokens attend to each other.
 * @param from position of the first token
 * @param end position after the last token
 * @param size number of tokens in a chunk; only a picture that is longer makes a longer chunk
 * @param spans the prompt's pictures
 * @returns the end position of each chunk
 */
export function chunkEnds(from: number, end: number, size: number, spans: readonly PictureSpan[]): number[] {
  const ends: number[] = [];
  let start = from;
  while (start < end) {
    let cut = Math.min(end, start + size);
    const split = spans.find((span) => span.start < cut && cut < span.start + span.length);
    if (split) cut = split.start > start ? split.start : Math.min(end, split.start + split.length);
    ends.push(cut);
    start = cut;
  }
  return ends;
}
