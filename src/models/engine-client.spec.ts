import { describe, expect, it } from 'vitest';
import type { EngineError } from '../../protocol/engine.ts';
import { EngineClient } from './engine-client.ts';
import { ScriptedWorker } from './testing/scripted-worker.ts';

const open = () => {
  const worker = new ScriptedWorker();
  return { worker, client: new EngineClient(() => worker) };
};
const finish = {
  reason: 'stop',
  usage: { promptTokens: 3, reusedTokens: 0, generatedTokens: 2, contextTokens: 10 },
  timing: { timeToFirstToken: 1, prefillRate: 2, decodeRate: 3 },
} as const;

describe('EngineClient', () => {
  it('passes deltas in order and resolves with the finish', async () => {
    const { worker, client } = open();
    let text = '';
    const done = client.generate([{ role: 'user', content: 'Hi' }], { onDelta: (delta) => (text += delta) });
    worker.say({ id: 1, delta: 'a' });
    worker.say({ id: 2, delta: 'not mine' });
    worker.say({ id: 1, delta: 'b' });
    worker.say({ id: 1, result: finish });
    expect(await done).toEqual(finish);
    expect(text).toBe('ab');
  });

  it('tells the worker of a stop, and only while the call runs', async () => {
    const { worker, client } = open();
    const controller = new AbortController();
    const done = client.generate([], { onDelta: () => undefined, signal: controller.signal });
    controller.abort();
    expect(worker.heard.at(-1)).toEqual({ id: 1, abort: true });
    worker.say({ id: 1, result: { ...finish, reason: 'aborted' } });
    expect((await done).reason).toBe('aborted');
    await expect(client.load('m/', { signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' });
    expect(worker.heard).toHaveLength(2);
  });

  it('gives errors their code and detail', async () => {
    const { worker, client } = open();
    const done = client.load('m/', {});
    worker.say({ id: 1, error: { code: 'network', detail: 'gone' } });
    await expect(done).rejects.toMatchObject({ code: 'network', detail: 'gone' });
  });

  it('tells everybody when the worker breaks, and starts another for the next call', async () => {
    const workers: ScriptedWorker[] = [];
    const client = new EngineClient(() => {
      const worker = new ScriptedWorker();
      workers.push(worker);
      return worker;
    });
    const both = [client.status(), client.unload()];
    const gone: EngineError[] = [];
    client.onGone = (error) => gone.push(error);
    workers[0]?.crash('boom');
    for (const call of both) await expect(call).rejects.toMatchObject({ code: 'internal', detail: 'boom' });
    expect(workers[0]?.terminated).toBe(true);
    expect(gone).toMatchObject([{ code: 'internal' }]);
    const next = client.status();
    workers[1]?.say({ id: 3, result: { state: 'empty' } });
    expect(await next).toEqual({ state: 'empty' });
  });

  it('passes on the loss of the GPU', () => {
    const { worker, client } = open();
    const gone: EngineError[] = [];
    client.onGone = (error) => gone.push(error);
    void client.status();
    worker.say({ event: 'device-lost', detail: 'unplugged' });
    expect(gone).toMatchObject([{ code: 'device-lost', detail: 'unplugged' }]);
  });

  it('passes on progress', async () => {
    const { worker, client } = open();
    const seen: number[] = [];
    const done = client.load('m/', { onProgress: ({ done }) => seen.push(done) });
    worker.say({ id: 1, progress: { stage: 'files', done: 1, total: 2 } });
    worker.say({ id: 1, progress: { stage: 'files', done: 2, total: 2 } });
    worker.say({ id: 1, error: { code: 'model-damaged', detail: '' } });
    await expect(done).rejects.toMatchObject({ code: 'model-damaged' });
    expect(seen).toEqual([1, 2]);
  });

  it('refuses what cannot be sent', async () => {
    const { client } = open();
    const messages = [{ role: 'user' as const, content: (() => '') as unknown as string }];
    await expect(client.generate(messages, { onDelta: () => undefined })).rejects.toMatchObject({ code: 'internal' });
  });
});
