/** Reads all tokens by our own kernels on the CPU: text some tokens at a time, pictures whole. */
import { EngineError } from '../../../../protocol/engine.ts';
import type { Gemma3Config } from '../../../../protocol/gemma3-config.ts';
import { yieldToEventLoop } from '../yield-to-event-loop.ts';
import type { Ort } from '../ort/ort.ts';
import { Logits } from '../../backend-interface/logits.ts';
import type { PromptPicture, Backend, ForwardInput } from '../../backend-interface/backend.ts';
import { WasmKvCache } from './kv-cache.ts';
import type { WasmDecoder } from './wasm-decoder.ts';
import { MAX_TOKENS } from './kernels/constants.ts';

/** Tokens that are read at once. */
interface Part {
  start: number;
  end: number;
  picture?: PromptPicture;
}

function* partsOf(pictures: readonly PromptPicture[], start: number, end: number): Generator<Part> {
  for (let at = start; at < end;) {
    const picture = pictures.find((one) => one.start <= at && at < one.start + one.length);
    const next = Math.min(...pictures.filter((one) => one.start > at).map((one) => one.start));
    const stop = picture ? Math.min(end, picture.start + picture.length) : Math.min(end, next, at + MAX_TOKENS);
    yield { start: at, end: stop, ...(picture ? { picture } : {}) };
    at = stop;
  }
}

export class WasmBackend implements Backend {
  readonly cache: WasmKvCache;

  /** @param bidirectionalImages the graph lets a picture's tokens see each other */
  constructor(
    private readonly ort: Ort,
    private readonly decoder: WasmDecoder,
    private readonly config: Gemma3Config,
    readonly bidirectionalImages: boolean,
  ) {
    this.cache = new WasmKvCache(decoder.slots(), config.text);
  }

  async forward({ ids, pictures, start, end }: ForwardInput, keep: number): Promise<Logits | null> {
    if ('usage' in ids) throw new EngineError('internal', 'an id on the GPU, without one');
    const { vocabSize } = this.config.text;
    const logits = new Float32Array(keep * vocabSize);
    for (const part of partsOf(pictures, start, end)) {
      const { picture } = part;
      const after = end - part.end;
      const kept = Math.max(0, Math.min(part.end - part.start, keep - after));
      const some = ids.slice(part.start - start, part.end - start);
      const given = picture && { features: this.featuresOf(picture, part), whole: this.bidirectionalImages };
      const row = Math.max(0, keep - after - kept);
      logits.set(this.decoder.forward(some, part.start, kept, given), row * vocabSize);
      this.cache.advanceTo(part.end);
      // All of it is one call after another otherwise.
      if (after > 0) await yieldToEventLoop();
    }
    if (keep === 0) return null;
    return new Logits(new this.ort.Tensor('float32', logits, [1, keep, vocabSize]), undefined);
  }

  /** [part's tokens, hiddenSize] */
  private featuresOf({ start, features }: PromptPicture, part: Part): Float32Array {
    const width = this.config.text.hiddenSize;
    return features.subarray((part.start - start) * width, (part.end - start) * width);
  }

  dispose(): void {
    this.cache.dispose();
    this.decoder.dispose();
  }
}
