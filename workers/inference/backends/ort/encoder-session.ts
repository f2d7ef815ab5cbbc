/** The vision encoder's graph as a session. Unlike a decoder's it is onnxruntime's everywhere. */
import type { Graph } from './graph-io.ts';
import { createCpuSession } from './cpu/session.ts';
import { lazyBlob } from './cpu/lazy-bytes.ts';
import { createSession, type Ort } from './ort.ts';

export interface EncoderFiles {
  graph: Uint8Array;
  /** Data files by the names the graph calls them. */
  data: ReadonlyMap<string, Blob>;
}

/** @param device null: on the CPU. @throws whatever the runtime does */
export function createEncoderSession(
  ort: Ort,
  { graph, data }: EncoderFiles,
  device: GPUDevice | null,
): Promise<Graph> {
  if (!device) return createCpuSession(ort, graph, new Map([...data].map(([path, blob]) => [path, lazyBlob(blob)])));
  return createSession(ort, graph, {
    executionProviders: [{ name: 'webgpu', device }],
    externalData: [...data].map(([path, blob]) => ({ path, data: blob })),
    graphOptimizationLevel: 'all',
    // Features are remembered here.
    preferredOutputLocation: 'cpu',
  });
}
