/**
 * @file Stock transformers.js behind the bench's interface. It is used as somebody else's page would use it: `generate`
 * gets the whole prompt on every turn.
 */
import {
  AutoModelForCausalLM,
  AutoModelForImageTextToText,
  AutoTokenizer,
  env,
  type PretrainedModelOptions,
  type PreTrainedModel,
  Tensor,
} from '@huggingface/transformers';
import gpuMjs from '../../../.cache/on-demand/node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.mjs?url';
import gpuWasm from '../../../.cache/on-demand/node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.wasm?url';
import cpuMjs from '../../../.cache/on-demand/node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.mjs?url';
import cpuWasm from '../../../.cache/on-demand/node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm?url';
import type { OpenBenchEngine } from '../../../protocol/bench.ts';
import type { Dtype } from '../../../protocol/engine.ts';
import type { Manifest } from '../../../protocol/manifest.ts';

interface Session {
  inputNames: readonly string[];
  run(feeds: Record<string, unknown>): Promise<unknown>;
}
interface TextConfig {
  vocab_size: number;
}
/** Members that the types leave out. */
interface Loaded {
  sessions: Record<string, Session>;
  encode_image(inputs: { pixel_values: Tensor }): Promise<Tensor>;
  config: TextConfig & { text_config?: TextConfig; vision_config?: { image_size?: number } };
}

/**
 * transformers.js prefills a prompt in one piece, and attention over 32k tokens at once would take gigabytes of memory.
 */
const LONGEST_PROMPT = 8192;

/**
 * Additional inputs of our graphs, for bidirectional attention within pictures. These values say that there is no
 * picture.
 */
const noPicture = (): Record<string, Tensor> => ({
  has_pictures: new Tensor('bool', Uint8Array.of(0), []),
  image_rows: new Tensor('int64', BigInt64Array.of(0n), [1]),
  image_positions: new Tensor('int64', BigInt64Array.of(0n), [1, 1]),
  mask_local: new Tensor('float32', new Float32Array(1), [1, 1, 1]),
  mask_global: new Tensor('float32', new Float32Array(1), [1, 1, 1]),
});

/** Hides inputs that stock code would not feed, and feeds them. */
function withoutExtraInputs(session: Session): Session {
  const ours = Object.entries(noPicture()).filter(([name]) => session.inputNames.includes(name));
  if (!ours.length) return session;
  const extra = Object.fromEntries(ours.map(([name, { ort_tensor }]) => [name, ort_tensor]));
  const inputNames = session.inputNames.filter((name) => !(name in extra));
  return new Proxy(session, {
    get(target, key) {
      if (key === 'inputNames') return inputNames;
      if (key === 'run') return (feeds: Record<string, unknown>) => target.run({ ...feeds, ...extra });
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/**
 * Stock code gives each graph its own data files. Where a graph of ours also reads another's, each is given all of
 * them, and the time to load includes that.
 */
function dataOptions({ sessions }: Manifest, dtype: Dtype): PretrainedModelOptions {
  const files = Object.values(sessions[dtype] ?? {});
  const paths = new Set(files.flatMap(({ data }) => data));
  if (files.every(({ graph, data }) => data.every((path) => path.startsWith(graph)))) return {};
  const externalData = [...paths].map((path) => ({ path: path.slice(path.lastIndexOf('/') + 1), data: path }));
  return { use_external_data_format: false, session_options: { externalData } };
}

export const open: OpenBenchEngine = async ({ base, name, device, dtype }) => {
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = base;
  const { wasm, versions } = env.backends.onnx;
  // The usual build of onnxruntime has no CPU kernel for 4-bit embeddings.
  if (wasm) wasm.wasmPaths = device === 'wasm' ? { mjs: cpuMjs, wasm: cpuWasm } : { mjs: gpuMjs, wasm: gpuWasm };
  const config = (await (await fetch(`${base}${name}/config.json`)).json()) as Loaded['config'];
  const manifest = (await (await fetch(`${base}${name}/manifest.json`)).json()) as Manifest;
  const contextLength = Math.min(manifest.contextLength, LONGEST_PROMPT);
  const vocabSize = (config.text_config ?? config).vocab_size;
  const pictureSize = config.vision_config?.image_size ?? null;
  const Auto = pictureSize ? AutoModelForImageTextToText : AutoModelForCausalLM;
  const model: PreTrainedModel = await Auto.from_pretrained(name, { dtype, device, ...dataOptions(manifest, dtype) });
  await AutoTokenizer.from_pretrained(name);
  const loaded = model as unknown as Loaded;
  for (const [key, session] of Object.entries(loaded.sessions)) loaded.sessions[key] = withoutExtraInputs(session);
  const threads = device === 'wasm' ? (wasm?.numThreads ?? 1) : 1;
  return {
    about: { version: env.version, onnxruntime: versions?.web ?? '', threads, vocabSize, contextLength, pictureSize },
    async generate(ids, count, onToken) {
      let puts = 0;
      const output = await model.generate({
        input_ids: new Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]),
        attention_mask: new Tensor('int64', new BigInt64Array(ids.length).fill(1n), [1, ids.length]),
        max_new_tokens: count,
        do_sample: false,
        eos_token_id: [],
        // The first call has the prompt.
        streamer: {
          put: () => {
            if (puts++ > 0) onToken();
          },
          end: () => undefined,
        } as never,
      });
      const all = Array.from((output as Tensor).data as BigInt64Array, Number);
      return { tokens: all.slice(ids.length), prefilledTokens: ids.length };
    },
    clearCache: () => undefined,
    async encodePicture(pixels) {
      const size = pictureSize ?? 0;
      const features = await loaded.encode_image({ pixel_values: new Tensor('float32', pixels, [1, 3, size, size]) });
      features.dispose();
    },
    async dispose() {
      await model.dispose();
    },
  };
};
