/** The decode loop, over a scripted backend: which tokens come, why it ends, and what the cache holds then. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { EngineError } from '../../protocol/engine.ts';
import { GREEDY_SAMPLING } from '../../protocol/sampling.ts';
import { yieldToEventLoop } from './backends/yield-to-event-loop.ts';
import { Decoder } from './cache/decoder.ts';
import { decode, type DecodeOptions } from './generate.ts';
import { Gate, ScriptedBackend, ScriptedSamplers } from './testing/scripted-model.ts';

vi.mock('./backends/yield-to-event-loop.ts', () => ({ yieldToEventLoop: vi.fn() }));
const pause = vi.mocked(yieldToEventLoop);

const PROMPT = [7, 8, 9];
const STOP = 5;

/** A decoder that has read the prompt and goes on with `ids`; after them with a letter. */
async function prefilled(ids: readonly number[], { onGpu, capacity = 20 }: { onGpu: boolean; capacity?: number }) {
  const backend = new ScriptedBackend((cached) => ids[cached.length - PROMPT.length] ?? 30, onGpu);
  const samplers = new ScriptedSamplers();
  const decoder = new Decoder(backend, { capacity, chunkSize: 8 });
  const first = await decoder.prefill({ ids: PROMPT, pictures: [] });
  const tokens: number[] = [];
  const run = (options: Partial<DecodeOptions> = {}) =>
    decode(first, {
      ...{ decoder, samplers: onGpu ? samplers : null, sampling: GREEDY_SAMPLING, stopIds: new Set([STOP]) },
      ...{ maxNewTokens: Infinity, prompt: PROMPT, onToken: (id: number) => tokens.push(id) },
      ...options,
    });
  /** The tokens of the answer that the cache holds, after the prompt. */
  const cached = () => {
    expect(backend.cached.slice(0, PROMPT.length)).toEqual(PROMPT);
    expect(decoder.length).toBe(backend.cached.length);
    return backend.cached.slice(PROMPT.length);
  };
  /** Tokens of a continued conversation that need not be processed again: the decoder knows which ids it holds. */
  const reusable = (answer: readonly number[]) =>
    decoder.reusableLength({ ids: [...PROMPT, ...answer, 31, 31], pictures: [] }) - PROMPT.length;
  return { backend, samplers, decoder, first, tokens, run, cached, reusable };
}

afterEach(() => {
  vi.restoreAllMocks();
  pause.mockReset();
});

