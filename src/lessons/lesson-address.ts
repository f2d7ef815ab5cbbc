/**
 * A lesson in the page's address: `#lesson=` carries it, `?lesson=` names a file of this site. Links made before version
 * 0.2.0 say `preset` instead and keep working.
 */

export type LessonAddress = { fragment: string } | { address: string };

const PARAMETERS = ['lesson', 'preset'];

/** Reads the lesson that the page's address holds and removes it from the address, so that a reload does not offer it again. */
export function takeLessonFromAddress(page: Location, past: History): LessonAddress | null {
  const url = new URL(page.href);
  const hash = new URLSearchParams(url.hash.slice(1));
  const first = (parameters: URLSearchParams): string | undefined =>
    PARAMETERS.flatMap((name) => parameters.get(name) ?? [])[0];
  const fragment = first(hash);
  const address = first(url.searchParams);
  if (fragment === undefined && address === undefined) return null;
  if (fragment !== undefined) url.hash = '';
  for (const name of PARAMETERS) url.searchParams.delete(name);
  past.replaceState(past.state, '', url);
  return fragment === undefined ? { address: address ?? '' } : { fragment };
}
