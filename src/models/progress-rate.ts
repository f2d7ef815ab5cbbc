/** Estimates the transfer rate from samples of the last seconds. */

export interface Sample {
  /** ms */
  at: number;
  bytes: number;
}

const WINDOW_MS = 5000;
/** Shorter spans give no reliable rate. */
const SHORTEST_MS = 500;

/** Adds a sample and drops those older than the window, except the newest of them, which spans it. */
export function observe(samples: readonly Sample[], now: Sample): Sample[] {
  const last = samples.at(-1);
  // Fewer bytes than before mean that another run began.
  if (last && now.bytes < last.bytes) return [now];
  const first = samples.findLastIndex(({ at }) => now.at - at >= WINDOW_MS);
  return [...samples.slice(Math.max(0, first)), now];
}

/** Bytes per second; null while unknown. */
export function rateOf(samples: readonly Sample[]): number | null {
  const first = samples.at(0);
  const last = samples.at(-1);
  if (!first || !last || last.at - first.at < SHORTEST_MS) return null;
  return ((last.bytes - first.bytes) / (last.at - first.at)) * 1000;
}

/** Seconds until `left` more bytes have arrived; null if nothing arrives. */
export const secondsLeft = (left: number, rate: number | null): number | null =>
  rate === null || rate <= 0 ? null : left / rate;
