/**
 * The conversation that is shown stands in the page's address, so that a reload, the browser's arrows and a bookmark lead
 * back to it. Only its id: what comes after # is sent nowhere. One in which nothing was said yet is not in it; where
 * something is being written there, this tab remembers which it is. Private ones are in neither.
 */
import { keepHere, recallHere } from '../settings/storage.ts';

const PREFIX = '#c=';
const WRITTEN = 'written';

/** The id in the address, or null. */
export const addressed = (): string | null =>
  location.hash.startsWith(PREFIX) ? location.hash.slice(PREFIX.length) : null;

/** Writes the id into the address, as a step that the browser's arrows go back over. */
export function showInAddress(id: string | null): void {
  if (addressed() === id) return;
  history.pushState(null, '', id === null ? location.pathname + location.search : PREFIX + id);
}

/** The id of the conversation that was shown before the page was loaded again, or null. */
export const shownBefore = (): string | null => addressed() ?? (recallHere(WRITTEN) || null);

/** Remembers in which conversation without messages something is being written, if in one. */
export const rememberWritten = (id: string | null): void => keepHere(WRITTEN, id ?? '');

/** @returns how to end that */
export function onAddress(hear: (id: string | null) => void): () => void {
  const heard = () => hear(addressed());
  addEventListener('popstate', heard);
  return () => removeEventListener('popstate', heard);
}
