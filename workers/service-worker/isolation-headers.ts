import { isolationHeaders } from '../../protocol/isolation.ts';

/** What has a policy of its own; everything else falls under its page's. */
const DESTINATIONS: readonly string[] = ['document', 'worker', 'sharedworker'];

/** The same response under the headers that let a page use threads. */
export function withIsolationHeaders(destination: string, response: Response): Response {
  if (!response.ok || !DESTINATIONS.includes(destination)) return response;
  const { status, statusText } = response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(isolationHeaders)) headers.set(name, value);
  return new Response(response.body, { status, statusText, headers });
}
