/** @file Runs an export in unmodified transformers.js, as somebody else's page would. */
import { AutoModelForCausalLM, AutoModelForImageTextToText, env, Tensor } from '@huggingface/transformers';
import ortWasm from '../../.cache/on-demand/node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.wasm?url';
import ortMjs from '../../.cache/on-demand/node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.mjs?url';

export interface StockJob {
  /** Folder under `/parity-files/`. */
  model: string;
  dtype: 'fp32' | 'q4';
  device: 'wasm' | 'webgpu';
  ids: number[];
  /** float32 [n, 3, size, size]; null for text. */
  pixels: { values: number[]; dims: number[] } | null;
  tokens: number;
}

declare global {
  interface Window {
    runStock: (job: StockJob) => Promise<number[]>;
  }
}

env.allowRemoteModels = false;
env.allowLocalModels = true;
env.localModelPath = '/parity-files/';
env.useBrowserCache = false;
if (env.backends.onnx.wasm) env.backends.onnx.wasm.wasmPaths = { mjs: ortMjs, wasm: ortWasm };

window.runStock = async ({ model: name, dtype, device, ids, pixels, tokens }) => {
  const Auto = pixels ? AutoModelForImageTextToText : AutoModelForCausalLM;
  const model = await Auto.from_pretrained(name, { dtype, device });
  const output = await model.generate({
    input_ids: new Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]),
    attention_mask: new Tensor('int64', new BigInt64Array(ids.length).fill(1n), [1, ids.length]),
    ...(pixels ? { pixel_values: new Tensor('float32', Float32Array.from(pixels.values), pixels.dims) } : {}),
    max_new_tokens: tokens,
    do_sample: false,
  });
  return Array.from((output as Tensor).data as BigInt64Array, Number).slice(ids.length);
};
