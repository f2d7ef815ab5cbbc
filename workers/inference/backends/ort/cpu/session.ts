/** A decoder's session on the CPU, changed for what the CPU does well: fp32 products, a cache that is not moved about. */
import type { InferenceSession } from 'onnxruntime-web';
import { createSession, type Ort } from '../ort.ts';
import { appendToCache } from './append-cache.ts';
import { avoidTiles } from './attention.ts';
import { type DataFiles, expandProducts } from './expand.ts';
import { keepLastLogits } from '../../../onnx/last-logits.ts';
import { OnnxGraph } from '../../../onnx/graph.ts';

const OUT_OF_MEMORY = /out of memory|bad_alloc|allocation failed|memory access out of bounds|Aborted\(OOM/i;

/** Whether the runtime failed for want of memory. */
export const isOutOfMemory = (cause: unknown): boolean => OUT_OF_MEMORY.test(String(cause));

/** A session on the CPU of a graph as it is. */
export const createCpuSession = (ort: Ort, graph: Uint8Array, files: DataFiles): Promise<InferenceSession> =>
  createSession(ort, graph, {
    executionProviders: ['wasm'],
    externalData: [...files].map(([path, data]) => ({ path, data })),
    graphOptimizationLevel: 'all',
  });

/**
 * Where the memory is not there after all, no product is expanded; where the runtime refuses the changed graph (others
 * export in ways not seen here), it gets the graph as it is.
 * @param budget bytes that expanded products may take
 * @throws Error where the runtime refuses that, too
 */
export async function createCpuDecoder(
  ort: Ort,
  model: Uint8Array,
  files: DataFiles,
  budget: number,
): Promise<InferenceSession> {
  const attempt = async (bytes: number) => {
    const graph = new OnnxGraph(model);
    keepLastLogits(graph);
    appendToCache(graph);
    avoidTiles(graph);
    const { data } = expandProducts(graph, files, bytes);
    return await createCpuSession(ort, graph.encode(), new Map([...files, ...data]));
  };
  try {
    return await attempt(budget);
  } catch (cause) {
    return isOutOfMemory(cause) ? attempt(0) : createCpuSession(ort, model, files);
  }
}
