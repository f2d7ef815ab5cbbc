/** The engine over a scripted model: what may happen when, what is freed, and what each call reports. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { EngineError, type LoadProgress, type Message } from '../../protocol/engine.ts';
import { DEFAULT_SAMPLING } from '../../protocol/sampling.ts';
import { type EngineParts, InferenceEngine } from './engine.ts';
import type { Model } from './model/model.ts';
import {
  answering,
  Gate,
  idsOf,
  type Script,
  scriptedModel,
  type ScriptedModelOptions,
} from './testing/scripted-model.ts';
import type { VisionEncoder } from './vision/encoder.ts';

vi.mock('./vision/preprocess.ts', async (importOriginal) => ({
  ...(await importOriginal<object>()),
  preparePicture: () => Promise.resolve(new Float32Array(3)),
}));

const ask = (content: Message['content']): Message[] => [{ role: 'user', content }];
const HELLO = answering(idsOf('hello'));
/** The ids of a question's prompt. */
const promptOf = (question: string) => [
  ...[...idsOf('<bos>'), ...idsOf('<start_of_turn>'), ...idsOf(`user\n${question}`), ...idsOf('<end_of_turn>')],
  ...[...idsOf('\n'), ...idsOf('<start_of_turn>'), ...idsOf('model\n')],
];

afterEach(() => {
  vi.restoreAllMocks();
});

/** An engine whose models are given in turn; an Error is a load that fails. */
function engineOf(...models: (Model | Error)[]) {
  const openModel = vi.fn<EngineParts['openModel']>(() => {
    const next = models.shift();
    return next instanceof Error || !next ? Promise.reject(next ?? new Error('no more models')) : Promise.resolve(next);
  });
  const inspectGpu = vi.fn<EngineParts['inspectGpu']>(() => Promise.resolve(null));
  const onLost = vi.fn<(detail: string) => void>();
  return { engine: new InferenceEngine({ openModel, inspectGpu }, onLost), openModel, inspectGpu, onLost };
}

async function loaded(options: Partial<ScriptedModelOptions> = {}) {
  const scripted = scriptedModel({ script: HELLO, ...options });
  const all = { ...scripted, ...engineOf(scripted.model) };
  await all.engine.load('scripted', {});
  scripted.backend.passes.length = 0;
  let text = '';
  const onDelta = (delta: string) => {
    text += delta;
  };
  return { ...all, onDelta, text: () => text };
}

const failsWith = (code: string) => expect.objectContaining({ code }) as unknown;

