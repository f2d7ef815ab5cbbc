// Which tokens a layer's query looks at, and how they are shared out: attention over a long past is cut into parts that
// run side by side (FlashDecoding, https://crfm.stanford.edu/2023/10/12/flashdecoding.html) and are put together after.
// Before this stand: WINDOW (0: all), DIM, HEADS, KV_HEADS, CAPACITY, TILE, MOST_PARTS.

struct Span {
  first: u32,
  end: u32,
  // Tokens in a part, a multiple of TILE.
  length: u32,
}

fn span(position: u32) -> Span {
  let end = position + 1u;
  var first = 0u;
  if (WINDOW > 0u && end > WINDOW) { first = end - WINDOW; }
  let share = (end - first + MOST_PARTS - 1u) / MOST_PARTS;
  return Span(first, end, (share + TILE - 1u) / TILE * TILE);
}
