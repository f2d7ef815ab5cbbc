/** Serves the project's own sources through Vite, and a model folder of any size that is made up as it is sent. */
import { createHash, randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { createServer, type Plugin } from 'vite';
import { type Manifest, MANIFEST_FORMAT, type ManifestFile, PART_BYTES } from '../../protocol/manifest.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const BLOCK = 1024 * 1024;
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

/** Bytes `start` to `end` of parts laid end to end, no faster than they are taken. */
function send(response: ServerResponse, start: number, end: number): void {
  let at = start;
  const more = () => {
    while (at < end) {
      const within = at % PART_BYTES;
      const piece = part.subarray(within, within + Math.min(BLOCK, end - at, PART_BYTES - within));
      at += piece.length;
      if (!response.write(piece)) {
        response.once('drain', more);
        return;
      }
    }
    response.end();
  };
  more();
}

const modelRoutes = (manifest: Manifest): Plugin => ({
  name: 'model-routes',
  configureServer(server) {
    server.middlewares.use('/bench-model/', (request, response) => {
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
      send(response, start, end);
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
    plugins: [modelRoutes(manifestOf(Math.ceil(bytes / PART_BYTES)))],
  });
  await server.listen();
  const address = server.httpServer?.address();
  if (!address || typeof address === 'string') throw new Error('the bench server has no port');
  return { origin: `http://127.0.0.1:${address.port}`, close: () => server.close() };
}
