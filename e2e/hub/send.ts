/** Answers with a file's bytes: whole or a range of them, broken as the faults say. */
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Content } from './content.ts';
import type { Exchange, HubRequest } from './exchange.ts';
import type { Fault } from './faults.ts';

const SIGN_IN_PAGE = '<!doctype html><title>Sign in</title><p>Please sign in to use this network.</p>\n';

interface Range {
  start: number;
  end: number;
}

/** One range of bytes; null where there is none or it is not understood; 'unsatisfiable' where the file ends before. */
function parseRange(header: string | undefined, size: number): Range | 'unsatisfiable' | null {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || first + last === '') return null;
  const range =
    first === ''
      ? { start: Math.max(0, size - Number(last)), end: size }
      : { start: Number(first), end: last === '' ? size : Math.min(size, Number(last) + 1) };
  return range.start < range.end ? range : 'unsatisfiable';
}

/** Waits until the connection has taken the bytes; false: it is gone. */
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

/** With the byte at `index` wrong, if it is in there. */
function spoil(bytes: Buffer, index: number): Buffer {
  const byte = bytes[index];
  if (byte === undefined) return bytes;
  const spoilt = Buffer.from(bytes);
  spoilt[index] = byte ^ 0xff;
  return spoilt;
}

/** In smaller pieces, so that a slow line is slow all the time. */
async function* inPieces(bytes: AsyncIterable<Buffer>, length: number): AsyncGenerator<Buffer> {
  for await (const chunk of bytes)
    for (let at = 0; at < chunk.length; at += length) yield chunk.subarray(at, at + length);
}

async function sendBody(
  record: HubRequest,
  response: ServerResponse,
  content: Content,
  { start, end }: Range,
  { throttle = Infinity, cutAfter = Infinity, flip = -1 }: Fault,
): Promise<void> {
  const began = performance.now();
  let at = start;
  for await (const piece of inPieces(content.read(start, end), Math.ceil(throttle / 20))) {
    const bytes = spoil(piece.subarray(0, cutAfter - (at - start)), flip - at);
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
 * @param etag with its quotes.
 * @param ranges a server that knows no ranges sends everything.
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
