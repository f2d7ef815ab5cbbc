/** How fast bytes come, from what was seen of the last seconds. */

export interface Sample {
  /** ms */
  at: number;
  bytes: number;
}

const WINDOW_MS = 5000;
/** Of less than this nothing can be said. */
const SHORTEST_MS = 500;

/** Adds what is seen now and forgets what is older than the window, but for the one sample that spans it. */
export function observe(samples: readonly Sample[], now: Sample): Sample[] {
  const last = samples.at(-1);
  // Fewer than before: another run began.
  if (last && now.bytes < last.bytes) return [now];
  const first = samples.findLastIndex(({ at }) => now.at - at >= WINDOW_MS);
  return [...samples.slice(Math.max(0, first)), now];
}

/** Bytes a second, or null while it cannot be told. */
export function rateOf(samples: readonly Sample[]): number | null {
  const first = samples.at(0);
  const last = samples.at(-1);
  if (!first || !last || last.at - first.at < SHORTEST_MS) return null;
  return ((last.bytes - first.bytes) / (last.at - first.at)) * 1000;
}

/** Seconds until `left` more bytes are there, or null where nothing comes. */
export const secondsLeft = (left: number, rate: number | null): number | null =>
  rate === null || rate <= 0 ? null : left / rate;
