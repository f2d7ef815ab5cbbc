/**
 * The URL names the shown conversation, so that reloading, the back button and bookmarks lead to it. Only the id is in
 * it, after #, which is never sent to a server. A conversation without messages is not in the URL; if it has a draft,
 * this tab's session storage names it. Private conversations are in neither.
 */
import { writeSession, readSession } from '../settings/storage.ts';

const PREFIX = '#c=';
const WRITTEN = 'written';

/** The id in the address, or null. */
export const addressed = (): string | null =>
  location.hash.startsWith(PREFIX) ? location.hash.slice(PREFIX.length) : null;

/** Writes the id into the URL as a new history entry. */
export function showInAddress(id: string | null): void {
  if (addressed() === id) return;
  history.pushState(null, '', id === null ? location.pathname + location.search : PREFIX + id);
}

/** The id of the conversation that was shown before the page was reloaded, or null. */
export const shownBefore = (): string | null => addressed() ?? (readSession(WRITTEN) || null);

/** Remembers the conversation without messages that has a draft, if there is one. */
export const rememberWritten = (id: string | null): void => writeSession(WRITTEN, id ?? '');

/** Calls back when the person navigates. @returns a function that stops listening */
export function onAddress(hear: (id: string | null) => void): () => void {
  const heard = () => hear(addressed());
  addEventListener('popstate', heard);
  return () => removeEventListener('popstate', heard);
}