describe('loading', () => {
  it('opens the model with the options, warms it up and describes it', async () => {
    const { model, backend } = scriptedModel({ script: HELLO, capacity: 100 });
    const { engine, openModel } = engineOf(model);
    const progress: LoadProgress[] = [];
    const onProgress = (step: LoadProgress) => progress.push(step);
    const { signal } = new AbortController();
    const loadedModel = await engine.load('folder', { dtype: 'q4', contextLength: 100, onProgress, signal });
    expect(openModel.mock.calls).toEqual([['folder', { dtype: 'q4', contextLength: 100 }, onProgress, signal]]);
    expect(loadedModel).toEqual({
      ...{ id: 'scripted', dtype: 'q4', device: 'wasm', adapter: '', vision: false, contextLength: 100 },
      sampling: DEFAULT_SAMPLING,
    });
    expect(await engine.status()).toEqual({ state: 'ready', model: loadedModel });
    expect(progress).toEqual([
      { stage: 'warmup', done: 0, total: 1 },
      { stage: 'warmup', done: 1, total: 1 },
    ]);
    // One prompt and one step, of which nothing stays.
    expect(backend.passes).toEqual([4, 1]);
    expect(backend.cached).toEqual([]);
    expect(backend.openLogits).toBe(0);
  });

  it('says why the CPU is used, and takes the model’s own sampling', async () => {
    const { model, files } = scriptedModel({ script: HELLO });
    files['generation_config.json'] = { temperature: 0.5, top_k: 3 };
    const { engine } = engineOf({ ...model, fallback: 'no-webgpu' });
    expect(await engine.load('folder', {})).toMatchObject({
      fallback: 'no-webgpu',
      sampling: { temperature: 0.5, top_k: 3, top_p: 0.95 },
    });
  });

  it('warms up the GPU’s sampler with the model’s settings', async () => {
    const { engine, samplers, model, backend } = await loaded({ onGpu: true });
    expect(model.createSampler).toHaveBeenCalledOnce();
    expect(samplers.began.mock.calls).toEqual([[expect.objectContaining({ top_k: 64 })]]);
    expect(samplers.histories).toEqual([[]]);
    expect(backend.openLogits).toBe(0);
    expect(await engine.status()).toMatchObject({ model: { device: 'webgpu', adapter: 'scripted adapter' } });
  });

  it('warms up a context that holds one prompt token only', async () => {
    const { model, backend } = scriptedModel({ script: HELLO, capacity: 2 });
    const { engine } = engineOf(model);
    await engine.load('folder', {});
    expect(backend.passes).toEqual([1, 1]);
  });

  it('takes no step in a context that its prompt fills', async () => {
    const { model, backend, decoder } = scriptedModel({ script: HELLO, capacity: 5 });
    vi.spyOn(decoder, 'capacity', 'get').mockReturnValueOnce(5).mockReturnValue(4);
    await engineOf(model).engine.load('folder', {});
    expect(backend.passes).toEqual([4]);
  });

  it.each<[string, (scripted: ReturnType<typeof scriptedModel>) => void]>([
    ['the model’s files are not supported', ({ files }) => (files['tokenizer.json'] = { model: { type: 'Unigram' } })],
    ['the prompt of the warm-up fails', ({ backend }) => (backend.onForward = () => fail())],
    [
      'the step of the warm-up fails',
      ({ backend }) => {
        backend.onForward = ({ start }) => (start > 0 ? fail() : undefined);
      },
    ],
    ['the choice of the warm-up fails', ({ samplers }) => (samplers.onChoice = () => fail())],
  ])('frees the model once where %s', async (_, change) => {
    const scripted = scriptedModel({ script: HELLO, onGpu: true });
    change(scripted);
    const { engine, onLost } = engineOf(scripted.model);
    await expect(engine.load('folder', {})).rejects.toThrow();
    expect(scripted.dispose).toHaveBeenCalledOnce();
    expect(scripted.samplers.dispose.mock.calls.length).toBe(scripted.samplers.began.mock.calls.length);
    expect(scripted.backend.openLogits).toBe(0);
    expect(await engine.status()).toEqual({ state: 'empty' });
    expect(onLost).not.toHaveBeenCalled();
  });

  function fail(): never {
    throw new EngineError('out-of-memory', 'scripted');
  }

  it('can be tried again after it failed', async () => {
    const { model, dispose } = scriptedModel({ script: HELLO });
    const { engine } = engineOf(new EngineError('network', 'the line broke'), model);
    await expect(engine.load('first', {})).rejects.toEqual(failsWith('network'));
    expect(await engine.status()).toEqual({ state: 'empty' });
    await expect(engine.generate(ask('hi'), { onDelta: vi.fn() })).rejects.toEqual(failsWith('model-missing'));
    expect(await engine.load('second', {})).toMatchObject({ id: 'scripted' });
    expect(dispose).not.toHaveBeenCalled();
  });

  it('frees the model that was loaded before it opens another', async () => {
    const [first, second] = [scriptedModel({ script: HELLO, onGpu: true }), scriptedModel({ script: HELLO })];
    const { engine, openModel } = engineOf(first.model, second.model);
    await engine.load('first', {});
    openModel.mockImplementationOnce(() => {
      expect(first.dispose).toHaveBeenCalledOnce();
      expect(first.samplers.dispose).toHaveBeenCalledOnce();
      return Promise.resolve(second.model);
    });
    await engine.load('second', {});
    await engine.unload();
    expect(first.dispose).toHaveBeenCalledOnce();
    expect(second.dispose).toHaveBeenCalledOnce();
    // A model that is not loaded is not freed again.
    await engine.unload();
    expect(second.dispose).toHaveBeenCalledOnce();
    expect(await engine.status()).toEqual({ state: 'empty' });
  });

  it('ends as aborted where the signal is aborted during the warm-up, and frees everything', async () => {
    const { model, backend, dispose, samplers } = scriptedModel({ script: HELLO, onGpu: true });
    const { engine } = engineOf(model);
    const controller = new AbortController();
    backend.onForward = () => controller.abort();
    await expect(engine.load('folder', { signal: controller.signal })).rejects.toEqual(failsWith('aborted'));
    expect(dispose).toHaveBeenCalledOnce();
    expect(samplers.dispose).toHaveBeenCalledOnce();
    expect(await engine.status()).toEqual({ state: 'empty' });
  });

  it('refuses other calls while it is on its way', async () => {
    const { model } = scriptedModel({ script: HELLO });
    const { engine, openModel } = engineOf();
    const opening = new Gate();
    openModel.mockImplementation(() => opening.passed.then(() => model));
    const loading = engine.load('folder', {});
    expect(await engine.status()).toEqual({ state: 'loading', id: 'folder' });
    await expect(engine.load('other', {})).rejects.toEqual(failsWith('busy'));
    await expect(engine.unload()).rejects.toEqual(failsWith('busy'));
    await expect(engine.generate(ask('hi'), { onDelta: vi.fn() })).rejects.toEqual(failsWith('model-missing'));
    await expect(engine.count(ask('hi'))).rejects.toEqual(failsWith('model-missing'));
    opening.open();
    await loading;
    expect(openModel).toHaveBeenCalledOnce();
    expect(await engine.status()).toMatchObject({ state: 'ready' });
  });
});

