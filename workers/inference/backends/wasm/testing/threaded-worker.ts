/** A worker that runs a model alone and with worker threads, as the engine does: pages must not wait for threads. */
import { WasmDecoder } from '../wasm-decoder.ts';
import { configOf, randomModel, type Shape } from './reference-decoder.ts';

const SHAPE: Shape = {
  ...{ hiddenSize: 640, intermediateSize: 2048, heads: 4, kvHeads: 1, headDim: 64, vocabSize: 4099, window: 20 },
  ...{ layerTypes: ['sliding_attention', 'full_attention'], zeros: false },
};
/** Jobs so small, and so many, that threads are often interrupted between them. */
const SMALL: Shape = { ...SHAPE, hiddenSize: 64, intermediateSize: 64, vocabSize: 99 };

export interface ThreadedRun {
  small: boolean;
  threads: number;
  /** Number of tokens to process. */
  tokens: number;
}

export interface ThreadedResult {
  /** Whether all logits were the same, to the bit. */
  same: boolean;
  /** Number of worker threads that ran. */
  activeThreads: number;
}

async function createDecoder(shape: Shape, threads: number, tokens: number): Promise<WasmDecoder> {
  const options = {
    model: randomModel(shape),
    config: configOf(shape),
    files: new Map(),
    cache: { capacity: tokens, slack: 0 },
    threads,
  };
  const decoder = await WasmDecoder.create(options);
  if (!decoder) throw new Error('no memory');
  return decoder;
}

async function compare({ small, threads, tokens }: ThreadedRun): Promise<ThreadedResult> {
  const shape = small ? SMALL : SHAPE;
  const [alone, together] = [await createDecoder(shape, 1, tokens), await createDecoder(shape, threads, tokens)];
  let same = true;
  for (let position = 0; position + 3 <= tokens; position += 3) {
    const ids = [position, 5, 7 * position].map((id) => id % shape.vocabSize);
    const wanted = alone.forward(ids, position, 1).slice();
    same &&= together.forward(ids, position, 1).every((value, i) => value === wanted[i]);
    // Workers begin when the one that made them is not busy.
    if (together.activeThreads < threads - 1) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { activeThreads } = together;
  alone.dispose();
  together.dispose();
  return { same, activeThreads };
}

self.onmessage = ({ data }: MessageEvent<ThreadedRun>) => {
  compare(data).then(
    (helped) => {
      self.postMessage(helped);
    },
    (cause: unknown) => {
      self.postMessage(String(cause));
    },
  );
};
