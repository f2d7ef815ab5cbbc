/** A worker that reads tokens alone and with helpers, as the engine's does: pages may not wait for threads. */
import { CpuStep } from '../wasm-decoder.ts';
import { configOf, randomModel, type Shape } from './reference-decoder.ts';

const SHAPE: Shape = {
  ...{ hiddenSize: 640, intermediateSize: 2048, heads: 4, kvHeads: 1, headDim: 64, vocabSize: 4099, window: 20 },
  ...{ layerTypes: ['sliding_attention', 'full_attention'], zeros: false },
};
/** Jobs so small, and so many, that threads are often interrupted between them. */
const SMALL: Shape = { ...SHAPE, hiddenSize: 64, intermediateSize: 64, vocabSize: 99 };

export interface Asked {
  small: boolean;
  threads: number;
  /** Tokens to read. */
  tokens: number;
}

export interface Helped {
  /** Whether all logits were the same, to the bit. */
  same: boolean;
  /** Helpers that came. */
  helping: number;
}

async function make(shape: Shape, threads: number, tokens: number): Promise<CpuStep> {
  const options = {
    model: randomModel(shape),
    config: configOf(shape),
    files: new Map(),
    cache: { capacity: tokens, slack: 0 },
    threads,
  };
  const step = await CpuStep.create(options);
  if (!step) throw new Error('no memory');
  return step;
}

async function compare({ small, threads, tokens }: Asked): Promise<Helped> {
  const shape = small ? SMALL : SHAPE;
  const [alone, together] = [await make(shape, 1, tokens), await make(shape, threads, tokens)];
  let same = true;
  for (let position = 0; position + 3 <= tokens; position += 3) {
    const ids = [position, 5, 7 * position].map((id) => id % shape.vocabSize);
    const wanted = alone.read(ids, position, 1).slice();
    same &&= together.read(ids, position, 1).every((value, i) => value === wanted[i]);
    // Workers begin when the one that made them is not busy.
    if (together.helping < threads - 1) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { helping } = together;
  alone.dispose();
  together.dispose();
  return { same, helping };
}

self.onmessage = ({ data }: MessageEvent<Asked>) => {
  compare(data).then(
    (helped) => {
      self.postMessage(helped);
    },
    (cause: unknown) => {
      self.postMessage(String(cause));
    },
  );
};