describe('an answer', () => {
  it('is streamed, and reported with its usage', async () => {
    const { engine, onDelta, text, backend } = await loaded();
    const { reason, usage, timing } = await engine.generate(ask('hi'), { onDelta });
    expect(text()).toBe('hello');
    expect(reason).toBe('stop');
    const promptTokens = promptOf('hi').length;
    expect(usage).toEqual({ promptTokens, reusedTokens: 0, generatedTokens: 5, contextTokens: 100 });
    for (const number of Object.values(timing)) expect(number).toBeGreaterThan(0);
    expect(backend.cached).toEqual([...promptOf('hi'), ...idsOf('hello')]);
    expect(backend.openLogits).toBe(0);
    expect(await engine.status()).toMatchObject({ state: 'ready' });
  });

  it('is chosen with the settings that are asked for, over the model’s', async () => {
    const { engine, onDelta, samplers } = await loaded({ onGpu: true });
    await engine.generate(ask('hi'), { onDelta, sampling: { temperature: 0, seed: 3 } });
    expect(samplers.began).toHaveBeenLastCalledWith(expect.objectContaining({ temperature: 0, seed: 3, top_k: 64 }));
  });

  it('is found in the cache with the ids that the model chose', async () => {
    const { engine, onDelta, backend } = await loaded({ script: answering(idsOf('oath')) });
    await engine.generate(ask('hi'), { onDelta });
    expect(backend.cached).toEqual([...promptOf('hi'), ...idsOf('oath')]);
    const conversation: Message[] = [...ask('hi'), { role: 'assistant', content: 'oath' }, ...ask('again')];
    expect((await engine.count(conversation)).reusedTokens).toBe(promptOf('hi').length + 4);
  });

  it('reports the tokens that were reused', async () => {
    const { engine, onDelta, backend } = await loaded();
    await engine.generate(ask('hi'), { onDelta });
    const conversation: Message[] = [...ask('hi'), { role: 'assistant', content: 'hello' }, ...ask('again')];
    const counted = await engine.count(conversation);
    const reusedTokens = promptOf('hi').length + 5;
    expect(counted).toEqual({ promptTokens: counted.promptTokens, reusedTokens, contextTokens: 100 });
    backend.passes.length = 0;
    const { usage } = await engine.generate(conversation, { onDelta });
    expect(usage).toMatchObject({ promptTokens: counted.promptTokens, reusedTokens });
    const processed = backend.passes.reduce((sum, count) => sum + count, 0);
    expect(processed).toBe(counted.promptTokens - reusedTokens + 5);
  });

  it('is carried on from its last word', async () => {
    const script: Script = (cached) => (cached.at(-1) === idsOf('o')[0] ? idsOf('w')[0] : 5) ?? 5;
    const { engine, onDelta, text, backend } = await loaded({ script });
    const begun: Message[] = [...ask('hi'), { role: 'assistant', content: 'hello' }];
    await engine.generate(begun, { onDelta, continueAnswer: true });
    expect(text()).toBe('w');
    expect(backend.cached).toEqual([...promptOf('hi'), ...idsOf('hellow')]);
    expect(await engine.count(begun, { continueAnswer: true })).toMatchObject({
      promptTokens: promptOf('hi').length + 5,
    });
  });

  it('that is carried on is remembered whole where its beginning is known', async () => {
    const { engine, onDelta } = await loaded({ script: answering(idsOf('thoa')) });
    await engine.generate(ask('hi'), { onDelta, maxNewTokens: 2 });
    await engine.generate([...ask('hi'), { role: 'assistant', content: 'th' }], { onDelta, continueAnswer: true });
    const whole: Message[] = [...ask('hi'), { role: 'assistant', content: 'thoa' }, ...ask('on')];
    expect((await engine.count(whole)).reusedTokens).toBe(promptOf('hi').length + 4);
  });

  it.each([0, -1, NaN])('of at most %d tokens is refused', async (maxNewTokens) => {
    const { engine, onDelta } = await loaded();
    await expect(engine.generate(ask('hi'), { onDelta, maxNewTokens })).rejects.toEqual(failsWith('bad-request'));
    expect(await engine.status()).toMatchObject({ state: 'ready' });
  });

  it('ends at the number of tokens that is asked for', async () => {
    const { engine, onDelta, text } = await loaded();
    const { reason, usage, timing } = await engine.generate(ask('hi'), { onDelta, maxNewTokens: 1 });
    expect([reason, usage.generatedTokens, text()]).toEqual(['length', 1, 'h']);
    expect(timing.decodeRate).toBe(0);
  });

  it('ends when the context is full', async () => {
    const { engine, onDelta, text } = await loaded({ capacity: promptOf('hi').length + 2 });
    const { reason, usage } = await engine.generate(ask('hi'), { onDelta });
    expect([reason, usage.generatedTokens, text()]).toEqual(['context-full', 3, 'hel']);
  });

  it('to a prompt that fills the context is refused', async () => {
    const { engine, onDelta } = await loaded({ capacity: promptOf('hi').length });
    await expect(engine.generate(ask('hi'), { onDelta })).rejects.toEqual(failsWith('prompt-too-long'));
    const { engine: other } = await loaded({ capacity: promptOf('hi').length + 1 });
    expect(await other.generate(ask('hi'), { onDelta })).toMatchObject({ reason: 'context-full' });
  });

  it('shows what is left of a character that did not end', async () => {
    const scripted = scriptedModel({ script: answering(idsOf('yz')) });
    const json = structuredClone(scripted.files['tokenizer.json']) as { model: { vocab: Record<string, number> } };
    const { y, z, ...others } = json.model.vocab;
    // The first two bytes of a character of four.
    json.model.vocab = { ...others, '<0xF0>': y ?? 0, '<0x9F>': z ?? 0 };
    scripted.files['tokenizer.json'] = json;
    const { engine } = engineOf(scripted.model);
    await engine.load('folder', {});
    const deltas: string[] = [];
    await engine.generate(ask('hi'), { onDelta: (delta) => deltas.push(delta) });
    expect(deltas).toEqual(['\uFFFD']);
  });

  it('is one at a time', async () => {
    const { engine, onDelta, backend, openModel } = await loaded();
    const prefilling = new Gate();
    backend.onForward = () => prefilling.passed;
    const generating = engine.generate(ask('hi'), { onDelta });
    expect(await engine.status()).toMatchObject({ state: 'generating' });
    await expect(engine.generate(ask('hi'), { onDelta })).rejects.toEqual(failsWith('busy'));
    await expect(engine.load('other', {})).rejects.toEqual(failsWith('busy'));
    await expect(engine.unload()).rejects.toEqual(failsWith('busy'));
    prefilling.open();
    expect(await generating).toMatchObject({ reason: 'stop' });
    expect(openModel).toHaveBeenCalledOnce();
    await engine.unload();
  });
});

