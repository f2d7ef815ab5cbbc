/** Serves the project's own sources through Vite, and a model folder of any size that is made up as it is sent. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createServer, type Plugin } from 'vite';
import { type Manifest, MANIFEST_FORMAT, type ManifestFile, PART_BYTES } from '../../protocol/manifest.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const BLOCK = 1024 * 1024;
/** What is sent over a line of 1 Gbit/s. */
export const GIGABIT_PARTS = 8;
/** Every part has the same bytes: what is measured is how they travel. */
const part = randomBytes(PART_BYTES);
const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** One data file of whole parts, and the small files that a folder needs. */
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

/** A line that all answers share, of so many bytes a second. */
class Line {
  private free = 0;

  constructor(private readonly rate: number) {}

  /** Resolves when the bytes may go. */
  async take(bytes: number): Promise<void> {
    const now = performance.now();
    this.free = Math.max(now, this.free) + (bytes / this.rate) * 1000;
    // Timers are not finer than this.
    if (this.free - now > 4) await sleep(this.free - now);
  }
}

/** Bytes `start` to `end` of parts laid end to end, no faster than they are taken. */
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

const modelRoutes = (manifest: Manifest, base: string, line: Line | null): Plugin => ({
  name: `model-routes ${base}`,
  configureServer(server) {
    server.middlewares.use(base, (request, response) => {
      const path = (request.url ?? '').replace(/^\//, '');
      response.setHeader('Content-Type', 'application/octet-stream');
      if (path === 'manifest.json') {
        response.end(JSON.stringify(manifest));
        return;
      }
      const size = manifest.files.find((file) => file.path === path)?.size ?? 0;
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
      const start = Number(from ?? 0);
      const end = to === undefined ? size : Number(to) + 1;
      response.statusCode = from === undefined ? 200 : 206;
      response.setHeader('Content-Length', end - start);
      if (from !== undefined) response.setHeader('Content-Range', `bytes ${start}-${end - 1}/${size}`);
      void send(response, start, end, line);
    });
  },
});

export interface BenchServer {
  origin: string;
  close(): Promise<void>;
}

/** @param bytes of the model; rounded up to whole parts. */
export async function startBenchServer(bytes: number): Promise<BenchServer> {
  const server = await createServer({
    root,
    configFile: false,
    logLevel: 'error',
    appType: 'mpa',
    server: {
      ...{ port: 0, host: '127.0.0.1', hmr: false, watch: null },
      // Memory over page and workers is only told to isolated pages.
      headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' },
    },
    optimizeDeps: { include: ['hash-wasm', '@huggingface/hub'], noDiscovery: true },
    plugins: [
      modelRoutes(manifestOf(Math.ceil(bytes / PART_BYTES)), '/bench-model/', null),
      modelRoutes(manifestOf(GIGABIT_PARTS), '/bench-model-gigabit/', new Line(125e6)),
    ],
  });
  await server.listen();
  const address = server.httpServer?.address();
  if (!address || typeof address === 'string') throw new Error('the bench server has no port');
  return { origin: `http://127.0.0.1:${address.port}`, close: () => server.close() };
}
