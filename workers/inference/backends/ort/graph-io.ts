/**
 * What a decoder graph takes and gives, read from the session itself: exports with the transformers.js layout differ in
 * integer types, in having `position_ids` or `num_logits_to_keep`, and in how their caches are shaped.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { EngineError } from '../../../../protocol/engine.ts';
import type { Ort } from './ort.ts';

/**
 * A graph that was changed for the CPU (backends/ort/cpu/append-cache.ts) gives a cache's new rows only, under a name of their
 * own, and takes these inputs.
 */
export const APPENDED = {
  /** int64 [1]: minus the number of new tokens. */
  rows: 'appended.rows',
  /** int32 [1] and int32 []: of sliding layers' keys, the index of the last and their number. */
  windowLast: 'appended.window_last',
  windowTotal: 'appended.window_total',
  /** int64 [1, tokens] */
  positions: 'appended.positions',
} as const;

/** @param window tokens that a query of this layer sees, itself included; null: all */
export const appendedName = (present: string, window: number | null): string =>
  `${present}.appended${window === null ? '' : `.${window}`}`;

/** A graph that can be run: a session, or one that is given more than its callers know of. */
export interface Graph {
  readonly inputMetadata: readonly InferenceSession.ValueMetadata[];
  readonly outputMetadata: readonly InferenceSession.ValueMetadata[];
  readonly outputNames: readonly string[];
  run(feeds: InferenceSession.FeedsType, fetches: InferenceSession.FetchesType): Promise<InferenceSession.ReturnType>;
  release(): Promise<void>;
}

export interface CacheSlot {
  /** `past_key_values.N.key` or `.value`. */
  past: string;
  /** `present.N.key` or `.value`; where the graph gives new rows only, their name. */
  present: string;
  /** Tokens that the graph wants of the past, and a query's own; null: all. */
  window: number | null;
  type: 'float32' | 'float16';
  kvHeads: number;
  headDim: number;
}

export interface GraphIo {
  inputs: ReadonlyMap<string, InferenceSession.TensorValueMetadata>;
  slots: CacheSlot[];
  /** The graph gives the cache's new rows only. */
  appends: boolean;
  logitsType: 'float32' | 'float16';
}

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

/** A tensor of whole numbers in the type that the input wants. */
export function integers(
  ort: Ort,
  metadata: InferenceSession.TensorValueMetadata,
  values: ArrayLike<number>,
  dims: readonly number[],
): Tensor {
  if (metadata.type === 'int64') return new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims);
  if (metadata.type === 'int32') return new ort.Tensor('int32', Int32Array.from(values), dims);
  throw new EngineError('model-unsupported', `${metadata.name} is ${metadata.type}, not a whole number type`);
}