describe('an abort', () => {
  it('before the prompt is processed gives an empty answer', async () => {
    const { engine, onDelta, text, backend } = await loaded();
    const finish = await engine.generate(ask('hi'), { onDelta, signal: AbortSignal.abort() });
    expect(finish).toMatchObject({
      reason: 'aborted',
      usage: { promptTokens: promptOf('hi').length, generatedTokens: 0 },
    });
    expect(finish.timing.decodeRate).toBe(0);
    expect(text()).toBe('');
    expect(backend.passes).toEqual([]);
  });

  it('between two chunks of the prompt keeps those that were processed', async () => {
    const { engine, onDelta, text, backend } = await loaded();
    const controller = new AbortController();
    backend.onForward = ({ start }) => {
      if (start === 8) controller.abort();
    };
    const finish = await engine.generate(ask('hi'), { onDelta, signal: controller.signal });
    expect(finish).toMatchObject({ reason: 'aborted', usage: { generatedTokens: 0 } });
    expect(text()).toBe('');
    expect(backend.cached).toEqual(promptOf('hi').slice(0, 16));
    expect(backend.openLogits).toBe(0);
    backend.onForward = () => undefined;
    expect(await engine.generate(ask('hi'), { onDelta })).toMatchObject({
      reason: 'stop',
      usage: { reusedTokens: 16 },
    });
  });

  it.each([false, true])('between two tokens keeps those that came (on a GPU: %s)', async (onGpu) => {
    const { engine, backend } = await loaded({ onGpu });
    const controller = new AbortController();
    let text = '';
    const onDelta = (delta: string) => {
      text += delta;
      if (text === 'he') controller.abort();
    };
    const finish = await engine.generate(ask('hi'), { onDelta, signal: controller.signal });
    expect(finish).toMatchObject({ reason: 'aborted', usage: { generatedTokens: 2 } });
    expect(text).toBe('he');
    expect(backend.openLogits).toBe(0);
    const next = await engine.generate([...ask('hi'), { role: 'assistant', content: 'he' }, ...ask('go on')], {
      onDelta: vi.fn(),
    });
    expect(next.usage.reusedTokens).toBeGreaterThan(promptOf('hi').length);
  });

  it('while a token is on its way from the GPU ends with that token', async () => {
    const { engine, onDelta, text, samplers, backend } = await loaded({ onGpu: true });
    const controller = new AbortController();
    samplers.onChoice = (id) => {
      if (id === idsOf('e')[0]) controller.abort();
      return true;
    };
    expect(await engine.generate(ask('hi'), { onDelta, signal: controller.signal })).toMatchObject({
      reason: 'aborted',
    });
    expect(text()).toBe('he');
    expect(backend.openLogits).toBe(0);
  });
});

