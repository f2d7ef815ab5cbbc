/**
 * @file The HTTP server of all tests, benches and audits: routes by path prefix, on a free port of this machine.
 * Files are sent by `files.ts`, the project's sources by `sources.ts`; `headers.ts` has what our site is served with.
 */
import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { posix } from 'node:path';

/**
 * Answers a request.
 * @param path what follows the route's prefix in the URL's path, decoded, without `..`
 */
export type Handler = (request: IncomingMessage, response: ServerResponse, path: string) => void | Promise<void>;

export interface ServerOptions {
  /** The name in the server's address. Default: `127.0.0.1`, which for a browser is another site than `localhost`. */
  host?: '127.0.0.1' | 'localhost';
  /** Default: 0, which takes a free port. */
  port?: number;
  /** Headers of every answer. */
  headers?: OutgoingHttpHeaders;
  /** Key and certificate in PEM; with them the server speaks https. */
  tls?: { key: Buffer; cert: Buffer };
}

export interface RunningServer {
  origin: string;
  port: number;
  /** Node's server, for tests that break connections. */
  node: Server;
  /** Breaks all connections and resolves when the port is free again. */
  close(): Promise<void>;
}

/**
 * @param routes handlers by path prefix; the longest prefix that matches is taken, and no match is answered with 404.
 */
export async function startServer(
  routes: Readonly<Record<string, Handler>>,
  { host = '127.0.0.1', port = 0, headers = {}, tls }: ServerOptions = {},
): Promise<RunningServer> {
  const prefixes = Object.keys(routes).sort((a, b) => b.length - a.length);
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
    const path = posix.normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname));
    const prefix = prefixes.find((each) => path.startsWith(each));
    const handler = prefix === undefined ? undefined : routes[prefix];
    if (handler) await handler(request, response, path.slice(prefix?.length));
    else response.writeHead(404).end();
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    answer(request, response).catch((error: unknown) => {
      console.error(error);
      response.destroy();
    });
  };
  const node = tls ? createHttpsServer(tls, listener) : createHttpServer(listener);
  await once(node.listen(port, host), 'listening');
  const taken = (node.address() as AddressInfo).port;
  return {
    origin: `${tls ? 'https' : 'http'}://${host}:${taken}`,
    port: taken,
    node,
    async close() {
      const closed = once(node, 'close');
      node.close();
      node.closeAllConnections();
      await closed;
    },
  };
}
