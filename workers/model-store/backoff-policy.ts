/** @file Exponential backoff: how long to wait before a source is asked again. */
import type { FailureKind } from './sources/source.ts';

/** First and longest delay in ms. Busy servers get more time; a network that is gone may be back at once. */
const DELAYS: Partial<Record<FailureKind, [first: number, longest: number]>> = {
  network: [1000, 30_000],
  'server-busy': [5000, 120_000],
  'server-error': [2000, 60_000],
  'web-page': [5000, 30_000],
};

/**
 * Delay before the next attempt. It doubles with each failure in a row and varies at random, so that the devices of a
 * class do not all come back at once.
 * @param kind the kind of the last failure.
 * @param failures number of failures in a row, from 1.
 * @param retryAfter delay that the server asked for (Retry-After) in ms, or null. The delay is never shorter.
 * @param random a number from 0 to 1.
 * @returns the delay in ms.
 */
export function backoffDelay(
  kind: FailureKind,
  failures: number,
  retryAfter: number | null,
  random = Math.random(),
): number {
  const [first, longest] = DELAYS[kind] ?? [1000, 30_000];
  const delay = Math.min(longest, first * 2 ** (failures - 1)) * (0.75 + random / 2);
  return retryAfter === null ? delay : retryAfter + delay * 0.1;
}

/**
 * Waits for a time, or until the browser says that the network is back.
 * @param ms the time.
 * @param signal ends the wait with an error.
 * @returns a promise that resolves then.
 * @throws the signal's reason.
 */
export function delayOrOnline(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settleWith = (settle: () => void) => () => {
      clearTimeout(timer);
      removeEventListener('online', online);
      signal.removeEventListener('abort', aborted);
      settle();
    };
    const online = settleWith(resolve);
    const aborted = settleWith(() => reject(signal.reason as Error));
    const timer = setTimeout(online, ms);
    addEventListener('online', online);
    if (signal.aborted) aborted();
    else signal.addEventListener('abort', aborted);
  });
}
