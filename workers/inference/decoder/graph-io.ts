/**
 * What a decoder graph takes and gives, read from the session itself: exports with the transformers.js layout differ in
 * integer types, in having `position_ids` or `num_logits_to_keep`, and in how their caches are shaped.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { EngineError } from '../../../protocol/engine.ts';
import type { Ort } from '../runtime/ort.ts';

export interface CacheSlot {
  /** `past_key_values.N.key` or `.value`. */
  past: string;
  /** `present.N.key` or `.value`. */
  present: string;
  type: 'float32' | 'float16';
  kvHeads: number;
  headDim: number;
}

export interface GraphIo {
  inputs: ReadonlyMap<string, InferenceSession.TensorValueMetadata>;
  slots: CacheSlot[];
  logitsType: 'float32' | 'float16';
}

export function readGraphIo(session: InferenceSession, fallback: { kvHeads: number; headDim: number }): GraphIo {
  const inputs = new Map<string, InferenceSession.TensorValueMetadata>();
  for (const metadata of session.inputMetadata) if (metadata.isTensor) inputs.set(metadata.name, metadata);
  const slots: CacheSlot[] = [];
  for (const [name, metadata] of inputs) {
    if (!name.startsWith('past_key_values.')) continue;
    const [, heads, , dim] = metadata.shape;
    const present = name.replace('past_key_values', 'present');
    if (!session.outputNames.includes(present))
      throw new EngineError('model-unsupported', `the graph has ${name} but no ${present}`);
    if (metadata.type !== 'float32' && metadata.type !== 'float16')
      throw new EngineError('model-unsupported', `${name} is ${metadata.type}`);
    slots.push({
      past: name,
      present,
      type: metadata.type,
      kvHeads: typeof heads === 'number' ? heads : fallback.kvHeads,
      headDim: typeof dim === 'number' ? dim : fallback.headDim,
    });
  }
  if (slots.length === 0) throw new EngineError('model-unsupported', 'the decoder graph has no KV cache');
  const logits = session.outputMetadata.find((output) => output.name === 'logits');
  if (!logits?.isTensor) throw new EngineError('model-unsupported', 'the decoder graph has no logits');
  return { inputs, slots, logitsType: logits.type === 'float16' ? 'float16' : 'float32' };
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
