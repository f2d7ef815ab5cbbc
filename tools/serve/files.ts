/** @file Sends files as static hosts do: media type, length, validator, compressed where asked. */
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { securityHeaders } from './headers.ts';
import type { Handler } from './server.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.mjs': 'text/javascript',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
};
const COMPRESSED_ALREADY = new Set(['.png']);

export interface FileOptions {
  headers?: OutgoingHttpHeaders;
  /** Sends gzip, whatever the client accepts. */
  compress?: boolean;
}

/**
 * Answers with a file, with 304 where the client has it, or with 404 where there is none.
 * @returns whether the file's bytes were sent
 */
export async function sendFile(
  file: string,
  request: IncomingMessage,
  response: ServerResponse,
  { headers = {}, compress = false }: FileOptions = {},
): Promise<boolean> {
  const found = await stat(file).catch(() => null);
  if (!found?.isFile()) {
    response.writeHead(404).end();
    return false;
  }
  const extension = extname(file);
  const etag = `"${found.size}-${found.mtimeMs}"`;
  const all = { 'Content-Type': TYPES[extension] ?? 'application/octet-stream', ETag: etag, ...headers };
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, all).end();
    return false;
  }
  if (compress && !COMPRESSED_ALREADY.has(extension)) {
    const body = gzipSync(await readFile(file));
    response.writeHead(200, { ...all, 'Content-Encoding': 'gzip', 'Content-Length': body.length }).end(body);
  } else {
    response.writeHead(200, { ...all, 'Content-Length': found.size });
    createReadStream(file).pipe(response);
  }
  return true;
}

/**
 * @param optionsOf how to send the file with this path in the folder
 * @returns a handler that serves the files of a folder, and its index.html for the folder itself
 */
export function serveFolder(folder: string, optionsOf: (path: string) => FileOptions = () => ({})): Handler {
  return async (request, response, path) => {
    const name = path || 'index.html';
    await sendFile(join(folder, name), request, response, optionsOf(name));
  };
}

/**
 * @returns a handler that serves the built site in `folder` as a good static host does: compressed, with our headers.
 */
export const serveSite = (folder: string): Handler =>
  serveFolder(folder, (path) => ({
    compress: true,
    headers: {
      ...securityHeaders,
      'Cache-Control': path.startsWith('assets/') ? 'max-age=31536000, immutable' : 'no-cache',
    },
  }));
