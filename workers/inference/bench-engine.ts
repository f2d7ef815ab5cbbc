/** Our engine on given token ids, for the bench: the app's own code, without messages around it. */
import type { OpenBenchEngine } from '../../protocol/bench.ts';
import { GREEDY_SAMPLING } from '../../protocol/sampling.ts';
import { decode } from './generate.ts';
import { openModel } from './model/model.ts';
import { readProcessorFiles } from './model/processor-files.ts';
import { createProcessor } from './prompt/processor.ts';
import { loadOrt } from './backends/ort/ort.ts';
import type { TokenSamplers } from './backends/webgpu/sampler.ts';

/** The bench generates a number of tokens, so that no id ends the answer. */
const stopIds: ReadonlySet<number> = new Set();

/**
 * Opens a model for the bench.
 * @param options the model's folder, device and dtype (protocol/bench.ts)
 * @returns the model as the bench drives it
 */
export const open: OpenBenchEngine = async ({ base, name, device, dtype }) => {
  const { decoder, encoder, createSampler, config, folder, dispose } = await openModel(base + name, { device, dtype });
  // The processor is not used here, but it is part of the time that loading takes.
  createProcessor(await readProcessorFiles(folder), config);
  const { versions, wasm } = (await loadOrt(device)).env;
  let samplers: TokenSamplers | null = null;
  let pictures = 0;
  return {
    about: {
      version: '',
      onnxruntime: versions.web ?? '',
      threads: wasm.numThreads ?? 1,
      vocabSize: config.text.vocabSize,
      contextLength: decoder.capacity,
      pictureSize: encoder ? (config.vision?.imageSize ?? null) : null,
    },
    async generate(ids, count, onToken) {
      const prefilledTokens = ids.length - (await decoder.reuse({ ids, pictures: [] }));
      const logits = await decoder.prefill({ ids, pictures: [] });
      if (logits.onGpu && createSampler) samplers ??= createSampler(logits.vocabSize);
      const tokens: number[] = [];
      await decode(logits, {
        ...{ decoder, samplers, sampling: GREEDY_SAMPLING, stopIds, maxNewTokens: count, prompt: ids },
        onToken(id) {
          tokens.push(id);
          onToken();
        },
      });
      return { tokens, prefilledTokens };
    },
    clearCache: () => {
      decoder.clear();
    },
    async encodePicture(pixels) {
      // Each picture has another key, or its features would be taken from the cache.
      await encoder?.encode(`picture ${pictures++}`, pixels);
    },
    async dispose() {
      samplers?.dispose();
      await dispose();
    },
  };
};
