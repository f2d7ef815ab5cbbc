// Parameters of a forward step: the tokens' positions, what each attends to, and how attention over the past is split into
// parts that run side by side and are combined afterwards (FlashDecoding,
// https://crfm.stanford.edu/2023/10/12/flashdecoding.html). Written by ../step-params.ts. Needs DIM, HEADS and KV_HEADS.

struct StepParams {
  // Position of the first token.
  position: u32,
  // Number of tokens.
  count: u32,
  // For each layer type: tokens that a query sees (0 for full attention), rows of the cache, tokens in a part (a multiple of
  // TILE), and number of parts.
  windows: array<u32, 2>,
  rows: array<u32, 2>,
  lengths: array<u32, 2>,
  parts: array<u32, 2>,
  // A record for each token: the position after the last token that it attends to; then for each layer type DIM / 2 pairs
  // (cosine, sine) as bits.
  tokens: array<vec2u>,
}

// Pairs of words in a record.
const RECORD = 1u + DIM;

/** Position of the first token that a token attends to. */
fn first_of(position: u32, window: u32, token: u32) -> u32 {
  let next = position + token + 1u;
  return select(0u, next - window, window > 0u && next > window);
}

/** A binding instead of a constant, so that one compilation serves layers of both types. */
struct Layer {
  /** 0: sliding-window attention, 1: full attention. */
  layer_type: u32,
}
