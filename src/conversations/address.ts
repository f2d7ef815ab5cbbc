/**
 * The conversation that is shown stands in the page's address, so that a reload, the browser's arrows and a bookmark lead
 * back to it. Only its id: what comes after # is sent nowhere. Private ones are not in it.
 */

const PREFIX = '#c=';

/** The id in the address, or null. */
export const addressed = (): string | null =>
  location.hash.startsWith(PREFIX) ? location.hash.slice(PREFIX.length) : null;

/** Writes the id into the address, as a step that the browser's arrows go back over. */
export function showInAddress(id: string | null): void {
  if (addressed() === id) return;
  history.pushState(null, '', id === null ? location.pathname + location.search : PREFIX + id);
}

/** @returns how to end that */
export function onAddress(hear: (id: string | null) => void): () => void {
  const heard = () => hear(addressed());
  addEventListener('popstate', heard);
  return () => removeEventListener('popstate', heard);
}