describe.each([
  { where: 'the CPU', onGpu: false },
  { where: 'the GPU', onGpu: true },
])('tokens chosen on $where', ({ onGpu }) => {
  it('come until a stop token, which is not part of the answer', async () => {
    const { run, tokens, cached, backend, reusable } = await prefilled([10, 11, 12, STOP], { onGpu });
    expect(await run()).toBe('stop');
    expect(tokens).toEqual([10, 11, 12]);
    // The step that was read ahead of the stop token is taken back.
    expect(cached()).toEqual([10, 11, 12]);
    expect(reusable([10, 11, 12])).toBe(3);
    expect(backend.openLogits).toBe(0);
  });

  it('may be none', async () => {
    const { run, tokens, cached, backend } = await prefilled([STOP], { onGpu });
    expect(await run()).toBe('stop');
    expect(tokens).toEqual([]);
    expect(cached()).toEqual([]);
    expect(backend.openLogits).toBe(0);
  });

  it.each([1, 2, 5])('are at most %i where that is asked for', async (maxNewTokens) => {
    const { run, tokens, cached, backend } = await prefilled([10, 11, 12, 13, 14, 15], { onGpu });
    expect(await run({ maxNewTokens })).toBe('length');
    expect(tokens).toEqual([10, 11, 12, 13, 14].slice(0, maxNewTokens));
    // The last token is not processed, since nothing follows it.
    expect(cached()).toEqual(tokens.slice(0, -1));
    expect(backend.passes).toEqual([3, ...tokens.slice(1).map(() => 1)]);
    expect(backend.openLogits).toBe(0);
  });

  it('end with a stop token that is also the last that may come', async () => {
    const { run, tokens } = await prefilled([10, STOP], { onGpu });
    expect(await run({ maxNewTokens: 2 })).toBe('stop');
    expect(tokens).toEqual([10]);
  });

  it('end when the context is full', async () => {
    const { run, tokens, cached, backend } = await prefilled([10, 11, 12, 13], { onGpu, capacity: 5 });
    expect(await run()).toBe('context-full');
    // Two tokens fit after the prompt; the third needs no room, since nothing follows it.
    expect(tokens).toEqual([10, 11, 12]);
    expect(cached()).toEqual([10, 11]);
    expect(backend.openLogits).toBe(0);
  });

  it('end with one token where the prompt fills the context', async () => {
    const { run, tokens, cached } = await prefilled([10, 11], { onGpu, capacity: 3 });
    expect(await run()).toBe('context-full');
    expect(tokens).toEqual([10]);
    expect(cached()).toEqual([]);
  });

  it('end with a stop token also where the context is full', async () => {
    const { run, tokens } = await prefilled([10, STOP], { onGpu, capacity: 4 });
    expect(await run()).toBe('stop');
    expect(tokens).toEqual([10]);
  });

  it('are one where the signal is aborted from the beginning', async () => {
    const { run, tokens, cached, backend } = await prefilled([10, 11], { onGpu });
    expect(await run({ signal: AbortSignal.abort() })).toBe('aborted');
    expect(tokens).toEqual([10]);
    expect(cached()).toEqual([]);
    expect(backend.openLogits).toBe(0);
  });

  it('end with the token during which the signal is aborted', async () => {
    const { run, tokens, backend, reusable } = await prefilled([10, 11, 12, 13], { onGpu });
    const controller = new AbortController();
    const onToken = (id: number) => {
      tokens.push(id);
      if (id === 11) controller.abort();
    };
    expect(await run({ signal: controller.signal, onToken })).toBe('aborted');
    expect(tokens).toEqual([10, 11]);
    // Whatever the cache holds is the beginning of the answer.
    expect(reusable(tokens)).toBe(backend.cached.length - PROMPT.length);
    expect(backend.openLogits).toBe(0);
  });

  it('let the worker receive messages between them, one of which may abort', async () => {
    const { run, tokens, cached, backend } = await prefilled([10, 11, 12, 13, 14], { onGpu });
    const controller = new AbortController();
    pause.mockImplementation(() => {
      if (tokens.length === 2) controller.abort();
      return Promise.resolve();
    });
    expect(await run({ signal: controller.signal })).toBe('aborted');
    expect(pause).toHaveBeenCalledTimes(2);
    // The logits of the third are there already; they are not read ahead of.
    expect(tokens).toEqual([10, 11, 12]);
    expect(cached()).toEqual([10, 11]);
    expect(backend.openLogits).toBe(0);
  });

  it('reject as a step does', async () => {
    const { run, tokens, cached, backend } = await prefilled([10, 11, 12], { onGpu });
    const failure = new Error('the device is gone');
    let steps = 0;
    backend.onForward = () => {
      if (++steps === 2) throw failure;
    };
    await expect(run()).rejects.toBe(failure);
    expect(tokens).toEqual(onGpu ? [10] : [10, 11]);
    expect(cached()).toEqual([10]);
    expect(backend.openLogits).toBe(0);
  });

  it('dispose of their logits also where the token’s receiver throws', async () => {
    const { run, backend } = await prefilled([10, 11, 12], { onGpu });
    const failure = new Error('cannot be shown');
    const onToken = () => {
      throw failure;
    };
    await expect(run({ onToken })).rejects.toBe(failure);
    expect(backend.openLogits).toBe(0);
  });

  it('are refused settings that are wrong', async () => {
    const { run, backend, cached } = await prefilled([10], { onGpu });
    await expect(run({ sampling: { ...GREEDY_SAMPLING, temperature: -1 } })).rejects.toMatchObject({
      code: 'bad-request',
    });
    expect(cached()).toEqual([]);
    expect(backend.openLogits).toBe(0);
  });
});

