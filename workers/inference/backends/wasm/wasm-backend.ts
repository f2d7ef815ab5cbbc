/** Backend of our WebAssembly kernels: text goes through the layers some tokens at a time, a picture as a whole. */
import { EngineError } from '../../../../protocol/engine.ts';
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import type { Backend, ForwardInput } from '../../backend-interface/backend.ts';
import { Logits } from '../../backend-interface/logits.ts';
import type { PromptPicture } from '../../backend-interface/pictures.ts';
import { yieldToEventLoop } from '../yield-to-event-loop.ts';
import { MAX_TOKENS } from './kernels/constants.ts';
import { WasmKvCache } from './kv-cache.ts';
import type { WasmDecoder } from './wasm-decoder.ts';

/** Tokens that go through the layers together: text, or one picture's. */
interface Batch {
  start: number;
  end: number;
  picture?: PromptPicture;
}

function* batchesOf(pictures: readonly PromptPicture[], start: number, end: number): Generator<Batch> {
  for (let at = start; at < end;) {
    const picture = pictures.find((one) => one.start <= at && at < one.start + one.length);
    const next = Math.min(...pictures.filter((one) => one.start > at).map((one) => one.start));
    const stop = picture ? Math.min(end, picture.start + picture.length) : Math.min(end, next, at + MAX_TOKENS);
    yield { start: at, end: stop, ...(picture ? { picture } : {}) };
    at = stop;
  }
}

/** Runs a model with our WebAssembly kernels. */
export class WasmBackend implements Backend {
  readonly cache: WasmKvCache;

  /**
   * @param decoder the kernels with the model's weights; the backend owns it
   * @param config the model's configuration
   * @param bidirectionalImages whether the tokens of a picture attend to each other in both directions
   */
  constructor(
    private readonly decoder: WasmDecoder,
    private readonly config: Gemma3Config,
    readonly bidirectionalImages: boolean,
  ) {
    this.cache = new WasmKvCache(decoder.slots(), config.text);
  }

  async forward({ ids, pictures, start, end }: ForwardInput, logitsToKeep: number): Promise<Logits | null> {
    if ('usage' in ids) throw new EngineError('internal', 'a token id on a GPU that this backend does not use');
    const { vocabSize } = this.config.text;
    const logits = new Float32Array(logitsToKeep * vocabSize);
    for (const batch of batchesOf(pictures, start, end)) {
      const { picture } = batch;
      const remaining = end - batch.end;
      const rows = Math.max(0, Math.min(batch.end - batch.start, logitsToKeep - remaining));
      const batchIds = ids.slice(batch.start - start, batch.end - start);
      const features = picture && {
        features: this.featuresOf(picture, batch),
        bidirectional: this.bidirectionalImages,
      };
      const firstRow = Math.max(0, logitsToKeep - remaining - rows);
      logits.set(this.decoder.forward(batchIds, batch.start, rows, features), firstRow * vocabSize);
      this.cache.advanceTo(batch.end);
      // A call into WebAssembly blocks the thread, and a stop message is heard only between two calls.
      if (remaining > 0) await yieldToEventLoop();
    }
    if (logitsToKeep === 0) return null;
    return new Logits({ rows: logitsToKeep, vocabSize, type: 'float32', storage: { data: logits } });
  }

  /** float32 [batch's tokens, hiddenSize] */
  private featuresOf({ start, features }: PromptPicture, batch: Batch): Float32Array {
    const width = this.config.text.hiddenSize;
    return features.subarray((batch.start - start) * width, (batch.end - start) * width);
  }

  dispose(): void {
    this.cache.dispose();
    this.decoder.dispose();
  }
}
