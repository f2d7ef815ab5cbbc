/** The origins that the person has allowed permanently. Browsers partition this storage by the embedding site. */
import { removeStored, writeStored, readStored } from '../settings/storage.ts';

const KEY = 'embed-hosts';

function recallAll(): string[] {
  try {
    const stored = JSON.parse(readStored(KEY) ?? '[]') as unknown;
    return Array.isArray(stored) ? stored.filter((origin) => typeof origin === 'string') : [];
  } catch {
    return [];
  }
}

function keepAll(origins: readonly string[]): void {
  if (origins.length > 0) writeStored(KEY, JSON.stringify(origins));
  else removeStored(KEY);
}

/** Whether storage works in this frame; browsers may refuse it to third parties. */
export function canRemember(): boolean {
  const probe = `${KEY}-probe`;
  writeStored(probe, probe);
  const stored = readStored(probe) === probe;
  removeStored(probe);
  return stored;
}

export const isAllowed = (origin: string): boolean => recallAll().includes(origin);

export const allowAlways = (origin: string): void => keepAll([...new Set([...recallAll(), origin])]);

export const revoke = (origin: string): void => keepAll(recallAll().filter((other) => other !== origin));

/** Calls back when another frame has revoked the origin's permission. @returns a function that stops listening */
export function onRevoked(origin: () => string | null, call: () => void): () => void {
  const changed = ({ key }: StorageEvent) => {
    const host = origin();
    if ((key === KEY || key === null) && host !== null && !isAllowed(host)) call();
  };
  addEventListener('storage', changed);
  return () => removeEventListener('storage', changed);
}
