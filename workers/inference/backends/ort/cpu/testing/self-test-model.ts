/** The self-test model, read in Node, and how far logits are from the known ones. */
import { readFile } from 'node:fs/promises';
import * as ort from 'onnxruntime-web/wasm';
import { parseGemma3Config } from '../../../../../../protocol/gemma3-config.ts';
import { Decoder, type DecoderOptions } from '../../../../cache/decoder.ts';
import { OrtBackend } from '../../ort-backend.ts';
import known from '../../../../model/self-test/decoder/known-answer.json';

ort.env.wasm.numThreads = 1;
export { ort };

export const DATA_FILE = 'model_q4.onnx_data';

export async function selfTestModel(): Promise<{ graph: Uint8Array; data: Uint8Array }> {
  const read = async (name: string) =>
    new Uint8Array(await readFile(new URL(`../../../../model/self-test/decoder/${name}`, import.meta.url)));
  return { graph: await read('model_q4.onnx'), data: await read(DATA_FILE) };
}

export function selfTestDecoder(session: ort.InferenceSession, options: Partial<DecoderOptions> = {}): Decoder {
  const all = { capacity: known.ids.length + 1, chunkSize: 20, ...options };
  const config = parseGemma3Config(known.config);
  return new Decoder(new OrtBackend(ort, { decoder: session }, config, { ...all, staticCache: true }), all);
}

/** How far a session's logits are from the known ones, after the prompt and after one more token; releases it. */
export async function distance(session: ort.InferenceSession, chunkSize = 20): Promise<number> {
  const decoder = selfTestDecoder(session, { chunkSize });
  const first = await (await decoder.prefill({ ids: known.ids, pictures: [] })).lastRows();
  const second = await (await decoder.step(known.next)).lastRows();
  await session.release();
  const [kept = [], after = []] = known.logits;
  const differences = [...kept.map((x, i) => x - (first[i] ?? NaN)), ...after.map((x, i) => x - (second[i] ?? NaN))];
  return Math.max(...differences.map(Math.abs));
}

export { known };
