import { isolationHeaders } from '../../protocol/isolation.ts';

/** Kinds of requests whose responses carry a policy of their own. Everything else falls under its page's. */
const DESTINATIONS: readonly string[] = ['document', 'worker', 'sharedworker'];

/**
 * Adds the headers of cross-origin isolation (protocol/isolation.ts), without which a page has no threads.
 * @param destination the request's `destination`.
 * @param response the answer to it.
 * @returns the response with more headers, or the same one where it failed or needs none.
 */
export function withIsolationHeaders(destination: string, response: Response): Response {
  if (!response.ok || !DESTINATIONS.includes(destination)) return response;
  const { status, statusText } = response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(isolationHeaders)) headers.set(name, value);
  return new Response(response.body, { status, statusText, headers });
}
