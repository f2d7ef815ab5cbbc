/**
 * The decode loop: logits to tokens, one after another. Where the GPU chooses the token, the next step begins before the
 * choice is known here: it reads the id where the sampler wrote it, so that the GPU is not idle while four bytes travel. A
 * step that turns out to follow the answer's end is taken back.
 */
import type { FinishReason } from '../../protocol/engine.ts';
import type { Sampling } from '../../protocol/sampling.ts';
import type { Logits } from './backend-interface/logits.ts';
import type { GpuSampler, TokenSamplers } from './backends/webgpu/sampler.ts';
import { yieldToEventLoop } from './backends/yield-to-event-loop.ts';
import type { Decoder } from './cache/decoder.ts';
import { Sampler } from './sampling/sampler.ts';

export interface DecodeOptions {
  /** Its cache holds the prompt. */
  decoder: Decoder;
  /** Null where logits are not on the GPU. */
  samplers: TokenSamplers | null;
  sampling: Sampling;
  /** Ids that end the answer and are not part of it. */
  stopIds: ReadonlySet<number>;
  /** At least 1. */
  maxNewTokens: number;
  signal?: AbortSignal | undefined;
  /** The prompt's ids, for repetition_penalty. */
  prompt: readonly number[];
  /** Is given each token of the answer as it is chosen. */
  onToken(id: number): void;
}

/**
 * Generates an answer. Afterwards the decoder's cache holds the prompt and a prefix of the answer.
 * @param first the logits of the prompt's last token; they are disposed of.
 * @param options the decoder, how tokens are chosen, and when the answer ends.
 * @returns why the answer ended. Rejects with EngineError: `internal` for logits that are not finite numbers, and with what
 *   the decoder and the samplers do; the cache is as the decoder left it then.
 */
export async function decode(first: Logits, options: DecodeOptions): Promise<FinishReason> {
  const { decoder, samplers, sampling, stopIds, maxNewTokens, signal, onToken } = options;
  const history = [...options.prompt];
  let logits: Logits | null = first;
  try {
    const cpuSampler = new Sampler(sampling);
    const gpuSampler = (await samplers?.begin(sampling)) ?? null;
    for (let count = 1; ; count++) {
      const readAhead = count < maxNewTokens && decoder.length < decoder.capacity && !signal?.aborted;
      const { id, ahead } = await choose(logits, { decoder, cpuSampler, gpuSampler, history, readAhead });
      logits.dispose();
      logits = ahead;
      const stop = stopIds.has(id);
      if (ahead && (stop || signal?.aborted)) decoder.stepBack();
      if (stop) return 'stop';
      history.push(id);
      onToken(id);
      if (signal?.aborted) return 'aborted';
      if (count >= maxNewTokens) return 'length';
      if (!logits && decoder.length >= decoder.capacity) return 'context-full';
      logits ??= await decoder.step(id);
      // The worker receives messages, such as the one that aborts, only between tasks.
      await yieldToEventLoop();
    }
  } finally {
    logits?.dispose();
  }
}

interface ChooseOptions {
  decoder: Decoder;
  cpuSampler: Sampler;
  gpuSampler: GpuSampler | null;
  history: readonly number[];
  /** Whether to begin the step after this token before its id is known. */
  readAhead: boolean;
}

/** A chosen token, and the next token's logits where the step that gives them has run already. */
interface Choice {
  id: number;
  ahead: Logits | null;
}

async function choose(
  logits: Logits,
  { decoder, cpuSampler, gpuSampler, history, readAhead }: ChooseOptions,
): Promise<Choice> {
  const onCpu = async () => ({ id: cpuSampler.next(await logits.lastRows(), history), ahead: null });
  const gpuLogits = logits.onGpu;
  if (!gpuSampler || !gpuLogits) return onCpu();
  const choice = gpuSampler.next(gpuLogits, history);
  // Both are awaited even if one fails: the runtime does one thing at a time.
  const [chosen, step] = await Promise.allSettled([choice.id, readAhead ? decoder.step(choice.buffer) : null]);
  if (step.status === 'rejected') throw step.reason;
  const id = chosen.status === 'fulfilled' ? chosen.value : null;
  if (id === null && step.value) {
    step.value.dispose();
    decoder.stepBack();
  }
  if (chosen.status === 'rejected') throw chosen.reason;
  if (id === null) return onCpu();
  if (step.value) decoder.resolveToken(id);
  return { id, ahead: step.value };
}