describe('tokens chosen on the GPU', () => {
  const onGpu = true;

  it('are read ahead: the next step runs before the choice is known', async () => {
    const { run, samplers, backend, tokens } = await prefilled([10, 11, STOP], { onGpu });
    const known = new Gate();
    samplers.onChoice = () => known.passed.then(() => true);
    const running = run();
    await expect.poll(() => backend.passes).toEqual([3, 1]);
    expect(tokens).toEqual([]);
    known.open();
    expect(await running).toBe('stop');
    expect(tokens).toEqual([10, 11]);
  });

  it('are chosen with the settings, and with the prompt and the answer so far', async () => {
    const { run, samplers } = await prefilled([10, 11, STOP], { onGpu });
    const sampling = { ...GREEDY_SAMPLING, repetition_penalty: 1.1 };
    await run({ sampling });
    expect(samplers.began.mock.calls).toEqual([[sampling]]);
    expect(samplers.histories).toEqual([PROMPT, [...PROMPT, 10], [...PROMPT, 10, 11]]);
  });

  it('are forgotten where the signal is aborted while a choice is on its way', async () => {
    const { run, samplers, tokens, cached, backend } = await prefilled([10, 11, 12, 13], { onGpu });
    const controller = new AbortController();
    const known = new Gate();
    samplers.onChoice = async (id) => {
      if (id === 11) await known.passed;
      return true;
    };
    const running = run({ signal: controller.signal });
    await expect.poll(() => backend.passes).toEqual([3, 1, 1]);
    controller.abort();
    known.open();
    expect(await running).toBe('aborted');
    expect(tokens).toEqual([10, 11]);
    expect(cached()).toEqual([10]);
    expect(backend.openLogits).toBe(0);
  });

  it('end with a stop token that is known only after the signal is aborted', async () => {
    const { run, samplers, tokens, cached, backend } = await prefilled([10, STOP], { onGpu });
    const controller = new AbortController();
    samplers.onChoice = (id) => {
      if (id === STOP) controller.abort();
      return true;
    };
    expect(await run({ signal: controller.signal })).toBe('stop');
    expect(tokens).toEqual([10]);
    expect(cached()).toEqual([10]);
    expect(backend.openLogits).toBe(0);
  });

  it('are the CPU’s where the GPU cannot choose one, and the step that was read ahead is taken back', async () => {
    const { run, samplers, tokens, cached, backend, reusable } = await prefilled([10, 11, 12, STOP], { onGpu });
    samplers.onChoice = (id) => id !== 11;
    expect(await run()).toBe('stop');
    expect(tokens).toEqual([10, 11, 12]);
    expect(cached()).toEqual([10, 11, 12]);
    expect(reusable([10, 11, 12])).toBe(3);
    // Token 11 was processed twice: ahead, and after the CPU's choice. The stop token was read ahead, too.
    expect(backend.passes).toEqual([3, 1, 1, 1, 1, 1]);
    expect(backend.openLogits).toBe(0);
  });

  it('are the CPU’s where the sampler does not take the settings', async () => {
    const { run, samplers, tokens, backend } = await prefilled([10, 11, STOP], { onGpu });
    vi.spyOn(samplers, 'begin').mockResolvedValue(null);
    expect(await run()).toBe('stop');
    expect(tokens).toEqual([10, 11]);
    expect(samplers.histories).toEqual([]);
    expect(backend.passes).toEqual([3, 1, 1]);
    expect(backend.openLogits).toBe(0);
  });

  it('leave the cache as it was where a choice is rejected', async () => {
    const { run, samplers, tokens, cached, backend, reusable } = await prefilled([10, 11, 12], { onGpu });
    const failure = new EngineError('internal', 'the model gave logits that are not finite numbers');
    samplers.onChoice = (id) => {
      if (id === 11) throw failure;
      return true;
    };
    await expect(run()).rejects.toBe(failure);
    expect(tokens).toEqual([10]);
    expect(cached()).toEqual([10]);
    expect(reusable([10])).toBe(1);
    expect(backend.openLogits).toBe(0);
  });

  it('reject as the step does, also where the choice is rejected, too', async () => {
    const { run, samplers, backend } = await prefilled([10, 11], { onGpu });
    const failure = new Error('the step failed');
    backend.onForward = () => {
      throw failure;
    };
    samplers.onChoice = () => {
      throw new Error('the choice failed');
    };
    await expect(run()).rejects.toBe(failure);
    expect(backend.openLogits).toBe(0);
  });

  it('await a step also where the choice has been rejected already', async () => {
    const { run, samplers, backend } = await prefilled([10, 11], { onGpu });
    const stepping = new Gate();
    backend.onForward = () => stepping.passed;
    samplers.onChoice = () => {
      throw new EngineError('device-lost');
    };
    let settled = false;
    const running = run().finally(() => {
      settled = true;
    });
    running.catch(() => undefined);
    await expect.poll(() => samplers.histories).toHaveLength(1);
    for (let i = 0; i < 10; i++) await Promise.resolve();
    expect(settled).toBe(false);
    stepping.open();
    await expect(running).rejects.toMatchObject({ code: 'device-lost' });
    expect(backend.openLogits).toBe(0);
  });

  it('dispose of the prompt’s logits where the sampler cannot begin', async () => {
    const { run, samplers, backend } = await prefilled([10], { onGpu });
    const failure = new EngineError('device-lost');
    vi.spyOn(samplers, 'begin').mockRejectedValue(failure);
    await expect(run()).rejects.toBe(failure);
    expect(backend.openLogits).toBe(0);
  });
});
