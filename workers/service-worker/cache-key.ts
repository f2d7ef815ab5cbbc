/**
 * Finds the cache entry that answers a request.
 * @param request the page's request.
 * @param scope URL of the app, ending in `/`.
 * @param keys cache keys of this version's files, by URL.
 * @returns the entry's key, or undefined for requests that the service worker leaves to the network.
 */
export function cacheKeyOf(
  request: Pick<Request, 'url' | 'method' | 'mode' | 'headers'>,
  scope: string,
  keys: ReadonlyMap<string, string>,
): string | undefined {
  if (request.method !== 'GET' || request.headers.has('Range')) return undefined;
  const url = new URL(request.url);
  url.hash = '';
  if (request.mode === 'navigate') {
    url.search = '';
    if (url.href === scope) url.pathname += 'index.html';
  }
  // Names in assets/ contain a hash of the content. One that is not listed may be an older version's, kept by its URL.
  return keys.get(url.href) ?? (url.href.startsWith(`${scope}assets/`) ? url.href : undefined);
}
