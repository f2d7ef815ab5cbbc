/**
 * The decode loop: logits to tokens, one after another. Where the GPU chooses the token, the next step is begun before the
 * choice is known here: it reads the id where the sampler wrote it, so the GPU is never idle while four bytes travel. A
 * step that turns out to follow the answer's end is forgotten.
 */
import type { FinishReason, Sampling } from '../../protocol/engine.ts';
import { yieldToEventLoop } from './backends/yield-to-event-loop.ts';
import type { Decoder } from './cache/decoder.ts';
import type { Logits } from './backend-interface/logits.ts';
import type { GpuSampler, GpuSamplers } from './backends/webgpu/sampler.ts';
import { Sampler } from './sampling/sampler.ts';

export interface DecodeOptions {
  decoder: Decoder;
  /** Null where logits are not on the GPU. */
  samplers: GpuSamplers | null;
  sampling: Sampling;
  /** The answer ends before any of these. */
  stopIds: ReadonlySet<number>;
  maxNewTokens: number;
  signal?: AbortSignal | undefined;
  /** The prompt's ids. */
  prompt: readonly number[];
  onToken(id: number): void;
}

/** The next token, and the run that reads it if that has begun. */
interface Next {
  id: number;
  ahead: Logits | null;
}

/** @param logits the prompt's last. @throws EngineError */
export async function decode(logits: Logits, options: DecodeOptions): Promise<FinishReason> {
  const { decoder, samplers, sampling, stopIds, maxNewTokens, signal, onToken } = options;
  const history = [...options.prompt];
  const onCpu = new Sampler(sampling);
  const onGpu = (await samplers?.begin(sampling)) ?? null;

  for (let made = 1; ; made++) {
    const last = made >= maxNewTokens || decoder.length >= decoder.capacity || signal?.aborted === true;
    const { id, ahead } = await choose(logits, { decoder, onCpu, onGpu, history, readAhead: !last });
    logits.dispose();
    const stop = stopIds.has(id);
    if (stop || signal?.aborted) forget(decoder, ahead);
    if (stop) return 'stop';
    history.push(id);
    onToken(id);
    if (signal?.aborted) return 'aborted';
    if (made >= maxNewTokens) return 'length';
    if (!ahead && decoder.length >= decoder.capacity) return 'context-full';
    logits = ahead ?? (await decoder.step(id));
    // The stop message is only heard when this worker comes up for air.
    await yieldToEventLoop();
  }
}

interface ChooseOptions {
  decoder: Decoder;
  onCpu: Sampler;
  onGpu: GpuSampler | null;
  history: readonly number[];
  /** Whether a token will be wanted after this one. */
  readAhead: boolean;
}

async function choose(logits: Logits, { decoder, onCpu, onGpu, history, readAhead }: ChooseOptions): Promise<Next> {
  const gpuLogits = logits.onGpu;
  if (!onGpu || !gpuLogits) return { id: onCpu.next(await logits.lastRows(), history), ahead: null };
  const choice = onGpu.next(gpuLogits, history);
  // Both are awaited whatever becomes of either: the runtime does one thing at a time.
  const [chosen, read] = await Promise.allSettled([choice.id, readAhead ? decoder.step(choice.buffer) : null]);
  if (read.status === 'rejected') throw read.reason;
  if (chosen.status === 'rejected') throw chosen.reason;
  if (chosen.value === null) {
    forget(decoder, read.value);
    return { id: onCpu.next(await logits.lastRows(), history), ahead: null };
  }
  if (read.value) decoder.resolveToken(chosen.value);
  return { id: chosen.value, ahead: read.value };
}

/** Takes back a step that nobody wants. */
function forget(decoder: Decoder, ahead: Logits | null): void {
  if (!ahead) return;
  ahead.dispose();
  decoder.stepBack();
}
