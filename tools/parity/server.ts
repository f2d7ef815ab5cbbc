/** @file Serves the project's own sources and a folder of exports, and takes the results that the browser posts. */
import { buffer } from 'node:stream/consumers';
import { serveFolder } from '../serve/files.ts';
import { startServer } from '../serve/server.ts';
import { serveSources } from '../serve/sources.ts';

export interface ParityServer {
  origin: string;
  /** What was posted under `/parity-results/NAME`, as float32. */
  results: Map<string, Float32Array>;
  close(): Promise<void>;
}

/**
 * @param folder what `/parity-files/` serves
 * @param alias folders of packages that are installed on demand, by name
 */
export async function startParityServer(folder: string, alias: Record<string, string> = {}): Promise<ParityServer> {
  const results = new Map<string, Float32Array>();
  const sources = await serveSources(['protobufjs/minimal.js'], alias);
  const server = await startServer({
    '/': sources.handler,
    '/parity-files/': serveFolder(folder),
    '/parity-results/': async (request, response, name) => {
      // A copy, since a float32 array must begin at a multiple of four bytes.
      results.set(name, new Float32Array(new Uint8Array(await buffer(request)).buffer));
      response.end();
    },
  });
  return {
    origin: server.origin,
    results,
    close: async () => {
      await server.close();
      await sources.close();
    },
  };
}
