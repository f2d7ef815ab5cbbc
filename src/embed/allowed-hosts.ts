/** The origins that the person allows for good to ask the model here; kept by the browser, by the site they are seen on. */
import { forget, keep, recall } from '../settings/storage.ts';

const KEY = 'embed-hosts';

function recallAll(): string[] {
  try {
    const kept = JSON.parse(recall(KEY) ?? '[]') as unknown;
    return Array.isArray(kept) ? kept.filter((origin) => typeof origin === 'string') : [];
  } catch {
    return [];
  }
}

function keepAll(origins: readonly string[]): void {
  if (origins.length > 0) keep(KEY, JSON.stringify(origins));
  else forget(KEY);
}

/** Whether the browser keeps anything for this frame; where third parties may store nothing, it does not. */
export function canRemember(): boolean {
  const probe = `${KEY}-probe`;
  keep(probe, probe);
  const kept = recall(probe) === probe;
  forget(probe);
  return kept;
}

export const isAllowed = (origin: string): boolean => recallAll().includes(origin);

export const allowAlways = (origin: string): void => keepAll([...new Set([...recallAll(), origin])]);

export const revoke = (origin: string): void => keepAll(recallAll().filter((other) => other !== origin));

/** Calls when another frame of this site took an origin's permission back. @returns ends that */
export function onRevoked(origin: () => string | null, call: () => void): () => void {
  const changed = ({ key }: StorageEvent) => {
    const host = origin();
    if ((key === KEY || key === null) && host !== null && !isAllowed(host)) call();
  };
  addEventListener('storage', changed);
  return () => removeEventListener('storage', changed);
}
