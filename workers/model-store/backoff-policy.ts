/** How long to wait before a source is asked again. */
import type { FailureKind } from './sources/source.ts';

/** First and longest wait, ms. Servers that are busy are spared; a network that is gone may be back at once. */
const DELAYS: Partial<Record<FailureKind, [first: number, longest: number]>> = {
  network: [1000, 30_000],
  'server-busy': [5000, 120_000],
  'server-error': [2000, 60_000],
  'web-page': [5000, 30_000],
};

/**
 * Doubles with each failure in a row, and differs by chance, so that a class does not come back all at once.
 * @param failures how often in a row, from 1.
 * @param retryAfter what the server asked for (Retry-After), ms.
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

/** Ends after `ms`, or when the network is back. @throws what the signal was aborted with */
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
