/** @file Answers with a file's bytes: whole or a range of them, with the faults that tests ask for. */
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ByteRange, parseRange } from '../serve/range.ts';
import type { Content } from './content.ts';
import type { Exchange } from './exchange.ts';
import type { Fault } from './faults.ts';
import type { HubRequest } from './request.ts';

const SIGN_IN_PAGE = '<!doctype html><title>Sign in</title><p>Please sign in to use this network.</p>\n';

/** Waits until the connection has taken the bytes. @returns false where the connection is gone */
const write = (response: ServerResponse, chunk: Buffer) =>
  new Promise<boolean>((resolve) => {
    const gone = () => {
      resolve(false);
    };
    if (response.destroyed) {
      resolve(false);
      return;
    }
    response.once('close', gone);
    response.write(chunk, (error) => {
      response.off('close', gone);
      resolve(!error);
    });
  });

/** @returns the bytes with the one at `index` changed, if there is one. */
function flipByte(bytes: Buffer, index: number): Buffer {
  const byte = bytes[index];
  if (byte === undefined) return bytes;
  const flipped = Buffer.from(bytes);
  flipped[index] = byte ^ 0xff;
  return flipped;
}

/** Divides chunks into smaller pieces, so that a slow line is slow all the time. */
async function* inPieces(bytes: AsyncIterable<Buffer>, length: number): AsyncGenerator<Buffer> {
  for await (const chunk of bytes)
    for (let at = 0; at < chunk.length; at += length) yield chunk.subarray(at, at + length);
}

async function sendBody(
  record: HubRequest,
  response: ServerResponse,
  content: Content,
  { start, end }: ByteRange,
  { throttle = Infinity, cutAfter = Infinity, flip = -1 }: Fault,
): Promise<void> {
  const began = performance.now();
  let at = start;
  for await (const piece of inPieces(content.read(start, end), Math.ceil(throttle / 20))) {
    const bytes = flipByte(piece.subarray(0, cutAfter - (at - start)), flip - at);
    const due = ((at + bytes.length - start) / throttle) * 1000;
    if (due > 0) await sleep(Math.max(0, due - (performance.now() - began)));
    if (!(await write(response, bytes))) return;
    record.bytes += bytes.length;
    at += bytes.length;
    if (at - start >= cutAfter) {
      response.destroy();
      return;
    }
  }
  response.end();
}

/**
 * Answers with the file, or the range of it that is asked for.
 * @param etag the validator, with its quotes
 * @param ranges whether the server supports ranges; without them it sends everything
 */
export async function sendFile(
  { request, response, record, faults }: Exchange,
  content: Content,
  etag: string,
  ranges = true,
): Promise<void> {
  const ifRange = request.headers['if-range'];
  const wanted =
    ranges && (ifRange === undefined || ifRange === etag) ? parseRange(request.headers.range, content.size) : null;
  const body = wanted === null || wanted === 'unsatisfiable' ? { start: 0, end: content.size } : wanted;
  const fault = faults.strike(
    record,
    ({ status, flip, cutAfter }) =>
      status === undefined &&
      (flip === undefined || (flip >= body.start && flip < body.end)) &&
      (cutAfter === undefined || cutAfter < body.end - body.start),
  );
  if (fault.html) {
    record.status = 200;
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(SIGN_IN_PAGE);
    return;
  }
  const size = Math.min(content.size, fault.truncate ?? Infinity);
  const range = wanted === null ? null : parseRange(request.headers.range, size);
  if (ranges) response.setHeader('Accept-Ranges', 'bytes');
  response.setHeader('ETag', etag);
  if (range === 'unsatisfiable') {
    record.status = 416;
    response.writeHead(416, { 'Content-Range': `bytes */${size}`, 'Content-Length': 0 }).end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: size };
  record.status = range ? 206 : 200;
  if (range) response.setHeader('Content-Range', `bytes ${start}-${end - 1}/${size}`);
  response.writeHead(record.status, { 'Content-Length': end - start });
  if (request.method === 'HEAD') response.end();
  else await sendBody(record, response, content, { start, end }, fault);
}
