/** Our engine on given token ids, for the bench: the app's own code, without messages around it. */
import type { OpenBenchEngine } from '../../protocol/bench.ts';
import { decode } from './generate.ts';
import { openModel } from './model/model.ts';
import { openPrompting } from './prompt/prompting.ts';
import { loadOrt } from './backends/ort/ort.ts';
import { GpuSamplers } from './backends/webgpu/sampler.ts';

const sampling = { temperature: 0, top_k: 0, top_p: 1, min_p: 0, repetition_penalty: 1 };
/** Ends of answers are tokens like others here. */
const stopIds: ReadonlySet<number> = new Set();

export const open: OpenBenchEngine = async ({ base, name, device, dtype }) => {
  const { decoder, encoder, sampler, config, folder, dispose } = await openModel(base + name, { device, dtype });
  // Not used here, but part of what loading costs.
  await openPrompting(folder, config);
  const { versions, wasm } = (await loadOrt(device)).env;
  let samplers: GpuSamplers | null = null;
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
      const gpuLogits = logits.onGpu;
      if (gpuLogits && sampler) samplers ??= new GpuSamplers(gpuLogits.device, sampler, logits.vocabSize);
      const tokens: number[] = [];
      await decode(logits, {
        ...{ decoder, samplers, sampling, stopIds, maxNewTokens: count, prompt: ids },
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
      // Another name each time, or it would be remembered.
      await encoder?.encode(`picture ${pictures++}`, pixels);
    },
    async dispose() {
      samplers?.dispose();
      await dispose();
    },
  };
};