describe('an answer that fails', () => {
  it('empties the cache where the failure is not the engine’s own', async () => {
    const { engine, onDelta, backend } = await loaded();
    const failure = new Error('out of order');
    backend.onForward = ({ start }) => {
      if (start >= 16) throw failure;
    };
    await expect(engine.generate(ask('hi'), { onDelta })).rejects.toBe(failure);
    expect(backend.cached).toEqual([]);
    expect(await engine.status()).toMatchObject({ state: 'ready' });
    backend.onForward = () => undefined;
    expect(await engine.generate(ask('hi'), { onDelta })).toMatchObject({ reason: 'stop', usage: { reusedTokens: 0 } });
  });

  it('keeps the cache where the engine knows the failure', async () => {
    const { engine, onDelta, backend } = await loaded();
    backend.onForward = ({ start }) => {
      if (start >= 16) throw new EngineError('internal', 'scripted');
    };
    await expect(engine.generate(ask('hi'), { onDelta })).rejects.toEqual(failsWith('internal'));
    expect(backend.cached).toEqual(promptOf('hi').slice(0, 16));
  });

  it('is not remembered', async () => {
    const { engine, onDelta, text, backend } = await loaded({ script: answering(idsOf('tho')) });
    backend.onForward = ({ start }) => {
      if (start > promptOf('hi').length) throw new EngineError('internal', 'scripted');
    };
    await expect(engine.generate(ask('hi'), { onDelta })).rejects.toEqual(failsWith('internal'));
    expect(text()).toBe('th');
    const conversation: Message[] = [...ask('hi'), { role: 'assistant', content: 'th' }, ...ask('on')];
    expect((await engine.count(conversation)).reusedTokens).toBe(promptOf('hi').length);
  });
});

