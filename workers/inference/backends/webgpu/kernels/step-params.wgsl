// Where the tokens are that are being read, which of them sees what, and how attention over the past is shared out: it is
// cut into parts that run side by side (FlashDecoding, https://crfm.stanford.edu/2023/10/12/flashdecoding.html) and are put
// together after. Written by ../step-params.ts. Before this stand: DIM, HEADS, KV_HEADS.

struct StepParams {
  // Of the first token.
  position: u32,
  // Tokens.
  count: u32,
  // For each kind of layer: tokens that a query sees (0: all); rows of the cache; tokens in a part, a multiple of
  // attention's tile; and parts.
  windows: array<u32, 2>,
  rows: array<u32, 2>,
  lengths: array<u32, 2>,
  parts: array<u32, 2>,
  // Of each token: where what it sees ends; then for each kind DIM / 2 pairs (cosine, sine), as bits.
  tokens: array<vec2u>,
}

const RECORD = 1u + DIM;

/** Where what a token sees begins. */
fn first_of(position: u32, window: u32, token: u32) -> u32 {
  let next = position + token + 1u;
  return select(0u, next - window, window > 0u && next > window);
}

/** The layer's: a binding and no constant, so that one compilation serves sliding and full layers. */
struct Layer {
  /** 0: sliding, 1: full. */
  layer_type: u32,
}
