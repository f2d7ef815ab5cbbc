/**
 * Where a request's answer is kept.
 * @param keys of this version's files, by URL.
 * @returns undefined for what is none of the service worker's business: it then passes untouched.
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
  // A file in assets/ has its content's hash in its name: it may be an older version's, kept under its own URL.
  return keys.get(url.href) ?? (url.href.startsWith(`${scope}assets/`) ? url.href : undefined);
}