describe('a lost GPU', () => {
  it('leaves the engine empty where it is idle', async () => {
    const { engine, onDelta, onLost, lose } = await loaded({ onGpu: true });
    lose('unplugged');
    await expect.poll(() => onLost.mock.calls).toEqual([['unplugged']]);
    expect(await engine.status()).toEqual({ state: 'empty' });
    await expect(engine.generate(ask('hi'), { onDelta })).rejects.toEqual(failsWith('model-missing'));
    expect(await engine.inspect()).toEqual({ webgpu: null, reason: 'no-webgpu' });
  });

  it('ends an answer as such, whatever the answer fails with', async () => {
    const { engine, onDelta, onLost, lose, backend, decoder } = await loaded({ onGpu: true });
    const clear = vi.spyOn(decoder, 'clear');
    backend.onForward = async () => {
      lose('unplugged');
      await Promise.resolve();
      throw new Error('mapAsync failed');
    };
    await expect(engine.generate(ask('hi'), { onDelta })).rejects.toMatchObject({
      code: 'device-lost',
      detail: 'Error: mapAsync failed',
    });
    expect(onLost.mock.calls).toEqual([['unplugged']]);
    expect(clear).not.toHaveBeenCalled();
    expect(await engine.status()).toEqual({ state: 'empty' });
  });

  it('during loading fails the load, and frees the model once', async () => {
    const { model, backend, dispose, lose } = scriptedModel({ script: HELLO, onGpu: true });
    const next = scriptedModel({ script: HELLO });
    const { engine, onLost } = engineOf(model, next.model);
    backend.onForward = () => {
      lose('unplugged');
      throw new EngineError('device-lost', 'unplugged');
    };
    await expect(engine.load('folder', {})).rejects.toEqual(failsWith('device-lost'));
    expect(dispose).toHaveBeenCalledOnce();
    // The load's own failure says it.
    expect(onLost).not.toHaveBeenCalled();
    expect(await engine.load('folder', {})).toMatchObject({ device: 'wasm' });
  });

  it('is reported after a load that ends all the same', async () => {
    const { model, backend, lose } = scriptedModel({ script: HELLO, onGpu: true });
    const { engine, onLost } = engineOf(model);
    backend.onForward = () => lose('unplugged');
    await engine.load('folder', {});
    await expect.poll(() => onLost.mock.calls).toEqual([['unplugged']]);
    expect(await engine.status()).toEqual({ state: 'empty' });
  });

  it('is not reported for a model that was freed', async () => {
    const { engine, onLost, lose } = await loaded({ onGpu: true });
    await engine.unload();
    lose('destroyed');
    for (let i = 0; i < 10; i++) await Promise.resolve();
    expect(onLost).not.toHaveBeenCalled();
  });
});

