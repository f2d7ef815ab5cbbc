/**
 * Inputs and outputs of a decoder graph, read from its session: exports with the transformers.js layout differ in integer
 * types, in having `position_ids` or `num_logits_to_keep`, and in the shapes of their caches.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { EngineError } from '../../../../protocol/engine.ts';
import type { Ort } from './ort.ts';

/** Inputs of a graph that was changed to return only the cache's new rows (cpu/append-cache.ts). */
export const APPENDED = {
  /** int64 [1]: minus the number of new tokens. */
  rows: 'appended.rows',
  /** int32 [1]: index of the last key of sliding-window layers. */
  windowLast: 'appended.window_last',
  /** int32 []: number of keys of sliding-window layers. */
  windowTotal: 'appended.window_total',
  /** int64 [1, tokens] */
  positions: 'appended.positions',
} as const;

/**
 * Name of the output with a cache's new rows.
 * @param present name of the output with the whole cache
 * @param window tokens that a query of the layer sees, itself included; null for full attention
 * @returns the name
 */
export const appendedName = (present: string, window: number | null): string =>
  `${present}.appended${window === null ? '' : `.${window}`}`;

/** A graph that can be run: a session, or one whose weights are bound as inputs that callers do not see. */
export interface Graph {
  readonly inputMetadata: readonly InferenceSession.ValueMetadata[];
  readonly outputMetadata: readonly InferenceSession.ValueMetadata[];
  readonly outputNames: readonly string[];
  run(feeds: InferenceSession.FeedsType, fetches: InferenceSession.FetchesType): Promise<InferenceSession.ReturnType>;
  release(): Promise<void>;
}

/** Keys or values of a layer. */
export interface CacheSlot {
  /** Name of the input, `past_key_values.N.key` or `.value`. */
  past: string;
  /** Name of the output, `present.N.key` or `.value`, or of the output with the new rows only. */
  present: string;
  /** Tokens that a query sees, itself included; the graph is fed one less of the past. Null for full attention. */
  window: number | null;
  type: 'float32' | 'float16';
  kvHeads: number;
  headDim: number;
}

/** Inputs, cache and types of a decoder graph. */
export interface GraphIo {
  inputs: ReadonlyMap<string, InferenceSession.TensorValueMetadata>;
  slots: CacheSlot[];
  /** True if the graph returns the cache's new rows only. */
  appends: boolean;
  logitsType: 'float32' | 'float16';
}

/**
 * Reads a decoder's inputs and outputs.
 * @param session the decoder
 * @param fallback the cache's sizes where the graph does not say them
 * @returns inputs and outputs
 * @throws EngineError `model-unsupported` if the graph has no KV cache or logits of a known form
 */
export function readGraphIo(session: Graph, fallback: { kvHeads: number; headDim: number }): GraphIo {
  const inputs = new Map<string, InferenceSession.TensorValueMetadata>();
  for (const metadata of session.inputMetadata) if (metadata.isTensor) inputs.set(metadata.name, metadata);
  const slots: CacheSlot[] = [];
  for (const [name, metadata] of inputs) {
    if (!name.startsWith('past_key_values.')) continue;
    const [, heads, , dim] = metadata.shape;
    const whole = name.replace('past_key_values', 'present');
    const present = session.outputNames.find(
      (output) => output === whole || output.startsWith(appendedName(whole, null)),
    );
    if (present === undefined) throw new EngineError('model-unsupported', `the graph has ${name} but no ${whole}`);
    const window = Number(present.slice(appendedName(whole, null).length + 1));
    if (metadata.type !== 'float32' && metadata.type !== 'float16')
      throw new EngineError('model-unsupported', `${name} is ${metadata.type}`);
    slots.push({
      past: name,
      present,
      window: window > 0 ? window : null,
      type: metadata.type,
      kvHeads: typeof heads === 'number' ? heads : fallback.kvHeads,
      headDim: typeof dim === 'number' ? dim : fallback.headDim,
    });
  }
  if (slots.length === 0) throw new EngineError('model-unsupported', 'the decoder graph has no KV cache');
  const logits = session.outputMetadata.find((output) => output.name === 'logits');
  if (!logits?.isTensor) throw new EngineError('model-unsupported', 'the decoder graph has no logits');
  return {
    inputs,
    slots,
    appends: inputs.has(APPENDED.rows),
    logitsType: logits.type === 'float16' ? 'float16' : 'float32',
  };
}

/**
 * Creates an integer tensor in the type of an input.
 * @param ort the runtime
 * @param metadata the input, int64 or int32
 * @param values the values
 * @param dims the tensor's shape
 * @returns the tensor
 * @throws EngineError `model-unsupported` if the input has another type
 */
export function integers(
  ort: Ort,
  metadata: InferenceSession.TensorValueMetadata,
  values: ArrayLike<number>,
  dims: readonly number[],
): Tensor {
  if (metadata.type === 'int64') return new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims);
  if (metadata.type === 'int32') return new ort.Tensor('int32', Int32Array.from(values), dims);
  throw new EngineError('model-unsupported', `${metadata.name} is ${metadata.type}, not an integer type`);
}
