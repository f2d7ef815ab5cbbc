/** A lesson in the page's address: `#preset=` carries it, `?preset=` names a file of this site. */

export type LessonAddress = { fragment: string } | { address: string };

/** What the address holds, taken out of it: a reload does not ask again. */
export function takeLessonFromAddress(page: Location, past: History): LessonAddress | null {
  const url = new URL(page.href);
  const fragment = new URLSearchParams(url.hash.slice(1)).get('preset');
  const address = url.searchParams.get('preset');
  if (fragment === null && address === null) return null;
  if (fragment !== null) url.hash = '';
  url.searchParams.delete('preset');
  past.replaceState(past.state, '', url);
  return fragment === null ? { address: address ?? '' } : { fragment };
}