describe('pictures', () => {
  const VISION = {
    ...{ model_type: 'gemma3', mm_tokens_per_image: 4, image_token_index: 40 },
    vision_config: { hidden_size: 8, num_hidden_layers: 1, num_attention_heads: 1, image_size: 4, patch_size: 1 },
  };
  const image = new Blob([Uint8Array.of(1, 2, 3)]);
  const picture = (text: string): Message['content'] => [
    { type: 'image', image },
    { type: 'text', text },
  ];

  /** A loaded model that sees pictures; its vocabulary has the tokens for them. */
  async function seeing(change: (encoder: ReturnType<typeof scriptedEncoder>) => void = () => undefined) {
    const scripted = scriptedModel({ script: HELLO, onGpu: true });
    const { parseGemma3Config } = await import('../../protocol/gemma3-config.ts');
    const { config } = scripted.model;
    const json = structuredClone(scripted.files['tokenizer.json']) as { added_tokens: object[] };
    for (const [i, content] of ['<start_of_image>', '<image_soft_token>', '<end_of_image>'].entries())
      json.added_tokens.push({ id: 40 + i, content, special: true });
    scripted.files['tokenizer.json'] = json;
    const encoder = scriptedEncoder();
    change(encoder);
    const { vision } = parseGemma3Config({ ...VISION, text_config: {} });
    const model = { ...scripted.model, config: { ...config, vision }, encoder: encoder as unknown as VisionEncoder };
    const all = { ...scripted, ...engineOf(model), encoder };
    await all.engine.load('folder', {});
    return all;
  }
  function scriptedEncoder() {
    const features = new Map<string, Float32Array>();
    return {
      open: vi.fn(() => Promise.resolve()),
      cachedFeatures: vi.fn((key: string) => features.get(key)),
      encode: vi.fn((key: string) => {
        features.set(key, new Float32Array(1));
        return Promise.resolve(new Float32Array(1));
      }),
    };
  }

  it('are refused by a model without an encoder', async () => {
    const { engine, onDelta } = await loaded();
    await expect(engine.generate(ask(picture('hi')), { onDelta })).rejects.toEqual(failsWith('pictures-unsupported'));
    await expect(engine.count(ask(picture('hi')))).rejects.toEqual(failsWith('pictures-unsupported'));
  });

  it('are encoded once, and are part of the prompt', async () => {
    const { engine, encoder, backend } = await seeing();
    expect(encoder.open).toHaveBeenCalledOnce();
    const seen: number[] = [];
    backend.onForward = ({ pictures }) => void seen.push(pictures.length);
    const finish = await engine.generate(ask(picture('hi')), { onDelta: vi.fn() });
    expect(finish.reason).toBe('stop');
    expect(backend.cached.filter((id) => id === 41)).toHaveLength(4);
    expect(seen[0]).toBe(1);
    await engine.generate(ask(picture('again')), { onDelta: vi.fn() });
    expect(encoder.encode).toHaveBeenCalledOnce();
    const again = await engine.count(ask(picture('again')));
    expect(again.reusedTokens).toBe(again.promptTokens - 1);
  });

  it('wait for the encoder, and an abort does not', async () => {
    const opening = new Gate();
    const { engine, encoder, backend } = await seeing(({ open }) => open.mockReturnValue(opening.passed));
    const controller = new AbortController();
    const generating = engine.generate(ask(picture('hi')), { onDelta: vi.fn(), signal: controller.signal });
    await expect.poll(() => encoder.open.mock.calls.length).toBeGreaterThan(1);
    backend.passes.length = 0;
    controller.abort();
    expect(await generating).toMatchObject({ reason: 'aborted', usage: { promptTokens: 0, generatedTokens: 0 } });
    expect(encoder.encode).not.toHaveBeenCalled();
    expect(backend.passes).toEqual([]);
    opening.open();
  });

  it('do not wait for the encoder after an abort during hashing', async () => {
    const opening = new Gate();
    const { engine, encoder } = await seeing(({ open }) => open.mockReturnValue(opening.passed));
    const controller = new AbortController();
    // The cache of features is asked when the picture has been hashed.
    encoder.cachedFeatures.mockImplementation(() => {
      controller.abort();
      return undefined;
    });
    const finish = await engine.generate(ask(picture('hi')), { onDelta: vi.fn(), signal: controller.signal });
    expect(finish.reason).toBe('aborted');
    expect(encoder.encode).not.toHaveBeenCalled();
    opening.open();
  });

  it('are not encoded after an abort', async () => {
    const { engine, encoder } = await seeing();
    const finish = await engine.generate(ask(picture('hi')), { onDelta: vi.fn(), signal: AbortSignal.abort() });
    expect(finish.reason).toBe('aborted');
    expect(encoder.cachedFeatures).not.toHaveBeenCalled();
  });

  it('receive the failure to open the encoder, which loading does not', async () => {
    const failure = new EngineError('network', 'the line broke');
    const { engine } = await seeing(({ open }) => open.mockRejectedValue(failure));
    await engine.settled();
    await expect(engine.generate(ask(picture('hi')), { onDelta: vi.fn() })).rejects.toBe(failure);
    expect(await engine.generate(ask('hi'), { onDelta: vi.fn() })).toMatchObject({ reason: 'stop' });
  });

  it('settle when the encoder is open', async () => {
    const opening = new Gate();
    const { engine } = await seeing(({ open }) => open.mockReturnValue(opening.passed));
    let settled = false;
    const settling = engine.settled().then(() => (settled = true));
    for (let i = 0; i < 10; i++) await Promise.resolve();
    expect(settled).toBe(false);
    opening.open();
    await settling;
  });

  it('on a GPU that encodes them wrongly cost the model, as if the GPU were lost', async () => {
    const { engine, onLost, dispose, samplers } = await seeing(({ encode }) =>
      encode.mockRejectedValue(new EngineError('adapter-wrong', 'wrong features')),
    );
    await expect(engine.generate(ask(picture('hi')), { onDelta: vi.fn() })).rejects.toMatchObject({
      code: 'device-lost',
      detail: 'wrong features',
    });
    expect(onLost.mock.calls).toEqual([['wrong features']]);
    expect(dispose).toHaveBeenCalledOnce();
    expect(samplers.dispose).toHaveBeenCalledOnce();
    expect(await engine.status()).toEqual({ state: 'empty' });
  });
});

describe('inspecting the device', () => {
  it('describes the GPU', async () => {
    const { engine, inspectGpu } = engineOf();
    expect(await engine.inspect()).toEqual({ webgpu: null, reason: 'no-webgpu' });
    const gpu = { adapter: 'a', maxBufferSize: 1, maxStorageBufferBindingSize: 2 };
    inspectGpu.mockResolvedValue(gpu);
    expect(await engine.inspect()).toEqual({ webgpu: gpu });
  });

  it('does not look at a GPU that was found to be wrong', async () => {
    const { model } = scriptedModel({ script: HELLO });
    const { engine, inspectGpu } = engineOf({ ...model, fallback: 'adapter-wrong' });
    await engine.load('folder', {});
    expect(await engine.inspect()).toEqual({ webgpu: null, reason: 'adapter-wrong' });
    expect(inspectGpu).not.toHaveBeenCalled();
  });
});
