/** Sessions on the CPU. A decoder's graph is changed first, to what onnxruntime does fast in WebAssembly. */
import type { InferenceSession } from 'onnxruntime-web';
import { createSession, type Ort } from '../ort.ts';
import { appendToCache } from './append-cache.ts';
import { avoidTiles } from './attention.ts';
import { type DataFiles, expandProducts } from './expand.ts';
import { keepLastLogits } from '../../../onnx/last-logits.ts';
import { OnnxGraph } from '../../../onnx/graph.ts';

const OUT_OF_MEMORY = /out of memory|bad_alloc|allocation failed|memory access out of bounds|Aborted\(OOM/i;

/**
 * Whether the runtime ran out of memory.
 * @param cause an error of the runtime
 * @returns true if its message says so
 */
export const isOutOfMemory = (cause: unknown): boolean => OUT_OF_MEMORY.test(String(cause));

/**
 * Creates a session of an unchanged graph.
 * @param ort the runtime
 * @param graph an ONNX model
 * @param files the graph's weight files
 * @returns the session
 * @throws errors of the runtime
 */
export const createCpuSession = (ort: Ort, graph: Uint8Array, files: DataFiles): Promise<InferenceSession> =>
  createSession(ort, graph, {
    executionProviders: ['wasm'],
    externalData: [...files].map(([path, data]) => ({ path, data })),
    graphOptimizationLevel: 'all',
  });

/**
 * Creates a session of a decoder whose graph is changed for the CPU. On out-of-memory no product is expanded; if the runtime
 * refuses the changed graph, since exports by others may be of unknown forms, it is given the unchanged one.
 * @param ort the runtime
 * @param model an ONNX model
 * @param files the graph's weight files
 * @param budget bytes that expanded products may take
 * @returns the session
 * @throws errors of the runtime, if it refuses the unchanged graph, too
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
