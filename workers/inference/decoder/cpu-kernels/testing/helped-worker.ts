/** A worker that reads tokens alone and with helpers, as the engine's does: pages may not wait for threads. */
import { CpuStep } from '../cpu-step.ts';
import { configOf, randomModel, type Shape } from './plain-decoder.ts';

const SHAPE: Shape = {
  ...{ hiddenSize: 640, intermediateSize: 2048, heads: 4, kvHeads: 1, headDim: 64, vocabSize: 4099, window: 20 },
  ...{ layerTypes: ['sliding_attention', 'full_attention'], zeros: false },
};
const CAPACITY = 400;

export interface Helped {
  /** Whether all logits were the same, to the bit. */
  same: boolean;
  /** Helpers that came. */
  helping: number;
}

async function make(threads: number): Promise<CpuStep> {
  const options = {
    model: randomModel(SHAPE),
    config: configOf(SHAPE),
    files: new Map(),
    cache: { capacity: CAPACITY, slack: 0 },
    threads,
  };
  const step = await CpuStep.create(options);
  if (!step) throw new Error('no memory');
  return step;
}

async function compare(): Promise<Helped> {
  const [alone, together] = [await make(1), await make(3)];
  let same = true;
  for (let position = 0; position + 3 <= CAPACITY; position += 3) {
    const ids = [position, 5, 7 * position];
    const wanted = alone.read(ids, position, 1).slice();
    same &&= together.read(ids, position, 1).every((value, i) => value === wanted[i]);
    // Workers begin when the one that made them is not busy.
    if (together.helping < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { helping } = together;
  alone.dispose();
  together.dispose();
  return { same, helping };
}

self.onmessage = () => {
  compare().then(
    (helped) => {
      self.postMessage(helped);
    },
    (cause: unknown) => {
      self.postMessage(String(cause));
    },
  );
};
