/** @file CORS headers: what the real hub and its CDN let a page of another site read. */
import type { IncomingMessage, ServerResponse } from 'node:http';

const HUB_EXPOSES =
  'X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,ETag,Link,Accept-Ranges,Content-Range,' +
  'X-Linked-Size,X-Linked-ETag,X-Xet-Hash';
const FILES_EXPOSE = 'Accept-Ranges,Content-Range,Content-Length,ETag';

/** The hub answers to the origin that asks, if one does. */
export function allowHub(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Access-Control-Allow-Origin', request.headers.origin ?? 'https://huggingface.co');
  response.setHeader('Vary', 'Origin');
  response.setHeader('Access-Control-Expose-Headers', HUB_EXPOSES);
}

export function allowFiles(response: ServerResponse): void {
  response.setHeader('Access-Control-Allow-Origin', '*');
  response.setHeader('Access-Control-Expose-Headers', FILES_EXPOSE);
}

export function answerPreflight(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Access-Control-Allow-Origin', '*');
  response.setHeader('Access-Control-Allow-Methods', 'GET, HEAD');
  response.setHeader('Access-Control-Allow-Headers', request.headers['access-control-request-headers'] ?? '');
  response.setHeader('Access-Control-Max-Age', '86400');
  response.writeHead(204).end();
}
