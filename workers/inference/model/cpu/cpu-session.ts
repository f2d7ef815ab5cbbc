/** A session on the CPU: its data files are read tensor by tensor, its 4-bit products expanded as far as memory allows. */
import type { InferenceSession } from 'onnxruntime-web';
import type { Ort } from '../../runtime/ort.ts';
import { type DataFiles, expandProducts } from './expand.ts';

const OUT_OF_MEMORY = /out of memory|bad_alloc|allocation failed|memory access out of bounds|Aborted\(OOM/i;

/** Whether the runtime failed for want of memory. */
export const isOutOfMemory = (cause: unknown): boolean => OUT_OF_MEMORY.test(String(cause));

/** @param budget bytes that expanded products may take; where even so the memory is not there, none is expanded */
export async function createCpuSession(
  ort: Ort,
  graph: Uint8Array,
  files: DataFiles,
  budget: number,
): Promise<InferenceSession> {
  const create = (model: Uint8Array, made: DataFiles) =>
    ort.InferenceSession.create(model, {
      executionProviders: ['wasm'],
      externalData: [...files, ...made].map(([path, data]) => ({ path, data })),
      graphOptimizationLevel: 'all',
    });
  const { graph: expanded, data } = expandProducts(graph, files, budget);
  if (data.size === 0) return create(graph, data);
  try {
    return await create(expanded, data);
  } catch (cause) {
    if (!isOutOfMemory(cause)) throw cause;
    return create(graph, new Map());
  }
}
