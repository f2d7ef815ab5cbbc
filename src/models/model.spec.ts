import { describe, expect, it } from 'vitest';
import type { LoadedModel } from '../../protocol/engine.ts';
import { EngineClient } from './engine-client.ts';
import { ModelStore } from './model.svelte.ts';
import { ScriptedWorker } from './testing/scripted-worker.ts';

const loaded = { id: 'built-in', device: 'webgpu' } as LoadedModel;
const turn = () => new Promise((resolve) => setTimeout(resolve));

function open() {
  const workers: ScriptedWorker[] = [];
  const start = () => {
    const worker = new ScriptedWorker();
    workers.push(worker);
    return worker;
  };
  return { workers, store: new ModelStore('m/', new EngineClient(start)) };
}

describe('ModelStore', () => {
  it('loads once, however many ask', async () => {
    const { workers, store } = open();
    const { signal } = new AbortController();
    const both = Promise.all([store.ready(signal), store.ready(signal)]);
    expect(workers[0]?.heard).toHaveLength(1);
    workers[0]?.reply({ result: loaded });
    await both;
    await store.ready(signal);
    expect(workers[0]?.heard).toHaveLength(1);
    expect(store.state).toEqual({ is: 'ready', model: loaded });
  });

  it('keeps those waiting who asked, when an attempt fails and another succeeds', async () => {
    const { workers, store } = open();
    let arrived = false;
    const ready = store.ready(new AbortController().signal).then(() => (arrived = true));
    workers[0]?.reply({ error: { code: 'network', detail: 'gone' } });
    await turn();
    expect(store.state).toMatchObject({ is: 'failed', error: { code: 'network' } });
    expect(arrived).toBe(false);
    void store.load();
    workers[0]?.reply({ result: loaded });
    await ready;
  });

  it('lets go who no longer waits', async () => {
    const { store } = open();
    const controller = new AbortController();
    const ready = store.ready(controller.signal);
    controller.abort();
    await expect(ready).rejects.toMatchObject({ code: 'aborted' });
  });

  it('loads again after the worker broke', async () => {
    const { workers, store } = open();
    const { signal } = new AbortController();
    void store.load();
    workers[0]?.reply({ result: loaded });
    await turn();
    workers[0]?.crash('boom');
    expect(store.state.is).toBe('failed');
    const ready = store.ready(signal);
    workers[1]?.reply({ result: loaded });
    await ready;
    expect(store.state.is).toBe('ready');
  });
});
