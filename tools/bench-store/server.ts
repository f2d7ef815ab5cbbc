/**
 * @file Serves the project's own sources, and a model folder of any size whose bytes are generated as they are sent.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { isolationHeaders } from '../../protocol/isolation.ts';
import { type Manifest, MANIFEST_FORMAT, type ManifestFile } from '../../protocol/manifest.ts';
import { PART_BYTES } from '../../protocol/sizes.ts';
import { parseRange } from '../serve/range.ts';
import { type Handler, startServer } from '../serve/server.ts';
import { serveSources } from '../serve/sources.ts';

const BLOCK = 1024 * 1024;
/** Size of the model that is sent over a line of 1 Gbit/s, in parts. */
const GIGABIT_PARTS = 8;
/** Every part has the same bytes, since only their transfer is measured. */
const part = randomBytes(PART_BYTES);
const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** @returns the manifest of one data file of whole parts, and the small files that a folder needs. */
function manifestOf(parts: number): Manifest {
  const whole = createHash('sha256');
  for (let i = 0; i < parts; i++) whole.update(part);
  const small = (path: string): ManifestFile => {
    const sha256 = hash(part.subarray(0, 1000));
    return { path, size: 1000, sha256, parts: [sha256] };
  };
  const data = 'onnx/model_q4.onnx_data';
  const graph = small('onnx/model_q4.onnx');
  const sha256 = whole.digest('hex');
  const partHash = hash(part);
  return {
    format: MANIFEST_FORMAT,
    ...{ id: 'bench', revision: partHash, licence: 'none', baseModel: '' },
    ...{ contextLength: 1024, imageAttention: 'none', cache: 'static' },
    sessions: { q4: { model: { graph: graph.path, data: [data] } } },
    files: [
      small('config.json'),
      graph,
      { path: data, size: parts * PART_BYTES, sha256, parts: Array.from({ length: parts }, () => partHash) },
    ],
  };
}

/** A network line of limited bandwidth, in bytes per second, which all answers share. */
class Line {
  private free = 0;

  constructor(private readonly rate: number) {}

  /** Resolves when the line is free to carry the bytes. */
  async take(bytes: number): Promise<void> {
    const now = performance.now();
    this.free = Math.max(now, this.free) + (bytes / this.rate) * 1000;
    // Timers are no finer than 4 ms.
    if (this.free - now > 4) await sleep(this.free - now);
  }
}

/** Sends bytes `start` to `end` of parts laid end to end, no faster than the client takes them. */
async function send(response: ServerResponse, start: number, end: number, line: Line | null): Promise<void> {
  for (let at = start; at < end && !response.destroyed;) {
    const within = at % PART_BYTES;
    const piece = part.subarray(within, within + Math.min(BLOCK, end - at, PART_BYTES - within));
    at += piece.length;
    await line?.take(piece.length);
    if (!response.write(piece)) await once(response, 'drain').catch(() => undefined);
  }
  response.end();
}

const serveModel =
  (manifest: Manifest, line: Line | null): Handler =>
  (request, response, path) => {
    response.setHeader('Content-Type', 'application/octet-stream');
    if (path === 'manifest.json') {
      response.end(JSON.stringify(manifest));
      return;
    }
    const size = manifest.files.find((file) => file.path === path)?.size ?? 0;
    const range = parseRange(request.headers.range, size);
    const { start, end } = range === null || range === 'unsatisfiable' ? { start: 0, end: size } : range;
    response.statusCode = range === null ? 200 : 206;
    response.setHeader('Content-Length', end - start);
    if (range !== null) response.setHeader('Content-Range', `bytes ${start}-${end - 1}/${size}`);
    return send(response, start, end, line);
  };

export interface BenchServer {
  origin: string;
  close(): Promise<void>;
}

/** @param bytes size of the model, which is rounded up to whole parts */
export async function startBenchServer(bytes: number): Promise<BenchServer> {
  const sources = await serveSources(['hash-wasm', '@huggingface/hub']);
  const server = await startServer(
    {
      '/': sources.handler,
      '/bench-model/': serveModel(manifestOf(Math.ceil(bytes / PART_BYTES)), null),
      '/bench-model-gigabit/': serveModel(manifestOf(GIGABIT_PARTS), new Line(125e6)),
    },
    // The browser measures the memory of page and workers only on isolated pages.
    { headers: isolationHeaders },
  );
  return {
    origin: server.origin,
    close: async () => {
      await server.close();
      await sources.close();
    },
  };
}
